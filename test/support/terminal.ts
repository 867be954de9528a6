// A program on a real pseudo-terminal, as a person sits before it.

/** What has not come after so long is not coming. */
const PATIENCE_MS = 20_000;

export type Seat = {
  /** Everything written to the terminal so far, escape sequences and all. */
  screen(): string;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** Ends when the screen holds the text (or matches). */
  until(what: string | RegExp): Promise<void>;
  readonly pid: number;
  exited: Promise<number>;
};

/** Starts a program on a terminal of its own. */
export function sit(
  argv: string[],
  options: { cwd: string; env: Record<string, string>; columns?: number; rows?: number },
): Seat {
  let screen = "";
  let changed = Promise.withResolvers<void>();
  let over = false;
  const closed = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const wake = () => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const child = Bun.spawn(argv, {
    cwd: options.cwd,
    env: { ...options.env, TERM: "xterm-256color" },
    terminal: {
      cols: options.columns ?? 100,
      rows: options.rows ?? 30,
      data(_, bytes) {
        screen += decoder.decode(bytes, { stream: true });
        wake();
      },
      exit() {
        over = true;
        closed.resolve();
        wake();
      },
    },
  });
  return {
    screen: () => screen,
    type: (text) => void child.terminal!.write(text),
    resize: (columns, rows) => child.terminal!.resize(columns, rows),
    async until(what) {
      const late = Bun.sleep(PATIENCE_MS).then(() => "late");
      for (;;) {
        const next = changed.promise;
        if (typeof what === "string" ? screen.includes(what) : what.test(screen)) return;
        const tail = () => Bun.stripANSI(screen).slice(-2000);
        if (over) throw new Error(`the program ended before ${String(what)}; the screen: ${tail()}`);
        if ((await Promise.race([next, late])) === "late") throw new Error(`no ${String(what)}; the screen: ${tail()}`);
      }
    },
    pid: child.pid,
    exited: child.exited.then(async (code) => (await closed.promise, code)),
  };
}
