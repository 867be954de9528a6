// Who is silent, and who does not listen: a provider is not ended for its client's pause, and a client that never reads on is let go.

import { expect, test } from "bun:test";
import { SilenceWatch } from "#src/gateway/silence.ts";
import { streamBody } from "#src/gateway/stream-reply.ts";
import type { Flow } from "#src/wire/flow.ts";

const LIMIT_MS = 40;
const SOON_MS = 5 * LIMIT_MS;

/** A watch, and what became of it. */
function watched(stalledMs: number) {
  const ended = Promise.withResolvers<string>();
  const watch = new SilenceWatch(LIMIT_MS, { abort: () => ended.resolve("the provider") }, stalledMs);
  return { watch, stalled: () => ended.resolve("the client"), ended: ended.promise };
}
const within = (ended: Promise<string>, ms: number) => Promise.race([ended, Bun.sleep(ms).then(() => "nobody")]);

test("a provider that says nothing is ended; while the client does not read, nobody is, for as long as that may last", async () => {
  const silent = watched(60_000);
  expect([await within(silent.ended, 10_000), silent.watch.silent]).toEqual(["the provider", true]);
  const resting = watched(60_000);
  resting.watch.rest(resting.stalled);
  expect(await within(resting.ended, SOON_MS)).toBe("nobody");
  resting.watch.heard();
  expect(await within(resting.ended, 10_000)).toBe("the provider");
  const stalled = watched(SOON_MS);
  stalled.watch.rest(stalled.stalled);
  expect([await within(stalled.ended, 10_000), stalled.watch.silent]).toEqual(["the client", false]);
});

test("a client that never reads on is let go: its request is over, and the provider's call with it", async () => {
  const happened: string[] = [];
  const over = Promise.withResolvers<void>();
  const flow = {
    phase: () => "open",
    push: (bytes: Uint8Array) => bytes,
    losses: () => [],
    cost: () => ({ input: null, output: null, cacheRead: null, cacheWrite: null }),
  } as unknown as Flow;
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const cancelled = writer.closed.catch(() => void happened.push("cancelled"));
  const body = streamBody(
    {
      ...{ kind: "stream", model: null, flow, held: [Buffer.from("first")], ended: false },
      ...{ reader: readable.getReader() as never, silence: new SilenceWatch(LIMIT_MS, { abort: () => {} }, SOON_MS) },
    },
    {
      exchange: {
        saw: () => {},
        finish: (status: number) => {
          happened.push(`${status}`);
          over.resolve();
        },
      } as never,
      ...{ price: null, pingMs: 60_000, abandon: () => void happened.push("abandoned") },
    },
  );
  await over.promise;
  await cancelled;
  expect(happened).toEqual(["499", "abandoned", "cancelled"]);
  await expect(new Response(body).text()).rejects.toThrow("the client stopped reading");
});
