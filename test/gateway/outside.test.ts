// The gateway as people run it: started by its command, asked over real connections, over a provider that is scripted, slow, or gone.

import { expect, test } from "bun:test";
import { connect } from "node:net";
import { dialects } from "#src/core/dialects.ts";
import { MAX_BODY_BYTES } from "#src/gateway/body.ts";
import { question } from "#test/support/asks.ts";
import { type Bench, makeBench } from "#test/support/broke.ts";
import { sendRaw } from "#test/support/raw-http.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, type Script } from "#test/support/upstream/script.ts";

const KEY = "the-provider-s-own-key";

async function world(script: Script = () => say("hi")) {
  const upstream = await startUpstream(script);
  const bench: Bench = makeBench();
  const about = ["--base-url", upstream.url, "--dialect=anthropic", "--model=m", "--key-env=OWN_KEY"];
  const env = { OWN_KEY: KEY };
  for (const words of [
    ["backend", "add", "up", ...about],
    ["swap", "all=up"],
    ["start", "--port=0"],
  ]) {
    const ran = await bench.broke(words, { env });
    if (ran.code !== 0) throw new Error(ran.stderr);
  }
  const { url, token } = JSON.parse((await bench.broke(["connect", "--json"])).stdout) as {
    url: string;
    token: string;
  };
  return {
    ...{ upstream, bench, url, token, port: Number(new URL(url).port) },
    post: (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}) =>
      fetch(url + path, { method: "POST", body, headers: { authorization: `Bearer ${token}`, ...headers } }),
    async [Symbol.asyncDispose]() {
      await bench.broke(["stop"]);
      await upstream[Symbol.asyncDispose]();
      bench[Symbol.dispose]();
    },
  };
}

test("a model nobody knows, no model, no object, text/plain: refused in every dialect, and no provider is asked", async () => {
  await using all = await world();
  const { anthropic, gemini } = question;
  const unknown = (body: object) => JSON.stringify({ ...body, model: "totally-unknown-model" });
  for (const dialect of dialects) {
    const { path, body } = question[dialect](false);
    const named = dialect === "gemini" ? path.replace("sonnet", "totally-unknown-model") : path;
    expect([dialect, (await all.post(named, unknown(body))).status]).toEqual([dialect, 404]);
    const bodies = ["[]", '["sonnet"]', "null", '"sonnet"', "", "{"];
    const statuses = await Promise.all(bodies.map(async (text) => (await all.post(path, text)).status));
    expect([dialect, statuses]).toEqual([dialect, bodies.map(() => 400)]);
  }
  const plain = { "content-type": "text/plain" };
  expect((await all.post(anthropic(false).path, JSON.stringify({ messages: [] }))).status).toBe(400);
  expect((await all.post(anthropic(false).path, JSON.stringify({ model: 7, messages: [] }))).status).toBe(400);
  expect((await all.post(anthropic(false).path, unknown(anthropic(false).body), plain)).status).toBeOneOf([404, 415]);
  expect((await all.post(gemini(false).path.replace("sonnet", "..%2fsonnet"), "{}")).status).toBeOneOf([400, 404]);
  expect(all.upstream.seen).toEqual([]);
});

test("no token, an empty one, the word alone: /v1/models and every other path are 401, before anything is read", async () => {
  await using all = await world();
  const none: Record<string, string>[] = [{}, { authorization: "Bearer" }, { "x-api-key": "" }];
  for (const path of ["/v1/models", "/models", "/v1beta/models", "/v1/models/sonnet", "/metrics"]) {
    for (const headers of none) {
      const refused = await fetch(all.url + path, { headers, keepalive: false });
      expect([path, refused.status, refused.headers.get("connection")]).toEqual([path, 401, "close"]);
      const text = await refused.text();
      expect(text).toContain("missing or wrong client token");
    }
  }
  expect(all.upstream.seen).toEqual([]);
});

test("one byte over the limit is 413 and a closed connection, at the limit it is forwarded; said or not said how long", async () => {
  await using all = await world();
  const { path } = question.anthropic(false);
  const frame = (fill: string) =>
    JSON.stringify({ model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: fill }] });
  const exact = frame("x".repeat(MAX_BODY_BYTES - frame("").length));
  expect(Buffer.byteLength(exact)).toBe(MAX_BODY_BYTES);
  const over = exact.replace("xx", "xxx");
  const refused = await all.post(path, over);
  expect([refused.status, refused.headers.get("connection")]).toEqual([413, "close"]);
  expect(all.upstream.seen.length).toBe(0);
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${all.token}\r\n`;
  const chunked = Buffer.concat([
    Buffer.from(`${head}Transfer-Encoding: chunked\r\n\r\n${over.length.toString(16)}\r\n`),
    Buffer.from(`${over}\r\n0\r\n\r\n`),
  ]);
  expect((await sendRaw(all.port, chunked)).status).toBe(413);
  expect(all.upstream.seen.length).toBe(0);
  expect((await all.post(path, exact)).status).toBe(200);
  expect(all.upstream.seen.length).toBe(1);
});

test("the provider sees its own key alone, in its own header, and the true length; nothing of what the client calls itself", async () => {
  await using all = await world();
  const { path, body } = question.anthropic(false);
  const text = JSON.stringify(body);
  const bearing = {
    ...{ "x-api-key": all.token, "api-key": "another", "x-goog-api-key": all.token, cookie: "session=1" },
    ...{
      "x-broke-session": "mine",
      "x-forwarded-for": "198.51.100.7",
      "proxy-authorization": "Basic eA==",
      forwarded: "for=me",
    },
  };
  expect((await all.post(path, text, bearing)).status).toBe(200);
  const [seen] = all.upstream.seen;
  const told = JSON.stringify([seen!.headers, seen!.path, seen!.query]);
  expect([told.includes(all.token), told.includes("another"), told.includes("session=1")]).toEqual([
    false,
    false,
    false,
  ]);
  const names = Object.keys(seen!.headers);
  const private_ = [
    "authorization",
    "api-key",
    "x-goog-api-key",
    "cookie",
    "x-broke-session",
    "x-forwarded-for",
    "forwarded",
    "proxy-authorization",
  ];
  expect(private_.filter((name) => names.includes(name))).toEqual([]);
  expect([seen!.headers["x-api-key"], Number(seen!.headers["content-length"])]).toEqual([KEY, seen!.raw.length]);
  // Lengths that disagree, and two that are said: nothing is forwarded by a guess.
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${all.token}\r\n`;
  for (const framing of [
    "Content-Length: 5\r\nContent-Length: 500\r\n",
    `Content-Length: ${text.length}\r\nTransfer-Encoding: chunked\r\n`,
  ]) {
    const answer = await sendRaw(all.port, `${head}${framing}\r\n${text}`, { unfinished: true });
    expect([framing, answer.status === 200]).toEqual([framing, false]);
  }
  expect(all.upstream.seen.length).toBe(1);
});

test("the provider is gone: the list of models is what would be served and asks nobody, a request is 502 in every dialect", async () => {
  await using all = await world();
  await all.upstream[Symbol.asyncDispose]();
  const list = await fetch(`${all.url}/v1/models`, { headers: { "x-api-key": all.token } });
  expect([list.status, (await list.text()).includes("sonnet")]).toEqual([200, true]);
  const { path, body } = question["openai-chat"](false);
  const refused = await all.post(path, JSON.stringify(body));
  expect([refused.status, await refused.text()]).toEqual([502, expect.stringContaining("could not be reached")]);
});

test("a slow stream: what the provider has said is with the client in less than 100 ms; who goes away ends the provider's call", async () => {
  const gates = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const never = Promise.withResolvers<void>();
  let asked = 0;
  await using all = await world(() => {
    const gate = gates[asked++]!;
    return {
      ...say("one two three"),
      pieces: 3,
      pause: { after: 3, until: asked === 4 ? never.promise : gate.promise },
    };
  });
  const { path, body } = question.anthropic(true);
  for (let round = 0; round < 3; round++) {
    const before = all.upstream.seen.length;
    const asking = all.post(path, JSON.stringify(body));
    await all.upstream.until((seen) => seen.length > before);
    const said = performance.now();
    const reader = (await asking).body!.getReader();
    let text = "";
    while (!text.includes("one")) text += new TextDecoder().decode((await reader.read()).value);
    expect(performance.now() - said).toBeLessThan(100);
    expect(text).not.toContain("message_stop");
    gates[round]!.resolve();
    while (!text.includes("message_stop")) text += new TextDecoder().decode((await reader.read()).value);
  }
  const socket = connect(all.port, "127.0.0.1");
  const text = JSON.stringify(body);
  socket.write(
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${all.token}\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
  const came = Promise.withResolvers<void>();
  socket.once("data", () => came.resolve());
  await came.promise;
  socket.destroy();
  await all.upstream.until((seen) => seen.at(-1)!.aborted);
  never.resolve();
});
