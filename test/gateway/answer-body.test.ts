// What is read of a provider's answer: all that comes, for as long as something comes, and no more than is wanted.

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "bun:test";
import { readTextUpTo, readWholeBody } from "#src/gateway/answer-body.ts";
import { SilenceWatch } from "#src/gateway/silence.ts";
import { startGateway } from "#test/support/gateway.ts";

const ask = { model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: "hello" }] };
const answer = JSON.stringify({
  type: "message",
  id: "msg_1",
  role: "assistant",
  model: "model-0",
  content: [{ type: "text", text: "slow but sure" }],
  stop_reason: "end_turn",
  usage: { input_tokens: 1, output_tokens: 1 },
});
const PIECES = 8;
const PIECE_MS = 80;

/** Sends a body in pieces, with a pause after each. */
async function startSlow(status: number, body: string, lengths: boolean) {
  const server = createServer((request, response) => {
    request.resume().on("end", () => {
      void (async () => {
        const length = lengths ? { "content-length": String(body.length) } : {};
        response.writeHead(status, { "content-type": "application/json", ...length });
        const size = Math.ceil(body.length / PIECES);
        for (let at = 0; at < body.length; at += size) {
          response.write(body.slice(at, at + size));
          await Bun.sleep(PIECE_MS);
        }
        response.end();
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("an answer that comes slowly is not silent", () => {
  for (const lengths of [true, false]) {
    for (const [status, body, said] of [
      [200, answer, "slow but sure"],
      [
        400,
        JSON.stringify({ type: "error", error: { type: "invalid_request_error", message: "the cause" } }),
        "the cause",
      ],
    ] as const) {
      test(`${status}, ${lengths ? "its length told" : "in chunks"}`, async () => {
        await using upstream = await startSlow(status, body, lengths);
        await using gateway = await startGateway(
          [{ dialect: "anthropic", url: upstream.url }],
          {},
          { settings: { silenceMs: (PIECES / 2) * PIECE_MS } },
        );
        const response = await gateway.post("/v1/messages", ask);
        expect([response.status, await response.text()]).toEqual([status, expect.stringContaining(said)]);
      });
    }
  }
});

describe("how much is read", () => {
  const watch = () => new SilenceWatch(60_000, { abort: () => undefined });
  const texts = (...pieces: string[]) => {
    const body = new ReadableStream<Uint8Array>({
      start(sink) {
        for (const piece of pieces) sink.enqueue(Buffer.from(piece));
        sink.close();
      },
    });
    return new Response(body);
  };

  test("all of it, up to the limit", async () => {
    using watched = Object.assign(watch(), { [Symbol.dispose]: () => watched.stop() });
    expect(new TextDecoder().decode(await readWholeBody(texts("abc", "déf"), 7, watched))).toBe("abcdéf");
    expect(await readWholeBody(new Response(null), 7, watched)).toHaveLength(0);
    await expect(readWholeBody(texts("abc", "déf"), 6, watched)).rejects.toThrow("too large");
  });

  test("no more than the limit of one whose length is told and is not what frames it", async () => {
    const headers = { "content-length": "10", "transfer-encoding": "chunked" };
    using watched = Object.assign(watch(), { [Symbol.dispose]: () => watched.stop() });
    const long = new Response(texts("x".repeat(100)).body, { headers });
    await expect(readWholeBody(long, 50, watched)).rejects.toThrow("too large");
  });

  test("of a refusal its beginning, whole letters of it", async () => {
    using watched = Object.assign(watch(), { [Symbol.dispose]: () => watched.stop() });
    expect(await readTextUpTo(texts("abc", "déf"), 7, watched)).toBe("abcdéf");
    expect(await readTextUpTo(texts("abc", "déf"), 5, watched)).toBe("abcd");
    const broken = new ReadableStream<Uint8Array>({ start: (sink) => sink.error(new Error("lost")) });
    expect(await readTextUpTo(new Response(broken), 5, watched)).toBe("");
  });
});
