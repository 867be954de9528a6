// A real terminal in front of a client that runs behind its own: raw mode, bytes both ways, window size, Ctrl-Z and back. Whatever happens,
// the user's terminal is given back as it was.
// Does not stop: what the client writes from reaching the terminal; escape sequences are its business while it runs.

import type { RunningSandbox } from "#sandbox/launch.ts";

const SIGCONT = 18;
// Leaves alternate screens and mouse reporting, shows the cursor: what a client that was killed could not undo itself.
const RESTORE = "\u001b[?1049l\u001b[?1000l\u001b[?1002l\u001b[?1003l\u001b[?1006l\u001b[?2004l\u001b[?25h";

export type TerminalSize = { columns: number; rows: number };

/** Size of the terminal on our stdout. */
export function terminalSize(): TerminalSize {
  return { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 };
}

export type TerminalSession = {
  /** The client stopped itself: gives the terminal back, stops this process too, and goes on when it is continued. */
  suspend(): void;
  /** Gives the terminal back for good. */
  close(): void;
};

/** Connects our terminal to the client's. `onResize` hears of every new size. */
export function attachTerminal(run: RunningSandbox, onResize: (size: TerminalSize) => void): TerminalSession {
  const inner = run.process.terminal;
  const raw = (on: boolean) => {
    if (process.stdin.isTTY) process.stdin.setRawMode(on);
  };
  const onInput = (bytes: Buffer) => void inner?.write(bytes);
  const onWindowChange = () => {
    const size = terminalSize();
    inner?.resize(size.columns, size.rows);
    onResize(size);
  };
  raw(true);
  process.stdin.on("data", onInput);
  process.stdin.resume();
  process.on("SIGWINCH", onWindowChange);
  let open = true;
  return {
    suspend() {
      raw(false);
      process.once("SIGCONT", () => {
        raw(true);
        onWindowChange();
        run.signal(SIGCONT);
      });
      process.kill(process.pid, "SIGSTOP");
    },
    close() {
      if (!open) return;
      open = false;
      process.off("SIGWINCH", onWindowChange);
      process.stdin.off("data", onInput);
      raw(false);
      process.stdin.pause();
      process.stdout.write(RESTORE);
    },
  };
}
