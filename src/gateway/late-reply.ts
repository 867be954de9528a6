// A stream whose answer is still waited for. Some clients give up when no headers come within a minute, so they go out before the answer is
// known; what may still go wrong is then said inside the stream, and another backend may still be asked.

import type { StreamEncoder } from "#src/wire/dialect.ts";
import { type Fault, toldFault } from "./reply.ts";

/** What came of the waiting: the rest of the body, or why there is none. It never rejects. */
export type Late = { kind: "body"; body: ReadableStream<Uint8Array> } | { kind: "fault"; fault: Fault };

const toBytes = new TextEncoder();

/** A body that keeps the client waiting, then gives it what came. `abandon` ends the waiting when the client goes away. */
export function lateBody(
  coming: Promise<Late>,
  { encoder, pingMs, abandon }: { encoder: StreamEncoder; pingMs: number; abandon: () => void },
): ReadableStream<Uint8Array> {
  const opened = coming.then((late) =>
    late.kind === "fault" ? late : { kind: "body" as const, reader: late.body.getReader() },
  );
  let ping: ReturnType<typeof setInterval> | undefined;
  return new ReadableStream<Uint8Array>({
    start(sink) {
      const say = () => {
        const text = encoder.ping();
        if (text !== "" && (sink.desiredSize ?? 0) > 0) sink.enqueue(toBytes.encode(text));
      };
      say();
      ping = setInterval(say, pingMs);
      void opened.finally(() => clearInterval(ping));
    },
    async pull(sink) {
      const late = await opened;
      if (late.kind === "fault") {
        sink.enqueue(toBytes.encode(encoder.fail(toldFault(late.fault))));
        sink.close();
        return;
      }
      const { done, value } = await late.reader.read();
      if (done) sink.close();
      else sink.enqueue(value);
    },
    cancel() {
      clearInterval(ping);
      abandon();
      void opened.then((late) => (late.kind === "body" ? late.reader.cancel() : undefined)).catch(() => undefined);
    },
  });
}
