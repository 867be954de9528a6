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

describe("what an answer loses is told as well", () => {
  const picture = { type: "image_url", image_url: { url: "data:image/png;base64,aGk=" } };
  const chunk = (delta: object, reason: string | null = null) =>
    `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: reason }] })}\n\n`;
  const whole = { choices: [{ message: { content: null, images: [picture] }, finish_reason: "stop" }] };
  const STAND_IN = "[an image that cannot be shown here was left out]";

  for (const lossless of [false, true]) {
    test(`whole: in the header, the report and the metric${lossless ? "; lossless is of requests alone" : ""}`, async () => {
      const headers = { "content-type": "application/json" };
      await using upstream = await startUpstream(() => ({ kind: "raw", headers, body: JSON.stringify(whole) }));
      await using gateway = await startGateway(
        [{ dialect: "openai-chat", url: upstream.url }],
        {},
        { settings: { lossless } },
      );
      const asked = lossless ? { ...ask, top_k: undefined, context_management: undefined } : ask;
      const losses = [...(lossless ? [] : ["top_k", "context_management"]), "answer: image"];
      const response = await gateway.post("/v1/messages", asked);
      expect(response.headers.get("x-broke-losses")).toBe(losses.join("; "));
      expect(await response.json()).toMatchObject({ content: [{ type: "text", text: STAND_IN }] });
      await gateway.reported(1);
      expect(gateway.reports[0]!.losses).toEqual(losses);
      expect(await (await gateway.get("/metrics")).text()).toContain(
        'broke_lossy_requests_total{backend="backend-0"} 1\n',
      );
    });
  }

  test("streamed: in the report, because the headers are out", async () => {
    const gone = Promise.withResolvers<void>();
    const picked = { at: 3, text: chunk({ images: [picture] }) };
    await using upstream = await startUpstream(() => ({
      ...say("Here: "),
      insert: picked,
      pause: { after: 2, until: gone.promise },
    }));
    await using gateway = await startGateway([{ dialect: "openai-chat", url: upstream.url }]);
    const response = await gateway.post("/v1/messages", { ...ask, stream: true });
    gone.resolve();
    await response.text();
    expect(response.headers.get("x-broke-losses")).toBe("top_k; context_management");
    await gateway.reported(1);
    expect(gateway.reports[0]!.losses).toEqual(["top_k", "context_management", "answer: image"]);
  });

  test("streamed and nothing else: words in its place, and the header knows", async () => {
    const body = chunk({ images: [picture] }) + chunk({}, "stop") + "data: [DONE]\n\n";
    const headers = { "content-type": "text/event-stream" };
    await using upstream = await startUpstream(() => ({ kind: "raw", headers, body }));
    await using gateway = await startGateway([{ dialect: "openai-chat", url: upstream.url }]);
    const response = await gateway.post("/v1/messages", { ...ask, stream: true });
    expect(await response.text()).toContain(STAND_IN);
    expect(response.headers.get("x-broke-losses")).toBe("top_k; context_management; answer: image");
  });
});

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
