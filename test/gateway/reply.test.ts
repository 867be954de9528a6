// What a client is told of a provider's refusal: how long to wait, and why.

import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "bun:test";
import { dialects } from "#src/core/dialects.ts";
import { wireError } from "#src/wire/chat/errors.ts";
import { question } from "#test/support/asks.ts";
import { startGateway } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse } from "#test/support/upstream/script.ts";

/** Answers everything with this head and body, which no HTTP server would send. */
async function startOdd(head: string, body: string) {
  const server = createServer((socket) => {
    socket
      .on("error", () => {})
      .once("data", () => {
        socket.end(
          `${head}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`,
        );
      });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(resolve)),
  };
}

for (const [said, header, body] of [
  ["7200", "60", "60s"],
  ["1.2", "2", "2s"],
  ["0", "1", "1s"],
  [undefined, "5", "5s"],
] as const) {
  test(`a client of Gemini waits as long by the body as by the header: ${said}`, async () => {
    await using upstream = await startUpstream(() =>
      refuse(429, "slow", said === undefined ? {} : { "retry-after": said }),
    );
    await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url }]);
    const response = await gateway.post("/v1beta/models/sonnet:generateContent", {
      contents: [{ role: "user", parts: [{ text: "hello" }] }],
    });
    const { error } = (await response.json()) as { error: { details: { retryDelay: string }[] } };
    expect([response.status, response.headers.get("retry-after"), error.details[0]!.retryDelay]).toEqual([
      429,
      header,
      body,
    ]);
  });
}

test("a refusal's own words reach the client however long its body is, and without secrets", async () => {
  const detail = [{ loc: ["body"], msg: "the key first-key-value is not the trouble" }, { ctx: "x".repeat(200_000) }];
  await using upstream = await startUpstream(() => ({
    kind: "raw",
    status: 422,
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ detail }),
  }));
  await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url, keyEnv: "TEST_KEY" }], {
    TEST_KEY: "first-key-value",
  });
  const response = await gateway.post("/v1/messages", {
    model: "sonnet",
    max_tokens: 9,
    messages: [{ role: "user", content: "hello" }],
  });
  const message = "body: the key [redacted] is not the trouble";
  expect([response.status, await response.json()]).toEqual([
    422,
    { type: "error", error: { type: "invalid_request_error", message } },
  ]);
});

test.each([600, 777, 999])(
  "a status %d, which no client could be sent, is a failure of the provider's, with its words",
  async (status) => {
    const { url, stop } = await startOdd(`HTTP/1.1 ${status} Odd`, JSON.stringify({ error: { message: "odd" } }));
    try {
      for (const dialect of dialects) {
        await using gateway = await startGateway([{ dialect, url }], {}, { timing: { backoffMs: 1 } });
        const { path, body } = question.anthropic(false);
        const response = await gateway.post(path, body);
        expect([response.status, response.headers.get("x-broke-backend")]).toEqual([502, "backend-0"]);
        expect(await response.text()).toContain('"message":"odd"');
      }
    } finally {
      await stop();
    }
  },
);

test("a code that is no status says nothing of one", () => {
  for (const code of [429.5, 399, 600, 1e9, "4290"])
    expect(wireError({ error: { message: "odd", code } }).status).toBe(502);
  expect(wireError({ error: { message: "odd", code: 429 } }).status).toBe(429);
});
