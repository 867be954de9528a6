// A stream whose answer is still waited for. Some clients give up when no headers come within a minute, so they go out before the answer is
// known; what may still go wrong is then said inside the stream, and another backend may still be asked.

import type { StreamEncoder } from "#src/wire/dialect.ts";
import type { Fault } from "./reply.ts";

const PING_MS = 15_000;

/** What came of the waiting: the rest of the body, or why there is none. */
export type Late = { kind: "body"; body: ReadableStream<Uint8Array> } | { kind: "fault"; fault: Fault };

const toBytes = new TextEncoder();

/** A body that keeps the client waiting, then gives it what came. `abandon` ends the waiting when the client goes away. */
export function lateBody(coming: Promise<Late>, encoder: StreamEncoder, abandon: () => void): ReadableStream<Uint8Array> {
  let inner: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let ping: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream<Uint8Array>({
    start(sink) {
      const say = () => {
        const text = encoder.ping();
        if (text !== "" && (sink.desiredSize ?? 0) > 0) sink.enqueue(toBytes.encode(text));
      };
      say();
      ping = setInterval(say, PING_MS);
    },
    async pull(sink) {
      if (inner === undefined) {
        const late = await coming;
        clearInterval(ping);
        if (late.kind === "fault") {
          sink.enqueue(toBytes.encode(encoder.fail(late.fault)));
          sink.close();
          return;
        }
        inner = late.body.getReader();
      }
      const { done, value } = await inner.read();
      if (done) sink.close();
      else sink.enqueue(value);
    },
    cancel() {
      clearInterval(ping);
      abandon();
      void inner?.cancel().catch(() => undefined);
    },
  });
}
