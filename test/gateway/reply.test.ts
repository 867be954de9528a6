// What a client is told of a provider's refusal: how long to wait, and why.

import { expect, test } from "bun:test";
import { startGateway } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse } from "#test/support/upstream/script.ts";

for (const [said, header, body] of [
  ["7200", "60", "60s"],
  ["1.2", "2", "2s"],
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
