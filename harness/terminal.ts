// A real terminal in front of a client that runs behind its own: raw mode, bytes both ways, window size, Ctrl-Z and back. Whatever happens,
// the user's terminal is given back as it was.
// Does not stop: what the client writes from reaching the terminal; escape sequences are its business while it runs.

import type { RunningSandbox } from "#sandbox/launch.ts";
import { rawSettings, setTerminal, terminalSettings } from "#sandbox/libc-terminal.ts";
import { visible } from "#src/core/text.ts";
import { type Answer, drawQuestion, type Question, questionLines, readAnswer } from "./question.ts";
import { trackModes } from "./terminal-modes.ts";

const SIGCONT = 18;
const STDIN = 0;
/** Output of the client that is kept while a question stands. */
const MAX_KEPT_BYTES = 16 * 1024 ** 2;
/** A full-screen client draws anew when its window changes; the change must be there to be seen. */
const REDRAW_MS = 50;

export type TerminalSize = { columns: number; rows: number };

/** Size of the terminal on our stdout. */
export function terminalSize(): TerminalSize {
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
}

/** Whether somebody sits at one: then the client gets one too. */
export function onTerminal(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

export type TerminalSession = Disposable & {
  /** The client's output, on its way to our terminal. */
  write(bytes: Uint8Array): void;
  /** From now on what is typed, and the window's size, go to the client; `onResize` hears of every new size. */
  connect(run: RunningSandbox, onResize: (size: TerminalSize) => void): void;
  /**
   * Asks whoever sits there, while the client's output waits and nothing that is typed reaches it. Undefined when `over` comes first, or more
   * output than can be kept. One question at a time.
   */
  ask(question: Question, over: AbortSignal): Promise<Answer | undefined>;
  /** Says something in the terminal's title, where it disturbs nothing the client draws; the title that was there comes back at the end. */
  status(text: string): void;
  /** The client stopped itself: gives the terminal back, stops this process too, and goes on when it is continued. */
  suspend(): void;
};

/**
 * Takes our terminal for a client, before the client exists: what is typed from here on is the client's. Disposing gives the terminal back.
 */
export function takeTerminal(): TerminalSession {
  const before = terminalSettings(STDIN);
  const through = rawSettings(before);
  const raw = (on: boolean) => setTerminal(STDIN, on ? through : before);
  const modes = trackModes();
  let client: { run: RunningSandbox; onInput(bytes: Buffer): void; onWindowChange(): void } | undefined;
  /** There while a question stands. `then`: what waits for its end. */
  let asking: { kept: Uint8Array[]; bytes: number; end(): void; redraw(): void; then: (() => void)[] } | undefined;
  raw(true);
  const show = (bytes: Uint8Array) => {
    modes.watch(bytes);
    process.stdout.write(bytes);
  };
  const redrawClient = () => {
    const { columns, rows } = terminalSize();
    const terminal = client?.run.process.terminal;
    terminal?.resize(columns, Math.max(1, rows - 1));
    setTimeout(() => terminal?.resize(columns, rows), REDRAW_MS);
  };
  const ask = (question: Question, over: AbortSignal): Promise<Answer | undefined> => {
    const reader = readAnswer(() => performance.now());
    const { enter, leave, full } = modes.aside();
    const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
    const draw = () => {
      const size = terminalSize();
      process.stdout.write(drawQuestion(questionLines(question, size, reader.typed(), reader.note()), size));
    };
    const onInput = (bytes: Buffer) => {
      const answer = reader.feed(bytes);
      if (answer === undefined) draw();
      else finish(answer);
    };
    const end = () => finish(undefined);
    // At once and not a turn later: whoever gives the terminal back must find it as the client left it.
    const finish = (answer: Answer | undefined) => {
      if (asking?.end !== end) return;
      const { kept, then } = asking;
      asking = undefined;
      over.removeEventListener("abort", end);
      process.stdin.off("data", onInput);
      if (client === undefined) process.stdin.pause();
      process.stdout.write(leave);
      for (const bytes of kept) show(bytes);
      const early = reader.forClient();
      if (early.length > 0) client?.run.process.terminal?.write(early);
      if (full) redrawClient();
      for (const act of then) act();
      resolve(answer);
    };
    asking = { kept: [], bytes: 0, end, redraw: draw, then: [] };
    process.stdout.write(enter);
    draw();
    process.stdin.on("data", onInput);
    process.stdin.resume();
    over.addEventListener("abort", end, { once: true });
    if (over.aborted) end();
    return promise;
  };
  const suspend = () => {
    raw(false);
    process.once("SIGCONT", () => {
      raw(true);
      client?.onWindowChange();
      client?.run.signal(SIGCONT);
    });
    process.kill(process.pid, "SIGSTOP");
  };
  let titled = false;
  return {
    ask,
    status(text) {
      // XTWINOPS 22 and 23 keep and give back the title, OSC 2 sets it (xterm's ctlseqs).
      process.stdout.write(`${titled ? "" : "\u001b[22;2t"}\u001b]2;broke: ${visible(text)}\u0007`);
      titled = true;
    },
    write(bytes) {
      if (asking === undefined) return show(bytes);
      asking.kept.push(bytes.slice());
      asking.bytes += bytes.length;
      if (asking.bytes > MAX_KEPT_BYTES) asking.end();
    },
    connect(run, onResize) {
      const { terminal } = run.process;
      const onInput = (bytes: Buffer) => void (asking === undefined && terminal?.write(bytes));
      const onWindowChange = () => {
        const size = terminalSize();
        terminal?.resize(size.columns, size.rows);
        asking?.redraw();
        onResize(size);
      };
      client = { run, onInput, onWindowChange };
      process.stdin.on("data", onInput);
      process.stdin.resume();
      process.on("SIGWINCH", onWindowChange);
    },
    suspend: () => (asking === undefined ? suspend() : void asking.then.push(suspend)),
    [Symbol.dispose]() {
      asking?.end();
      if (client !== undefined) {
        process.off("SIGWINCH", client.onWindowChange);
        process.stdin.off("data", client.onInput);
        process.stdin.pause();
      }
      raw(false);
      process.stdout.write(`${titled ? "\u001b[23;2t" : ""}${modes.undo()}`);
    },
  };
}
