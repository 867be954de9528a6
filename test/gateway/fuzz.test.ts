// Hostile and broken input, by chance but repeatable: bodies, heads, framing, paths from clients, and streams from providers. The upstream's log is
// the oracle: it always answers well, so a 5xx is ours, and a request that was refused must never have reached it.
// BROKE_FUZZ is the number of requests (100 000 in `test:long`), BROKE_SEED the seed, printed with every failure.

import { expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { mutateBytes, mutateJson } from "#test/support/mutate.ts";
import { type Random, seeded } from "#test/support/random.ts";
import { sendRaw } from "#test/support/raw-http.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, tool } from "#test/support/upstream/script.ts";

const ROUNDS = Number(process.env.BROKE_FUZZ ?? 1_500);
const SEED = Number(process.env.BROKE_SEED ?? 20_261_126);

const schema = { type: "object", properties: { city: { type: "string" } } };
const picture = { type: "base64", media_type: "image/png", data: "aGVsbG8=" };
const args = '{"city":"x"}';

/** A rich, sound request of each dialect, to be spoilt. */
const sound: Record<Dialect, { path: string; body: { [key: string]: Json } }> = {
  anthropic: {
    path: "/v1/messages",
    body: {
      model: "sonnet",
      max_tokens: 100,
      stream: true,
      system: [{ type: "text", text: "be brief", cache_control: { type: "ephemeral" } }],
      tools: [
        { name: "weather", description: "d", input_schema: schema },
        { type: "web_search_20250305", name: "web_search" },
      ],
      tool_choice: { type: "auto", disable_parallel_tool_use: true },
      thinking: { type: "enabled", budget_tokens: 2048 },
      metadata: { user_id: "u" },
      stop_sequences: ["end"],
      messages: [
        {
          role: "user",
          content: [
            { type: "image", source: picture },
            { type: "text", text: "hi" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "hm", signature: "c2ln" },
            { type: "text", text: "looking" },
            { type: "tool_use", id: "toolu_1", name: "weather", input: { city: "x" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "toolu_1", is_error: true, content: [{ type: "text", text: "no" }] },
          ],
        },
      ],
    },
  },
  "openai-chat": {
    path: "/v1/chat/completions",
    body: {
      model: "sonnet",
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 100,
      tools: [{ type: "function", function: { name: "weather", description: "d", parameters: schema, strict: true } }],
      tool_choice: { type: "function", function: { name: "weather" } },
      response_format: { type: "json_schema", json_schema: { name: "n", schema } },
      reasoning_effort: "high",
      messages: [
        { role: "system", content: "be brief" },
        {
          role: "user",
          content: [
            { type: "text", text: "hi" },
            { type: "image_url", image_url: { url: "data:image/png;base64,aGVsbG8=" } },
          ],
        },
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id: "call_1", type: "function", function: { name: "weather", arguments: args } }],
        },
        { role: "tool", tool_call_id: "call_1", content: "no" },
      ],
    },
  },
  "openai-responses": {
    path: "/v1/responses",
    body: {
      model: "sonnet",
      stream: true,
      store: false,
      instructions: "be brief",
      include: ["reasoning.encrypted_content"],
      reasoning: { effort: "high", summary: "auto" },
      text: { verbosity: "low", format: { type: "json_schema", name: "n", schema } },
      tools: [
        { type: "function", name: "weather", parameters: schema, strict: false },
        { type: "custom", name: "apply_patch", format: { type: "grammar", syntax: "lark", definition: "start: /x/" } },
        {
          type: "namespace",
          name: "ns",
          description: "d",
          tools: [{ type: "function", name: "inner", parameters: schema }],
        },
        { type: "web_search" },
      ],
      input: [
        { role: "developer", content: [{ type: "input_text", text: "dev" }] },
        {
          role: "user",
          content: [
            { type: "input_text", text: "hi" },
            { type: "input_image", image_url: "data:image/png;base64,aGVsbG8=" },
          ],
        },
        { type: "reasoning", id: "rs_1", summary: [], encrypted_content: "abc" },
        { type: "function_call", call_id: "call_1", name: "weather", arguments: args },
        { type: "custom_tool_call", call_id: "call_2", name: "apply_patch", input: "*** Begin" },
        { type: "function_call_output", call_id: "call_1", output: "no" },
        { type: "custom_tool_call_output", call_id: "call_2", output: [{ type: "input_text", text: "done" }] },
      ],
    },
  },
  gemini: {
    path: "/v1beta/models/sonnet:streamGenerateContent?alt=sse",
    body: {
      systemInstruction: { parts: [{ text: "be brief" }] },
      tools: [
        {
          functionDeclarations: [
            {
              name: "weather",
              description: "d",
              parameters: { type: "OBJECT", properties: { city: { type: "STRING" } } },
            },
          ],
        },
        { googleSearch: {} },
      ],
      toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["weather"] } },
      generationConfig: {
        temperature: 1,
        maxOutputTokens: 100,
        stopSequences: ["end"],
        thinkingConfig: { includeThoughts: true, thinkingBudget: 1000 },
      },
      contents: [
        { role: "user", parts: [{ text: "hi" }, { inlineData: { mimeType: "image/png", data: "aGVsbG8=" } }] },
        {
          role: "model",
          parts: [
            { text: "hm", thought: true },
            { functionCall: { id: "c1", name: "weather", args: { city: "x" } }, thoughtSignature: "c2ln" },
          ],
        },
        { role: "user", parts: [{ functionResponse: { id: "c1", name: "weather", response: { output: "no" } } }] },
      ],
    },
  },
};

/** `unfinished`: what was announced does not come. */
type Shot = { bytes: Buffer; what: string; unfinished: boolean };

function headsFor(random: Random, path: string, body: Buffer): { head: string; body: Buffer; unfinished?: boolean } {
  const lines = [
    `Host: 127.0.0.1:4000`,
    `Authorization: Bearer ${TOKEN}`,
    "Content-Type: application/json",
    "Connection: close",
  ];
  const sized = [...lines, `Content-Length: ${body.length}`];
  const chunk = (piece: Buffer) =>
    Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
  const chunked = (...pieces: Buffer[]) =>
    Buffer.concat([...pieces.filter(({ length }) => length > 0).map(chunk), Buffer.from("0\r\n\r\n")]);
  const cut = random.below(body.length + 1);
  const make = (line: string, heads: string[], sent: Buffer) => ({
    head: `${line}\r\n${heads.join("\r\n")}\r\n\r\n`,
    body: sent,
  });
  const post = `POST ${path} HTTP/1.1`;
  switch (random.below(24)) {
    case 0:
      return make(post, [...lines, "Transfer-Encoding: chunked"], chunked(body.subarray(0, cut), body.subarray(cut)));
    case 1:
      return make(post, [...sized, "Transfer-Encoding: chunked"], body);
    case 2:
      return {
        ...make(post, [...lines, `Content-Length: ${body.length + 1 + random.below(100)}`], body),
        unfinished: true,
      };
    case 3:
      return make(post, [...lines, `Content-Length: ${cut}`], body);
    case 4:
      return make(
        post,
        [...lines, `Content-Length: ${random.pick(["-1", "x", "", "1e3", "99999999999999999999", "0x10", "+5"])}`],
        body,
      );
    case 5:
      return {
        ...make(
          post,
          [...lines, "Transfer-Encoding: chunked"],
          Buffer.from(
            random.pick(["zz\r\nabc\r\n0\r\n\r\n", "-1\r\n\r\n", "5\r\nab", "ffffffffffffffff\r\n", "0\r\n"]),
          ),
        ),
        unfinished: true,
      };
    case 6:
      return make(
        post,
        sized.with(
          2,
          `Content-Type: ${random.pick(["text/plain", "", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16"])}`,
        ),
        body,
      );
    case 7:
      return make(
        post,
        sized.with(
          0,
          `Host: ${random.pick(["x", "evil.example", "", "127.0.0.1.evil.example", "[::1", "localhost:99999999"])}`,
        ),
        body,
      );
    case 8:
      return make(
        `${random.pick(["GET", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD", "BREW", "CONNECT"])} ${path} HTTP/1.1`,
        sized,
        body,
      );
    case 9:
      return make(
        `POST ${random.pick([`/${path}`, `${path}/`, `${path}/..`, `/x/..${path}`, path.replace("/v1", "/v1/."), path.replaceAll("/", "%2f"), path.toUpperCase(), `http://127.0.0.1:1${path}`, `${path}?key=${TOKEN}x`, `${path}%00`, "*", ""])} HTTP/1.1`,
        sized,
        body,
      );
    case 10:
      return make(post, [...sized, `X-Pad: ${"y".repeat(random.pick([100, 9_000, 70_000]))}`], body);
    case 11:
      return make(
        post,
        sized.with(
          1,
          random.pick([
            "X: y",
            "Authorization: Bearer nope",
            "Authorization: Basic eA==",
            `Authorization: bearer\t${TOKEN}`,
            `x-api-key: ${TOKEN}`,
          ]),
        ),
        body,
      );
    case 12:
      return make(post, [...sized, `Content-Encoding: ${random.pick(["gzip", "br", "identity", "x"])}`], body);
    case 13:
      return make(post, [...sized, "Origin: https://evil.example"], body);
    default:
      return make(post, sized, body);
  }
}

function shoot(random: Random, dialect: Dialect): Shot {
  const { path, body } = sound[dialect];
  const json = random.chance(0.2)
    ? body
    : random.chance(0.9)
      ? mutateJson(body, random)
      : random.pick<Json>([[], [body], null, 7, "text", {}]);
  const plain = Buffer.from(JSON.stringify(json));
  const bytes = random.chance(0.25) ? mutateBytes(plain, random) : plain;
  const { head, body: sent, unfinished = false } = headsFor(random, path, Buffer.from(bytes));
  return {
    bytes: Buffer.concat([Buffer.from(head), sent]),
    unfinished,
    what: `${head.split("\r\n")[0]} ${plain.toString().slice(0, 600)}`,
  };
}

test(`${ROUNDS} requests: no crash, no hang, no 5xx of ours, no call for what is refused (seed ${SEED})`, async () => {
  const random = seeded(SEED);
  for (const backend of dialects) {
    await using upstream = await startUpstream(() => say("ok", tool("weather", { city: "x" }, "call_9")));
    await using gateway = await startGateway([{ dialect: backend, url: upstream.url }]);
    const port = Number(new URL(gateway.url).port);
    const statuses: Record<number, number> = {};
    for (let round = 0; round < ROUNDS / dialects.length; round++) {
      const dialect = random.pick(dialects);
      const shot = shoot(random, dialect);
      const before = upstream.seen.length;
      const answer = await sendRaw(port, shot.bytes, { unfinished: shot.unfinished });
      const called = upstream.seen.length - before;
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      const found = {
        seed: SEED,
        round,
        backend,
        dialect,
        status: answer.status,
        called,
        what: shot.what,
        body: answer.body.slice(0, 300),
      };
      // The upstream never fails, so neither may we. A connection that is closed without an answer was not HTTP.
      expect(answer.status >= 500 ? found : null).toBeNull();
      expect(answer.status >= 400 && called > 0 ? found : null).toBeNull();
      expect(answer.raw.includes(TOKEN) ? found : null).toBeNull();
      upstream.seen.length = 0;
    }
    // Neither all refused nor all let through, or the shots hit nothing.
    const share = (status: number) => (statuses[status] ?? 0) / (ROUNDS / dialects.length);
    expect({ statuses, served: share(200) > 0.1, refused: share(400) > 0.1, dropped: share(0) < 0.2 }).toMatchObject({
      served: true,
      refused: true,
      dropped: true,
    });
    // Still there, and still well.
    expect((await gateway.post(sound.anthropic.path, sound.anthropic.body)).status).toBe(200);
  }
}, 1_800_000);

const ends: Record<Dialect, RegExp> = {
  anthropic: /event: ?message_stop\r?\n/,
  // Some providers leave [DONE] out; the reason is what their clients go by.
  "openai-chat": /data: ?\[DONE\]|"finish_reason":"/,
  "openai-responses": /"type":"response\.(completed|incomplete)"/,
  gemini: /"finishReason"/,
};
const fails: Record<Dialect, RegExp> = {
  anthropic: /event: error\n/,
  "openai-chat": /data: \{"error":/,
  "openai-responses": /event: response\.failed\n/,
  gemini: /data: \{"error":/,
};

test(`${ROUNDS} answers of broken providers: every client's stream ends in its own way (seed ${SEED})`, async () => {
  const random = seeded(SEED + 1);
  const good = {
    ...say({ kind: "thinking", text: "hm", signature: "c2ln" }, "some text", tool("weather", { city: "x" }, "call_9")),
    pieces: 3,
  };
  for (const backend of dialects) {
    let spoilt: Uint8Array = new Uint8Array();
    await using pattern = await startUpstream(() => good);
    const straight = await fetch(pattern.url + sound[backend].path, {
      method: "POST",
      body: JSON.stringify(sound[backend].body),
    });
    const frames = (await straight.text())
      .split("\n\n")
      .filter((frame) => frame !== "")
      .map((frame) => `${frame}\n\n`);
    await using upstream = await startUpstream(() => ({
      kind: "raw",
      body: spoilt,
      ...(random.chance(0.2) ? { cut: { bytes: random.below(spoilt.length + 1) } } : {}),
      ...(random.chance(0.2) ? { split: 1 + random.below(50) } : {}),
    }));
    await using gateway = await startGateway(
      [{ dialect: backend, url: upstream.url }],
      {},
      { settings: { silenceMs: 5_000 }, timing: { backoffMs: 1 } },
    );
    for (let round = 0; round < ROUNDS / dialects.length; round++) {
      const kept = frames.filter(() => random.chance(0.93));
      if (random.chance(0.2) && kept.length > 1) kept.splice(random.below(kept.length), 0, random.pick(kept));
      const text = Buffer.from(kept.join(random.chance(0.1) ? ": comment\n\n" : ""));
      const ended = random.chance(0.1) ? Buffer.from(text.toString().replaceAll("\n", "\r\n")) : text;
      spoilt = random.chance(0.6) ? mutateBytes(ended, random) : ended;
      // Nobody is held back by what the rounds before did.
      gateway.health.lift("backend-0");
      const dialect = random.pick(dialects);
      const stream = random.chance(0.9);
      const { path, body } = sound[dialect];
      const asked = dialect === "gemini" ? body : { ...body, stream };
      const response = await gateway.post(
        dialect === "gemini" && !stream ? "/v1beta/models/sonnet:generateContent" : path,
        asked,
      );
      const heard = await response.text();
      const found = {
        seed: SEED,
        round,
        backend,
        dialect,
        status: response.status,
        spoilt: Buffer.from(spoilt).toString().slice(0, 2000),
        heard: heard.slice(-600),
      };
      if (response.status === 200 && stream)
        expect(ends[dialect].test(heard) || fails[dialect].test(heard) ? null : found).toBeNull();
      else expect(heard.includes("internal error") || !heard.startsWith("{") ? found : null).toBeNull();
    }
  }
}, 1_800_000);
