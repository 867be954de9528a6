// What kind of thing a command does, as far as the observer can tell: the governor's vocabulary, one row a class. Pure.

export type Traits = {
  /** How many writes it counts for. */
  writes: number;
  /** What it adds to the risk. */
  risk: number;
  /** Whether it may run while only verification is allowed. */
  verifying: boolean;
};

const row = (writes: number, risk: number, verifying = false): Traits => ({ writes, risk, verifying });

export const classes = {
  /** Looks, and changes nothing. */
  read: row(0, 0, true),
  /** Runs a recognised test runner, or a task named for one. */
  test: row(0, 0, true),
  /** Linters, type checkers: green, they prove less than tests, and free nobody. */
  check: row(0, 0, true),
  /** Starts another command, which is seen and judged by itself: env, timeout, xargs, a shell whose words write nothing. */
  wrapper: row(0, 0, true),
  /** Writes, but only outside the work: the folder for temporary files, the client's home. */
  scratch: row(0, 0, true),
  write: row(1, 0),
  build: row(1, 0),
  /** Records what is there: add, commit, tag. */
  vcs: row(0, 0),
  /** Rewrites or throws away what was recorded. */
  history: row(1, 4),
  /** Removes whole trees. */
  destructive: row(1, 3),
  install: row(1, 1),
  network: row(0, 1),
  /** Code given in words, or on standard input: what it does shows nowhere. */
  opaque: row(1, 2),
  /** An interpreter with a script. */
  runtime: row(1, 1),
  privileged: row(0, 4),
  /** A program nobody knows. */
  unknown: row(1, 1),
} as const satisfies Record<string, Traits>;

export type ClassWord = keyof typeof classes;
