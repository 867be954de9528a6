// The provider's answer on its way to the client: bytes as they are, watched for usage. A provider that is cut off cuts the client off too, in
// the client's own error form; it never looks like a clean end.

import { formatSse } from "#src/wire/sse.ts";
import { sniffUsage } from "#src/wire/messages/usage.ts";
import type { RequestReport } from "./ports.ts";
import { responseHeaders } from "./upstream.ts";

export type Answer = {
  response: Response;
  headers: Record<string, string>;
  finish(change: Partial<RequestReport>): void;
};

const encoder = new TextEncoder();

/** An Anthropic error event: what its clients take for a broken stream. */
export function errorEvent(message: string): Uint8Array {
  const body = { type: "error", error: { type: "api_error", message } };
  return encoder.encode(formatSse("error", JSON.stringify(body)));
}

/** Passes the answer through. */
export function passThrough(answer: Answer): Response {
  const { response, finish } = answer;
  const headers = responseHeaders(response.headers);
  for (const [name, value] of Object.entries(answer.headers)) headers.set(name, value);
  const stream = (headers.get("content-type") ?? "").startsWith("text/event-stream");
  const sniffer = sniffUsage(stream);
  const done = (aborted: boolean, status = response.status) => {
    const { input, output } = sniffer.result();
    finish({ status, inputTokens: input, outputTokens: output, aborted });
  };
  const reader = response.body?.getReader();
  if (reader === undefined) {
    done(false);
    return new Response(null, { status: response.status, headers });
  }
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done: end, value } = await reader.read();
        if (value !== undefined) {
          sniffer.push(value);
          controller.enqueue(value);
        }
        if (!end) return;
        if (stream && !sniffer.result().ended) {
          controller.enqueue(errorEvent("the provider ended its answer early"));
          done(false, 502);
        } else done(false);
        controller.close();
      } catch {
        done(false, 502);
        if (!stream) controller.error(new Error("the provider's answer was cut"));
        else {
          controller.enqueue(errorEvent("the provider's answer was cut"));
          controller.close();
        }
      }
    },
    async cancel() {
      done(true);
      await reader.cancel();
    },
  });
  return new Response(body, { status: response.status, headers });
}
