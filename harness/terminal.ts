// A real terminal in front of a client that runs behind its own: raw mode, bytes both ways, window size, Ctrl-Z and back. Whatever happens,
// the user's terminal is given back as it was.
// Does not stop: what the client writes from reaching the terminal; escape sequences are its business while it runs.

import type { RunningSandbox } from "#sandbox/launch.ts";
import * as libc from "#sandbox/libc.ts";
import { trackModes } from "./terminal-modes.ts";

const SIGCONT = 18;
const STDIN = 0;

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
  /** The client stopped itself: gives the terminal back, stops this process too, and goes on when it is continued. */
  suspend(): void;
};

/**
 * Takes our terminal for a client, before the client exists: what is typed from here on is the client's. Disposing gives the terminal back.
 */
export function takeTerminal(): TerminalSession {
  const before = libc.terminalSettings(STDIN);
  const through = libc.rawSettings(before);
  const raw = (on: boolean) => libc.setTerminal(STDIN, on ? through : before);
  const modes = trackModes();
  let client: { run: RunningSandbox; onInput(bytes: Buffer): void; onWindowChange(): void } | undefined;
  raw(true);
  return {
    write(bytes) {
      modes.watch(bytes);
      process.stdout.write(bytes);
    },
    connect(run, onResize) {
      const { terminal } = run.process;
      const onInput = (bytes: Buffer) => void terminal?.write(bytes);
      const onWindowChange = () => {
        const size = terminalSize();
        terminal?.resize(size.columns, size.rows);
        onResize(size);
      };
      client = { run, onInput, onWindowChange };
      process.stdin.on("data", onInput);
      process.stdin.resume();
      process.on("SIGWINCH", onWindowChange);
    },
    suspend() {
      raw(false);
      process.once("SIGCONT", () => {
        raw(true);
        client?.onWindowChange();
        client?.run.signal(SIGCONT);
      });
      process.kill(process.pid, "SIGSTOP");
    },
    [Symbol.dispose]() {
      if (client !== undefined) {
        process.off("SIGWINCH", client.onWindowChange);
        process.stdin.off("data", client.onInput);
        process.stdin.pause();
      }
      raw(false);
      process.stdout.write(modes.undo());
    },
  };
}
