// What a backend's dialect cannot carry: told to the client and in the report, or refused before anybody is asked.

import { describe, expect, test } from "bun:test";
import type { Dialect } from "#src/core/dialects.ts";
import { startGateway } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

const ask = {
  model: "sonnet",
  max_tokens: 100,
  top_k: 5,
  context_management: { edits: [] },
  messages: [{ role: "user", content: "hello" }],
};

for (const stream of [false, true]) {
  test(`losses are named in a header and in the report, ${stream ? "streamed" : "whole"}`, async () => {
    await using upstream = await startUpstream(() => say("hi"));
    await using gateway = await startGateway([{ dialect: "openai-chat", url: upstream.url }]);
    const response = await gateway.post("/v1/messages", { ...ask, stream });
    await response.text();
    expect(response.headers.get("x-broke-losses")).toBe("top_k; context_management");
    await gateway.reported(1);
    expect(gateway.reports[0]!.losses).toEqual(["top_k", "context_management"]);
    const plain = await gateway.post("/v1/messages", {
      ...ask,
      stream,
      top_k: undefined,
      context_management: undefined,
    });
    await plain.text();
    expect(plain.headers.get("x-broke-losses")).toBeNull();
  });
}

test("lossless: a lossy conversion is a 400 that names what, and nobody is asked; a whole one goes on", async () => {
  await using upstream = await startUpstream(() => say("hi"));
  await using gateway = await startGateway(
    [{ dialect: "openai-chat", url: upstream.url }],
    {},
    {
      settings: { lossless: true },
    },
  );
  const refused = await gateway.post("/v1/messages", ask);
  const text = await refused.text();
  expect({ status: refused.status, retry: refused.headers.get("x-should-retry") }).toEqual({
    status: 400,
    retry: "false",
  });
  expect(text).toContain("top_k");
  expect(text).toContain("context_management");
  expect(upstream.seen).toEqual([]);
  expect((await gateway.post("/v1/messages", { ...ask, top_k: undefined, context_management: undefined })).status).toBe(
    200,
  );
});

test("what passes loses nothing of the client's own", async () => {
  await using upstream = await startUpstream(() => say("hi"));
  await using gateway = await startGateway(
    [{ dialect: "anthropic", url: upstream.url }],
    {},
    { settings: { lossless: true } },
  );
  const response = await gateway.post("/v1/messages", ask);
  expect([response.status, response.headers.get("x-broke-losses")]).toEqual([200, null]);
});

describe("what is taken out of a passing body is lost, or refused as well", () => {
  const SEAL = "broke1.anthropic.0123456789abcdef.signature.c2ln";
  const user = { role: "user", content: "hello" };
  const google = { functionCall: { name: "f", args: {} }, thoughtSignature: SEAL };
  const table: { dialect: Dialect; path: string; body: object; lost: string }[] = [
    {
      dialect: "anthropic",
      path: "/v1/messages",
      body: {
        max_tokens: 9,
        messages: [user, { role: "assistant", content: [{ type: "thinking", thinking: "hm" }] }, user],
      },
      lost: "thinking",
    },
    {
      dialect: "openai-chat",
      path: "/v1/chat/completions",
      body: {
        messages: [user, { role: "assistant", content: "ok", reasoning_details: [{ signature: SEAL }] }],
        models: ["dear"],
      },
      lost: "models; thinking",
    },
    {
      dialect: "openai-responses",
      path: "/v1/responses",
      body: { input: [user, { type: "reasoning", id: "rs_req_a_0", summary: [] }] },
      lost: "thinking",
    },
    {
      dialect: "gemini",
      path: "/v1beta/models/sonnet:generateContent",
      body: {
        contents: [
          { role: "user", parts: [{ text: "hello" }] },
          { role: "model", parts: [google] },
        ],
      },
      lost: "thinking",
    },
  ];

  for (const { dialect, path, body, lost } of table) {
    const asked = dialect === "gemini" ? body : { model: "sonnet", ...body };

    test(`${dialect}: told`, async () => {
      await using upstream = await startUpstream(() => say("hi"));
      await using gateway = await startGateway([{ dialect, url: upstream.url }]);
      const response = await gateway.post(path, asked);
      expect([response.status, response.headers.get("x-broke-losses")]).toEqual([200, lost]);
      await gateway.reported(1);
      expect(gateway.reports[0]!.losses).toEqual(lost.split("; "));
    });

    test(`${dialect}: refused`, async () => {
      await using upstream = await startUpstream(() => say("hi"));
      await using gateway = await startGateway([{ dialect, url: upstream.url }], {}, { settings: { lossless: true } });
      const response = await gateway.post(path, asked);
      const text = await response.text();
      expect(response.status).toBe(400);
      for (const what of lost.split("; ")) expect(text).toContain(what);
      expect(upstream.seen).toEqual([]);
    });
  }
});
