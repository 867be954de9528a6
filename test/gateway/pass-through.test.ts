// What passes untouched, and what never gets as far as a provider.

import { describe, expect, test } from "bun:test";
import { startGateway, withProfileOfAll } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, sequence } from "#test/support/upstream/script.ts";

const ask = { model: "sonnet", max_tokens: 100, messages: [{ role: "user", content: "hello" }] };

describe("pass-through", () => {
  test("bytes go up and down as they are, but for the model", async () => {
    await using upstream = await startUpstream(sequence(say("a"), { ...say("b"), split: 11 }));
    await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url }]);
    gateway.edit((routing) => withProfileOfAll(routing, "p"));
    const text = `{ "model" : "claude-sonnet-5" ,"max_tokens":1e2, "messages":[{"role":"user","content":"\\u00e9"}], "new_beta":{"x":1.0},"stream":true}`;
    const response = await gateway.post("/v1/messages?beta=true", text, {
      headers: { "anthropic-beta": "a-1,b-2", "x-broke-profile": "p", cookie: "c=d" },
    });
    await response.text();
    const seen = upstream.asked()[0]!;
    expect(seen.raw.toString()).toBe(text.replace("claude-sonnet-5", "model-0"));
    expect({ query: seen.query, beta: seen.headers["anthropic-beta"] }).toEqual({
      query: "?beta=true",
      beta: "a-1,b-2",
    });
    expect(Object.keys(seen.headers).filter((name) => /broke|cookie/.test(name))).toEqual([]);
    const direct = await fetch(`${upstream.url}/v1/messages`, {
      method: "POST",
      body: text.replace("claude-sonnet-5", "model-0"),
    });
    upstream.play(sequence(say("same")));
    const wanted = (await direct.text()).replaceAll("msg_2", "msg_N");
    upstream.play(sequence({ ...say("b"), split: 11 }));
    const got = await (await gateway.post("/v1/messages", text)).text();
    expect(got.replaceAll("msg_3", "msg_N")).toBe(wanted);
  });
});

describe("what must be refused never reaches a provider", () => {
  const cases: [string, unknown, number, string][] = [
    ["no model", { max_tokens: 1, messages: [] }, 400, "invalid_request_error"],
    ["a model that is no string", { ...ask, model: 7 }, 400, "invalid_request_error"],
    ["an unknown model", { ...ask, model: "no-such-model" }, 404, "not_found_error"],
    ["a slot that is not set", { ...ask, model: "opus" }, 400, "invalid_request_error"],
    ["not JSON", "{", 400, "invalid_request_error"],
    ["an array", "[]", 400, "invalid_request_error"],
    ["two models", '{"model":"sonnet","model":"opus","messages":[]}', 400, "invalid_request_error"],
    ["an empty body", "", 400, "invalid_request_error"],
    ["a stream that is no boolean", { ...ask, stream: "yes" }, 400, "invalid_request_error"],
    ["prototype as a model", { ...ask, model: "__proto__" }, 404, "not_found_error"],
  ];
  for (const [name, body, status, type] of cases) {
    test(name, async () => {
      await using upstream = await startUpstream(sequence(say("x")));
      await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url }]);
      const response = await gateway.post("/v1/messages", body);
      expect({
        status: response.status,
        type: ((await response.json()) as { error: { type: string } }).error.type,
      }).toEqual({ status, type });
      expect(response.headers.get("x-should-retry")).toBe("false");
      expect(upstream.seen).toEqual([]);
    });
  }

  test("messages of a wrong shape, where they must be translated", async () => {
    await using upstream = await startUpstream(sequence(say("x")));
    await using gateway = await startGateway([{ dialect: "openai-chat", url: upstream.url }]);
    const response = await gateway.post("/v1/messages", {
      ...ask,
      messages: [{ role: "robot", content: "secret words" }],
    });
    const text = await response.text();
    expect(response.status).toBe(400);
    expect(text).toContain("messages[0].role");
    expect(text).not.toContain("secret words");
    expect(upstream.seen).toEqual([]);
  });

  for (const dialect of ["anthropic", "openai-chat"] as const) {
    test(`a long body that is wrong in one byte, to a backend of ${dialect}`, async () => {
      await using upstream = await startUpstream(sequence(say("x")));
      await using gateway = await startGateway([{ dialect, url: upstream.url }]);
      const whole = JSON.stringify({ ...ask, messages: [{ role: "user", content: `${"long ".repeat(4000)}\n"end"` }] });
      for (const spoiled of [
        ...[whole.slice(0, -1), `${whole}}`, whole.replace("\\n", "\\x"), whole.replace("\\n", "\n")],
        ...[whole.replace('\\"end', '"end'), whole.replace("[", "[,")],
      ]) {
        const response = await gateway.post("/v1/messages", spoiled);
        expect({ status: response.status, text: await response.text() }).toEqual({
          status: 400,
          text: expect.stringContaining("the body is not well-formed JSON") as unknown as string,
        });
      }
      expect(upstream.seen).toEqual([]);
    });
  }

  test("a body beyond the limit", async () => {
    await using upstream = await startUpstream(sequence(say("x")));
    await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url }]);
    const big = `{"model":"sonnet","messages":"${"x".repeat(64 * 1024 * 1024)}"}`;
    const response = await gateway.post("/v1/messages", big);
    expect({
      status: response.status,
      type: ((await response.json()) as { error: { type: string } }).error.type,
    }).toEqual({
      status: 413,
      type: "request_too_large",
    });
    const chunked = await fetch(`${gateway.url}/v1/messages`, {
      method: "POST",
      headers: { authorization: "Bearer test-token-of-the-gateway" },
      body: new Blob([big]).stream(),
    });
    expect(chunked.status).toBe(413);
    expect(upstream.seen).toEqual([]);
  });
});
