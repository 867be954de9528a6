// The agent's two ends of the pipe: orders come in by lines, what it tells goes out whole. Lines that are no order are none of its business.

import { writeSync } from "node:fs";
import type { Order, Told } from "./protocol.ts";

const LINE_FEED = 10;

/** Writes all of a text; who reads slowly slows the agent. */
export function write(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      // A pipe that is full and does not wait for us.
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      Bun.sleepSync(1);
    }
  }
}

/** Writes lines, each at once. */
export const openOutput = (): ((told: Told) => void) => (told) => write(1, `${JSON.stringify(told)}\n`);

function orderIn(line: string): Order | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return value !== null && typeof value === "object" && "kind" in value ? (value as Order) : undefined;
  } catch {
    return undefined;
  }
}

/** The orders in the order they came; ends when nobody gives any more. */
export async function* readOrders(): AsyncGenerator<Order> {
  let held: Uint8Array[] = [];
  for await (const piece of Bun.stdin.stream()) {
    let from = 0;
    for (let at = piece.indexOf(LINE_FEED); at !== -1; from = at + 1, at = piece.indexOf(LINE_FEED, from)) {
      const line = Buffer.concat([...held, piece.subarray(from, at)]).toString("utf8");
      held = [];
      const order = orderIn(line);
      if (order !== undefined) yield order;
    }
    held.push(piece.slice(from));
  }
}
