// Reads the run's event pipe on its own loop, so that a full pipe never holds a tool, and turns frames into ledger events marked untrusted.
// Bounded: beyond a number of events, or of bytes, the rest is only counted.

import { closeSync, constants, openSync, readSync } from "node:fs";
import type { Json } from "#src/core/json.ts";
import { clip } from "#src/core/text.ts";
import { boundArgs } from "./bounded.ts";
import { budgets, withinBudget } from "./budget.ts";
import { makeFrameParser, type ShimEvent } from "#shims/frames.ts";

const MAX_EVENTS = 20_000;
const MAX_WORD_BYTES = 256;
const POLL_MS = 20;
/** Taken before the supervisor does something else: whoever writes without end must not hold it. */
const PIECE_BYTES = 16 * 1024;
/** More than a pipe holds (pipe(7): 1 MiB for an unprivileged process). */
const PIECES_AT_END = 128;

function eventData(event: ShimEvent): { name: string; data: Record<string, Json> } {
  if (event.kind === "completed") return { name: "command.completed", data: { pid: event.pid, code: event.code } };
  return {
    name: "command.started",
    data: {
      pid: event.pid,
      tool: clip(event.tool, MAX_WORD_BYTES).text,
      cwd: clip(event.cwd, MAX_WORD_BYTES).text,
      args: event.args === undefined || event.args === null ? null : boundArgs(event.args).argv,
    },
  };
}

export type ShimReader = AsyncDisposable & {
  /** Takes what is left in the pipe. Call it when no writer is left. */
  drain(): Promise<void>;
};

/** Starts reading. `record` is called for each event with its ledger name; every one carries `trust: "untrusted"`. */
export function readShimEvents(pipe: string, record: (event: string, data: Record<string, Json>) => void): ShimReader {
  // Opened for writing too, so that there is never an end of file while tools come and go.
  const fd = openSync(pipe, constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  const parser = makeFrameParser();
  const buffer = Buffer.alloc(PIECE_BYTES);
  const claims = withinBudget(record, budgets.claims);
  let seen = 0;
  let open = true;
  const take = (pieces: number) => {
    for (let left = pieces; left > 0; left--) {
      let bytes: number;
      try {
        bytes = readSync(fd, buffer);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return;
        throw error;
      }
      if (bytes === 0) return;
      for (const event of parser.push(buffer.subarray(0, bytes))) {
        if (++seen > MAX_EVENTS) continue;
        const { name, data } = eventData(event);
        claims.record(name, { ...data, trust: "untrusted" });
      }
    }
  };
  const timer = setInterval(() => take(1), POLL_MS);
  const close = () => {
    if (!open) return;
    open = false;
    clearInterval(timer);
    take(PIECES_AT_END);
    const omitted = Math.max(0, seen - MAX_EVENTS) + claims.omitted();
    if (omitted > 0 || parser.dropped() > 0) {
      record("command.omitted", {
        events: omitted,
        garbage: parser.dropped(),
        trust: "untrusted",
      });
    }
    closeSync(fd);
  };
  return {
    async drain() {
      close();
    },
    async [Symbol.asyncDispose]() {
      close();
    },
  };
}
