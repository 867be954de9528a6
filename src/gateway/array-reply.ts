// A stream of server-sent events as one JSON array, for Gemini clients that did not ask for `alt=sse`.

import { makeArrayWriter } from "#src/wire/gemini/array.ts";

/** The same body in the other form. */
export function arrayBody(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const writer = makeArrayWriter();
  const reader = body.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(sink) {
      for (;;) {
        const { done, value } = await reader.read();
        const bytes = done ? writer.end() : writer.push(value);
        if (bytes.length > 0) sink.enqueue(bytes);
        if (done) return sink.close();
        if (bytes.length > 0) return;
      }
    },
    cancel: () => void reader.cancel().catch(() => undefined),
  });
}
