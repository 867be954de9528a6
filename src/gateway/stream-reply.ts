// The rest of a committed stream on its way to the client. A provider that is cut off ends the client's stream in the client's own form of an
// error, never as a clean end; a client that goes away cancels the provider.

import { BrokeError } from "#src/core/errors.ts";
import { upstreamFailure } from "#src/wire/errors.ts";
import { CUT } from "#src/wire/flow.ts";
import type { Price } from "#src/routing/generation.ts";
import { type Exchange, GONE, lossesOfAnswer } from "./exchange.ts";
import { saidNothing } from "./silence.ts";
import { usageOf } from "./usage.ts";
import type { Answer, Reader } from "./walk.ts";

const DRAIN_MS = 1_000;
/** A token's share of a stream, between some 30 bytes (Anthropic) and 200 (OpenAI), its frame included. */
const BYTES_PER_TOKEN = 50;

type Stream = Extract<Answer, { kind: "stream" }>;
type Sink = ReadableStreamDefaultController<Uint8Array>;

const drop = (reader: Reader) => void reader.cancel().catch(() => undefined);

/** Reads what follows the last word, which is nothing or the end of the bytes: then the connection can be used again. */
async function drain(reader: Reader): Promise<void> {
  const timer = setTimeout(() => drop(reader), DRAIN_MS);
  try {
    while (!(await reader.read()).done);
  } catch {
    // Lost after the last word: the answer was whole.
  }
  clearTimeout(timer);
}

/** A body that sends what was held back, then the rest. `abandon` cancels the call to the provider. */
export function streamBody(
  stream: Stream,
  {
    exchange,
    price,
    pingMs,
    abandon,
  }: { exchange: Exchange; price: Price | null; pingMs: number; abandon: () => void },
): ReadableStream<Uint8Array> {
  const { flow, reader, silence } = stream;
  let ping: ReturnType<typeof setInterval> | undefined;
  let quiet = true;
  let over = false;
  let sent = 0;

  const send = (sink: Sink, bytes: Uint8Array): boolean => {
    if (bytes.length === 0) return false;
    sink.enqueue(bytes);
    sent += bytes.length;
    quiet = false;
    return true;
  };
  const finish = (aborted: boolean) => {
    over = true;
    clearInterval(ping);
    silence.stop();
    exchange.saw(Math.ceil(sent / BYTES_PER_TOKEN));
    const losses = flow.losses();
    if (losses.length > 0) exchange.lost(lossesOfAnswer(losses));
    const status = aborted ? GONE : flow.phase() === "failed" ? 502 : 200;
    exchange.finish(status, usageOf(flow.cost(), price));
  };
  const settle = (sink: Sink, ended: boolean) => {
    finish(false);
    sink.close();
    if (ended) return;
    if (flow.phase() === "done") void drain(reader);
    else drop(reader);
  };
  const giveUp = () => {
    finish(true);
    abandon();
    drop(reader);
  };
  let stalled = () => {};
  const isOver = () => flow.phase() === "done" || flow.phase() === "failed";

  return new ReadableStream<Uint8Array>({
    start(sink) {
      for (const bytes of stream.held.splice(0)) send(sink, bytes);
      if (stream.ended || isOver()) return settle(sink, stream.ended);
      stalled = () => {
        giveUp();
        sink.error(new BrokeError("upstream", "the client stopped reading"));
      };
      silence.rest(stalled);
      ping = setInterval(() => {
        if (quiet && (sink.desiredSize ?? 0) > 0) send(sink, flow.ping());
        quiet = true;
      }, pingMs);
    },
    async pull(sink) {
      silence.heard();
      for (;;) {
        let bytes: Uint8Array;
        let ended = true;
        try {
          const { done, value } = await reader.read();
          silence.heard();
          bytes = done ? flow.end() : flow.push(value);
          ended = done;
        } catch (error) {
          // What the network says names addresses; what we say ourselves does not.
          const said = error instanceof BrokeError ? error.message : CUT;
          bytes = flow.fail(silence.silent ? saidNothing(silence.limitMs) : upstreamFailure(said));
        }
        if (over) return; // the client went away meanwhile
        const sent = send(sink, bytes);
        if (ended || isOver()) return settle(sink, ended);
        if (!sent) continue;
        silence.rest(stalled);
        return;
      }
    },
    cancel() {
      if (!over) giveUp();
    },
  });
}
