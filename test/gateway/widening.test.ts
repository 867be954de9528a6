// What a client might write to be answered by another model than the operator chose, or by more than its profile has.

import { describe, expect, test } from "bun:test";
import { openAccess } from "#src/routing/access.ts";
import { letAnswer, startGateway, TOKEN, withProfileOfAll } from "#test/support/gateway.ts";
import { sendRaw } from "#test/support/raw-http.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

async function world() {
  const upstream = await startUpstream(() => say("hi"));
  const { url } = upstream;
  const gateway = await startGateway([
    { dialect: "openai-chat", url, model: "cheap" },
    { dialect: "anthropic", url, model: "cheap" },
    { dialect: "openai-responses", url, model: "cheap" },
    { dialect: "gemini", url, model: "cheap" },
  ]);
  gateway.edit((routing) => {
    const slots = ["sonnet", "haiku", "gpt54", "opus"];
    const set = slots.reduce((next, slot, at) => letAnswer(next, slot, `backend-${at}`), routing);
    const made = withProfileOfAll(set, "app");
    return { ...made, profiles: { app: { ...made.profiles.app!, access: { ...openAccess, slots: ["sonnet"] } } } };
  });
  return {
    ...{ upstream, gateway },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const chat = (extra: string) => `{"model":"sonnet","messages":[{"role":"user","content":"hi"}]${extra}}`;
const messages = (extra: string) =>
  `{"model":"haiku","max_tokens":9,"messages":[{"role":"user","content":"hi"}]${extra}}`;
const responses = (extra: string) => `{${extra.slice(1)}${extra === "" ? "" : ","}"model":"gpt54","input":"hi"}`;

describe("further models in the body", () => {
  const cases: [string, string, (extra: string) => string, string, string][] = [
    ["OpenRouter's list", "/v1/chat/completions", chat, `,"models":["dear"],"route":"fallback"`, "models; route"],
    ["OpenRouter's preset", "/v1/chat/completions", chat, `,"preset":"dear"`, "preset"],
    ["spelled with an escape", "/v1/chat/completions", chat, `,"m\\u006fdels":["dear"]`, "models"],
    ["Anthropic's fallbacks", "/v1/messages", messages, `,"fallbacks":[{"model":"dear"}]`, "fallbacks"],
    [
      "other gateways'",
      "/v1/messages",
      messages,
      `,"fallback_models":["dear"],"models":["dear"]`,
      "models; fallback_models",
    ],
    ["first in the body", "/v1/responses", responses, `,"models":["dear"]`, "models"],
  ];
  for (const [name, path, body, extra, losses] of cases) {
    test(`${name}: does not go on, and is said`, async () => {
      await using all = await world();
      const answer = await all.gateway.post(path, body(extra));
      expect([answer.status, answer.headers.get("x-broke-losses")]).toEqual([200, losses]);
      const [seen] = all.upstream.asked();
      expect([JSON.stringify(seen!.body).includes("dear"), seen!.model]).toEqual([false, "cheap"]);
      // Nothing else of it is touched.
      await all.gateway.post(path, body(""));
      expect(all.upstream.asked()[1]!.raw.toString()).toBe(seen!.raw.toString());
    });
  }

  test("named twice, it is no request", async () => {
    await using all = await world();
    for (const extra of [`,"model":"dear"`, `,"mod\\u0065l":"dear"`, `,"models":["a"],"models":["b"]`])
      expect([extra, (await all.gateway.post("/v1/chat/completions", chat(extra))).status]).toEqual([extra, 400]);
    expect(all.upstream.seen).toEqual([]);
  });
});

test("a member that was read, once more in other letters, is no request: some servers do not tell them apart", async () => {
  await using all = await world();
  const names = [
    "Model",
    "MODEL",
    "m\\u004fdel",
    "Models",
    "fallbac\u212as",
    "pre\u017fet",
    "STREAM",
    "Fallback_Models",
  ];
  for (const name of names) {
    for (const [path, body] of [
      ["/v1/chat/completions", chat(`,"${name}":"dear"`)],
      ["/v1/messages", messages(`,"${name}":"dear"`)],
      ["/v1/responses", responses(`,"${name}":"dear"`)],
    ] as const)
      expect([name, path, (await all.gateway.post(path, body)).status]).toEqual([name, path, 400]);
  }
  expect(all.upstream.seen).toEqual([]);
  const other = chat(`,"moderation":1,"modals":2,"xmodel":3,"routes":[]`);
  expect((await all.gateway.post("/v1/chat/completions", other)).status).toBe(200);
});

test("a model in the body of Gemini, whose model is in the path, does not go on", async () => {
  await using all = await world();
  const body = `{"model":"models/dear","contents":[{"role":"user","parts":[{"text":"x"}]}]}`;
  expect((await all.gateway.post("/v1beta/models/opus:generateContent", body)).status).toBe(200);
  expect(all.upstream.asked()[0]!.raw.toString()).toBe(body.replace('"model":"models/dear",', ""));
});

test("a profile of one slot: no path, no spelling of a header and no name gives it another", async () => {
  await using all = await world();
  const opus = chat("").replace("sonnet", "opus");
  const gemini = `{"contents":[{"role":"user","parts":[{"text":"x"}]}]}`;
  const asks: [string, string, number][] = [
    ["/v1/chat/completions", opus, 403],
    ["/v1/chat/completions", chat("").replace("sonnet", "backend-3"), 403],
    ["/v1/messages/count_tokens", messages(""), 403],
    ["/v1beta/models/opus:generateContent", gemini, 403],
    ["/v1beta/models/opus:countTokens", gemini, 403],
    ["/v1beta/models/opus%3AgenerateContent", gemini, 403],
    ["/v1beta/models/sonnet%2F..%2Fopus:generateContent", gemini, 404],
    ["/v1beta/models/sonnet/../opus:generateContent", gemini, 403],
  ];
  for (const [path, body, status] of asks) {
    const answer = await all.gateway.post(path, body, { headers: { "x-broke-profile": "app" } });
    expect([path, answer.status]).toEqual([path, status]);
  }
  for (const profile of ["app, other", "APP", "", "__proto__", "constructor"]) {
    const answer = await all.gateway.post("/v1/chat/completions", opus, { headers: { "x-broke-profile": profile } });
    expect([profile, answer.status]).toEqual([profile, 400]);
  }
  const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: close\r\n`;
  const twice = `${head}X-Broke-Profile: app\r\nX-Broke-Profile:\r\nContent-Length: ${opus.length}\r\n\r\n${opus}`;
  expect((await sendRaw(Number(new URL(all.gateway.url).port), twice)).status).toBe(400);
  expect(all.upstream.seen).toEqual([]);
});
