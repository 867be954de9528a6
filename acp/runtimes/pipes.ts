// The lines a runtime and its client exchange, over the streams of a run.

import { closeSync } from "node:fs";
import type { Talk } from "#harness/supervise.ts";
import { type Frame, splitFrames } from "../framing.ts";

/** Runs the client with these arguments and talks with it; resolves when the run is over, rejects when it was not launched. */
export type Launch = (args: string[], talk: Talk) => Promise<unknown>;

type Streams = Parameters<Talk>[0];
/** Of the run: its ledger, and its files for whoever is outside. */
export type OfRun = Pick<Streams, "record" | "outside">;

/** So long a client may take to end by itself. */
const FINISH_MS = 1_500;

export type Pipes = {
  /** Sends a line; to a client that is gone, nothing. */
  write(message: object): void;
  /** Asks the client to end, and ends it when it does not. */
  end(): void;
  /** Tells a client that does nothing that there is nothing more to do, so that it ends by itself: its run's verdict says how it ended. */
  finish(): void;
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
  onLine: (text: string, run: OfRun) => void | Promise<void>,
  signal: AbortSignal,
): Promise<Pipes> {
  let write: Pipes["write"] = () => {};
  let end = () => {};
  let finish = () => {};
  const started = Promise.withResolvers<void>();
  const talk: Talk = async (streams) => {
    const input = Bun.file(streams.stdin).writer();
    write = (message) => {
      void input.write(`${JSON.stringify(message)}\n`);
      void input.flush();
    };
    end = streams.end;
    let isOpen = true;
    const close = () => {
      write = () => {};
      if (!isOpen) return;
      isOpen = false;
      // The writer leaves what it was given open.
      void (async () => input.end())()
        .catch(() => {})
        .finally(() => closeSync(streams.stdin));
    };
    finish = () => {
      close();
      const late = setTimeout(end, FINISH_MS);
      void settled.then(() => clearTimeout(late));
    };
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    started.resolve();
    const split = splitFrames();
    const take = async (frames: Frame[]) => {
      for (const frame of frames) if (frame.kind === "line") await onLine(frame.text, streams);
    };
    const errors = (async () => {
      for await (const bytes of Bun.file(streams.stderr).stream()) streams.onOutput(bytes);
    })();
    for await (const bytes of Bun.file(streams.stdout).stream()) {
      streams.onOutput(bytes);
      await take(split.push(bytes));
    }
    await errors;
    close();
  };
  const run = launch(args, talk);
  const settled = run.then(
    () => {},
    () => {},
  );
  await Promise.race([started.promise, run]);
  return { write: (message) => write(message), end: () => end(), finish: () => finish(), ended: settled };
}
