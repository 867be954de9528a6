// The lines a runtime and its client exchange, over the streams of a run.

import type { Talk } from "#harness/supervise.ts";
import { type Frame, splitFrames } from "../framing.ts";

/** Runs the client with these arguments and talks with it; resolves when the run is over, rejects when it was not launched. */
export type Launch = (args: string[], talk: Talk) => Promise<unknown>;

/** Writes into the run's ledger. */
type Record = Parameters<Talk>[0]["record"];

export type Pipes = {
  /** Sends a line; to a client that is gone, nothing. */
  write(message: object): void;
  /** Asks the client to end, and ends it when it does not. */
  end(): void;
  /** Resolves when the run is over, however it was. */
  ended: Promise<void>;
};

/**
 * Launches and resolves when the client can be written to; `onLine` takes one line after the other. Aborted, it is ended. Rejects with what kept it from
 * being launched.
 */
export async function openPipes(
  launch: Launch,
  args: string[],
  onLine: (text: string, record: Record) => void | Promise<void>,
  signal: AbortSignal,
): Promise<Pipes> {
  let write: Pipes["write"] = () => {};
  let end = () => {};
  const started = Promise.withResolvers<void>();
  const talk: Talk = async (streams) => {
    const input = Bun.file(streams.stdin).writer();
    write = (message) => {
      void input.write(`${JSON.stringify(message)}\n`);
      void input.flush();
    };
    end = streams.end;
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    started.resolve();
    const split = splitFrames();
    const take = async (frames: Frame[]) => {
      for (const frame of frames) if (frame.kind === "line") await onLine(frame.text, streams.record);
    };
    const errors = (async () => {
      for await (const bytes of Bun.file(streams.stderr).stream()) streams.onOutput(bytes);
    })();
    for await (const bytes of Bun.file(streams.stdout).stream()) {
      streams.onOutput(bytes);
      await take(split.push(bytes));
    }
    await errors;
    write = () => {};
    await Promise.resolve(input.end()).catch(() => {});
  };
  const run = launch(args, talk);
  const settled = run.then(
    () => {},
    () => {},
  );
  await Promise.race([started.promise, run]);
  return { write: (message) => write(message), end: () => end(), ended: settled };
}
