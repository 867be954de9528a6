// Commands of the agent's: each leads a process group of its own and carries a mark in its environment, by which all that it left is found and ended.
// Does not stop: a process that left its group and wiped its environment; it ends with the sandbox.

import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";

const MARK = "BROKE_AGENT_STEP";
const DRAIN_MS = 300;
const SWEEPS = 5;

export type Ended = {
  code: number | null;
  signal: string | null;
  output: string;
  why: "ended" | "time" | "cancelled";
  left: number;
};

/** Those that carry the mark and are not over. */
function markedBy(mark: string): number[] {
  const wanted = `${MARK}=${mark}`;
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      const isMarked = readFileSync(`/proc/${name}/environ`, "latin1").split("\0").includes(wanted);
      return isMarked ? [Number(name)] : [];
    } catch {
      return []; // gone, or nobody's we could have started
    }
  });
}

function send(target: number): boolean {
  try {
    return process.kill(target, "SIGKILL");
  } catch {
    return false; // gone
  }
}

/** Ends all that a command started; how many it took. What is started meanwhile is found by the next look. */
function endAll(leader: number, mark: string): number {
  const ended = new Set<number>();
  send(-leader);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const alive = markedBy(mark).filter((pid) => pid !== leader && send(pid));
    if (alive.length === 0) break;
    for (const pid of alive) ended.add(pid);
    Bun.sleepSync(2);
  }
  return ended.size;
}

/** Keeps the beginning and the end of what comes, however much that is. */
function keepEnds(most: number) {
  const half = Math.floor(most / 2);
  let [head, tail, total] = ["", "", 0];
  return {
    take(text: string): void {
      total += text.length;
      const room = half - head.length;
      head += text.slice(0, Math.max(0, room));
      tail = (tail + text.slice(Math.max(0, room))).slice(-half);
    },
    text(): string {
      const left = total - head.length - tail.length;
      return (left === 0 ? head + tail : `${head}\n[${left} characters left out]\n${tail}`).toWellFormed();
    },
  };
}

/**
 * Runs a command to its end, or to that of its time or its turn; afterwards nothing of it runs any more. `most` is of its output, in characters.
 */
export async function runProcess(
  argv: string[],
  {
    cwd,
    timeoutMs,
    most,
    signal,
    input = "",
    printed = () => {},
  }: {
    cwd: string;
    timeoutMs: number;
    most: number;
    signal: AbortSignal;
    input?: string;
    printed?: ((text: string) => void) | undefined;
  },
): Promise<Ended> {
  const mark = randomBytes(8).toString("hex");
  const kept = keepEnds(most);
  const child = Bun.spawn(argv, {
    cwd,
    env: { ...process.env, [MARK]: mark },
    stdin: Buffer.from(input),
    stdout: "pipe",
    stderr: "pipe",
    detached: true,
  });
  let why: Ended["why"] = "ended";
  let shown = 0;
  const end = (reason: Ended["why"]) => {
    why = reason;
    endAll(child.pid, mark);
  };
  const timer = setTimeout(() => end("time"), timeoutMs);
  const onAbort = () => end("cancelled");
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const hear = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder();
    for await (const piece of stream as unknown as AsyncIterable<Uint8Array>) {
      const text = decoder.decode(piece, { stream: true });
      kept.take(text);
      if (shown < most) printed(text.slice(0, most - shown));
      shown += text.length;
    }
  };
  const heard = Promise.all([hear(child.stdout), hear(child.stderr)]).catch(() => {});
  try {
    await child.exited;
    // What it left in the background may hold its output open.
    await Promise.race([heard, Bun.sleep(DRAIN_MS)]);
    const left = endAll(child.pid, mark);
    await Promise.race([heard, Bun.sleep(DRAIN_MS)]);
    const { exitCode: code, signalCode } = child;
    return { code, signal: signalCode === null ? null : String(signalCode), output: kept.text(), why, left };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}
