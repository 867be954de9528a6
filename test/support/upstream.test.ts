// The scripted upstream, heard by the providers' own SDKs: what they understand is the dialect. And its faults, seen from a plain client.

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { startUpstream } from "./upstream.ts";
import { refuse, type Say, say, sequence, task, tool } from "./upstream/script.ts";

/** What every SDK is asked to hear. */
const answer: Say = {
  ...say(
    { kind: "thinking", text: "Let me think." },
    "Grüße, 世界 👋",
    tool("weather", { city: "Zürich" }, "call_a"),
    tool("weather", { city: "東京" }, "call_b"),
  ),
  tokens: { input: 50, cached: 10, output: 7 },
  pieces: 3,
};
const schema = { type: "object" as const, properties: { city: { type: "string" } } };
const wanted = {
  text: "Grüße, 世界 👋",
  calls: [
    ["weather", { city: "Zürich" }],
    ["weather", { city: "東京" }],
  ],
};
const retry = { maxRetries: 0 };

describe("Anthropic Messages, by @anthropic-ai/sdk", () => {
  const params = {
    model: "m",
    max_tokens: 10,
    tools: [{ name: "weather", input_schema: schema }],
    messages: [{ role: "user" as const, content: "hello" }],
  };
  const heard = (message: Anthropic.Message) => ({
    text: message.content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join(""),
    calls: message.content.flatMap((block) => (block.type === "tool_use" ? [[block.name, block.input]] : [])),
  });

  test("whole, streamed, and cut at every few bytes", async () => {
    await using upstream = await startUpstream(sequence(answer, answer, { ...answer, split: 5 }));
    const client = new Anthropic({ apiKey: "k", baseURL: upstream.url, ...retry });
    const whole = await client.messages.create(params);
    expect({ ...heard(whole), stop: whole.stop_reason, usage: whole.usage }).toMatchObject({
      ...wanted,
      stop: "tool_use",
      usage: { input_tokens: 40, cache_read_input_tokens: 10, output_tokens: 7 },
    });
    for (let round = 0; round < 2; round++) {
      const streamed = await client.messages.stream(params).finalMessage();
      expect({
        ...heard(streamed),
        kinds: streamed.content.map(({ type }) => type),
        out: streamed.usage.output_tokens,
      }).toEqual({
        ...wanted,
        kinds: ["thinking", "text", "tool_use", "tool_use"],
        out: 7,
      });
    }
    expect(upstream.asked().map(({ dialect, model, stream, tools }) => ({ dialect, model, stream, tools }))).toEqual(
      [false, true, true].map((stream) => ({ dialect: "anthropic", model: "m", stream, tools: ["weather"] })),
    );
  });

  test("errors are its own kinds", async () => {
    for (const [status, type] of [
      [401, Anthropic.AuthenticationError],
      [403, Anthropic.PermissionDeniedError],
      [404, Anthropic.NotFoundError],
      [429, Anthropic.RateLimitError],
      [529, Anthropic.InternalServerError],
    ] as const) {
      await using upstream = await startUpstream(() => refuse(status, "why", { "retry-after": "3" }));
      const client = new Anthropic({ apiKey: "k", baseURL: upstream.url, ...retry });
      const error = await client.messages.create(params).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(type);
      expect(String(error)).toContain("why");
    }
  });

  test("an error event and a cut are failures of the stream", async () => {
    await using upstream = await startUpstream(
      sequence({ ...answer, error: { after: 4, message: "overloaded now" } }, { ...answer, cut: { frames: 4 } }),
    );
    const client = new Anthropic({ apiKey: "k", baseURL: upstream.url, ...retry });
    expect(client.messages.stream(params).finalMessage()).rejects.toThrow("overloaded now");
    await upstream.until((seen) => seen.length === 1);
    expect(client.messages.stream(params).finalMessage()).rejects.toThrow();
  });
});

describe("OpenAI Chat, by openai", () => {
  const params = {
    model: "m",
    messages: [{ role: "user" as const, content: "hello" }],
    tools: [{ type: "function" as const, function: { name: "weather", parameters: schema } }],
  };

  test("whole, streamed, and with calls that take turns", async () => {
    await using upstream = await startUpstream(sequence(answer, answer, { ...answer, interleave: true, split: 9 }));
    const client = new OpenAI({ apiKey: "k", baseURL: `${upstream.url}/v1`, ...retry });
    const calls = (message: OpenAI.ChatCompletionMessage) =>
      (message.tool_calls ?? []).map((call) =>
        call.type === "function" ? [call.function.name, JSON.parse(call.function.arguments)] : [],
      );
    const whole = await client.chat.completions.create(params);
    expect({
      text: whole.choices[0]!.message.content,
      calls: calls(whole.choices[0]!.message),
      stop: whole.choices[0]!.finish_reason,
      usage: whole.usage,
    }).toMatchObject({
      ...wanted,
      stop: "tool_calls",
      usage: {
        prompt_tokens: 50,
        completion_tokens: 7,
        total_tokens: 57,
        prompt_tokens_details: { cached_tokens: 10 },
      },
    });
    for (let round = 0; round < 2; round++) {
      const runner = client.chat.completions.stream({ ...params, stream_options: { include_usage: true } });
      const message = await runner.finalMessage();
      expect({ text: message.content, calls: calls(message), usage: (await runner.totalUsage()).total_tokens }).toEqual(
        { ...wanted, usage: 57 },
      );
    }
  });

  test("errors are its own kinds", async () => {
    for (const [status, type] of [
      [400, OpenAI.BadRequestError],
      [401, OpenAI.AuthenticationError],
      [429, OpenAI.RateLimitError],
      [503, OpenAI.InternalServerError],
    ] as const) {
      await using upstream = await startUpstream(() => refuse(status, "why"));
      const client = new OpenAI({ apiKey: "k", baseURL: `${upstream.url}/v1`, ...retry });
      expect(
        await client.chat.completions.create(params).then(
          () => undefined,
          (thrown: unknown) => thrown,
        ),
      ).toBeInstanceOf(type);
    }
  });
});

describe("OpenAI Responses, by openai", () => {
  const params = {
    model: "m",
    input: "hello",
    tools: [{ type: "function" as const, name: "weather", parameters: schema, strict: false }],
  };
  const heard = (response: OpenAI.Responses.Response) => ({
    text: response.output_text,
    calls: response.output.flatMap((item) =>
      item.type === "function_call" ? [[item.name, JSON.parse(item.arguments)]] : [],
    ),
  });

  test("whole and streamed", async () => {
    await using upstream = await startUpstream(sequence(answer, answer, { ...answer, split: 17 }));
    const client = new OpenAI({ apiKey: "k", baseURL: `${upstream.url}/v1`, ...retry });
    const whole = await client.responses.create(params);
    expect({ ...heard(whole), usage: whole.usage?.total_tokens, kinds: whole.output.map(({ type }) => type) }).toEqual({
      ...wanted,
      usage: 57,
      kinds: ["reasoning", "message", "function_call", "function_call"],
    });
    for (let round = 0; round < 2; round++) {
      expect(heard(await client.responses.stream(params).finalResponse())).toEqual(wanted);
    }
  });
});

describe("Gemini, by @google/genai", () => {
  const params = {
    model: "m",
    contents: "hello",
    config: {
      tools: [{ functionDeclarations: [{ name: "weather", parametersJsonSchema: schema }] }],
      httpOptions: { retryOptions: { attempts: 1 } },
    },
  };
  const quiet = async <T>(work: () => Promise<T>): Promise<T> => {
    const warn = console.warn;
    console.warn = () => {}; // the SDK remarks on answers with parts that are not text
    try {
      return await work();
    } finally {
      console.warn = warn;
    }
  };

  test("whole and streamed", async () => {
    await using upstream = await startUpstream(sequence(answer, { ...answer, split: 11 }));
    const client = new GoogleGenAI({ apiKey: "k", httpOptions: { baseUrl: upstream.url } });
    await quiet(async () => {
      const whole = await client.models.generateContent(params);
      const calls = (response: typeof whole) => (response.functionCalls ?? []).map((call) => [call.name, call.args]);
      expect({ text: whole.text, calls: calls(whole), usage: whole.usageMetadata?.totalTokenCount }).toEqual({
        ...wanted,
        usage: 57,
      });
      let text = "";
      const streamed: unknown[] = [];
      for await (const chunk of await client.models.generateContentStream(params)) {
        text += chunk.text ?? "";
        streamed.push(...calls(chunk));
      }
      expect({ text, calls: streamed }).toEqual(wanted);
    });
    expect(upstream.asked().map(({ dialect, model, stream }) => ({ dialect, model, stream }))).toEqual([
      { dialect: "gemini", model: "m", stream: false },
      { dialect: "gemini", model: "m", stream: true },
    ]);
  });
});

describe("the server itself", () => {
  const ask = (url: string, body: object = {}, init: BunFetchRequestInit = {}) =>
    fetch(`${url}/v1/messages`, {
      method: "POST",
      body: JSON.stringify({ model: "m", stream: true, messages: [], ...body }),
      ...init,
    });

  test("on a Unix socket", async () => {
    const dir = mkdtempSync(join(tmpdir(), "broke-upstream-"));
    await using upstream = await startUpstream(sequence({ ...say("hello"), pieces: 1 }), join(dir, "up.sock"));
    expect(await (await ask(upstream.url, {}, { unix: join(dir, "up.sock") })).text()).toContain("hello");
    rmSync(dir, { recursive: true });
  });

  test("a script that has no more answers says so, and a new script starts anew", async () => {
    await using upstream = await startUpstream(sequence(say("one")));
    expect((await ask(upstream.url)).status).toBe(200);
    expect(await (await ask(upstream.url)).text()).toContain("the script has 1 answers only");
    upstream.play(sequence({ ...say("two"), pieces: 1 }));
    expect(await (await ask(upstream.url)).text()).toContain("two");
  });

  test("faults: gzip, frames put in, a pause that ends when told, a hand-written answer", async () => {
    const rest = Promise.withResolvers<void>();
    await using upstream = await startUpstream(
      sequence(
        { ...say("a"), gzip: true },
        { ...say("a"), insert: { at: 1, text: "data: {broken\n\n" } },
        { ...say("a"), pause: { after: 2, until: rest.promise } },
        { kind: "raw", status: 418, headers: { "x-a": "b" }, body: "tea" },
      ),
    );
    const packed = await ask(upstream.url, {}, { decompress: false });
    expect([packed.headers.get("content-encoding"), (await packed.bytes()).slice(0, 2)]).toEqual([
      "gzip",
      new Uint8Array([0x1f, 0x8b]),
    ]);
    expect(await (await ask(upstream.url)).text()).toContain("data: {broken");
    const reader = (await ask(upstream.url)).body!.getReader();
    let text = "";
    while (!text.includes("content_block_start")) text += new TextDecoder().decode((await reader.read()).value);
    expect(text).not.toContain("message_stop");
    rest.resolve();
    for (let part = await reader.read(); !part.done; part = await reader.read())
      text += new TextDecoder().decode(part.value);
    expect(text).toContain("message_stop");
    const raw = await ask(upstream.url);
    expect([raw.status, raw.headers.get("x-a"), await raw.text()]).toEqual([418, "b", "tea"]);
  });

  test("the log has what was asked, and who went away", async () => {
    await using upstream = await startUpstream(() => ({ ...say("x"), gate: new Promise(() => {}) }));
    const abort = new AbortController();
    const asking = ask(
      upstream.url,
      { system: "be short" },
      { signal: abort.signal, headers: { "x-who": "me" } },
    ).catch(() => undefined);
    await upstream.until((seen) => seen.length === 1);
    abort.abort();
    await asking;
    await upstream.until((seen) => seen[0]!.aborted);
    expect(upstream.seen[0]).toMatchObject({
      dialect: "anthropic",
      path: "/v1/messages",
      model: "m",
      history: [{ role: "system", text: "be short" }],
      aborted: true,
    });
    expect(upstream.seen[0]!.headers["x-who"]).toBe("me");
  });

  test("a task goes step by step, whoever asks again, and asides do not count", async () => {
    const script = task([say(tool("A", {})), say(tool("B", {}))]);
    const step = async (assistants: number, tools = ["A"]) => {
      const history = [
        { role: "user" as const, text: "go", calls: [], results: [] },
        ...Array.from({ length: assistants }, () => [
          { role: "assistant" as const, text: "", calls: [], results: [] },
          { role: "user" as const, text: "", calls: [], results: [{ id: "1", text: "r" }] },
        ]).flat(),
      ];
      const reply = await script(
        {
          model: "m",
          stream: false,
          history,
          tools,
          dialect: "anthropic",
          method: "POST",
          path: "/",
          query: "",
          headers: {},
          body: null,
          raw: Buffer.alloc(0),
          aborted: false,
        },
        0,
      );
      return (reply as Say).parts.map((part) => (part.kind === "tool" ? part.name : part.text));
    };
    expect([await step(0), await step(0), await step(1), await step(2), await step(1, [])]).toEqual([
      ["A"],
      ["A"],
      ["B"],
      ["Done."],
      ["A small task"],
    ]);
  });
});
