// The relay over real sockets, in front of the scripted upstream, for every outbound dialect there is.

import { describe, expect, test } from "bun:test";
import type { Dialect } from "#src/core/dialects.ts";
import { makeSseParser } from "#src/wire/sse.ts";
import { startGateway } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Faults, refuse, say, sequence, tool } from "#test/support/upstream/script.ts";

const outbound: Dialect[] = ["anthropic", "openai-chat"];
const ask = { model: "sonnet", max_tokens: 100, messages: [{ role: "user", content: "hello" }] };
const weather = {
  name: "weather",
  description: "d",
  input_schema: { type: "object", properties: { city: { type: "string" } } },
};

type Event = { type: string; [key: string]: unknown };
async function events(response: Response): Promise<Event[]> {
  return makeSseParser()
    .push(new Uint8Array(await response.arrayBuffer()))
    .map(({ data }) => JSON.parse(data) as Event);
}
const types = (list: Event[]) => list.map(({ type }) => type);
const textOf = (list: Event[]) =>
  list.map((event) => (event as { delta?: { text?: string } }).delta?.text ?? "").join("");
const base = (url: string, dialect: Dialect) => (dialect === "anthropic" ? url : `${url}/v1`);

for (const dialect of outbound) {
  describe(`Messages over ${dialect}`, () => {
    test("a whole answer, with what it cost in the report", async () => {
      await using upstream = await startUpstream(
        sequence({ ...say("Hi there"), tokens: { input: 50, cached: 10, output: 7 } }),
      );
      await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect), keyEnv: "TEST_KEY" }], {
        TEST_KEY: "key-of-the-test",
      });
      const response = await gateway.post("/v1/messages", ask);
      const body = await response.json();
      expect(body).toMatchObject({
        type: "message",
        role: "assistant",
        content: [{ type: "text", text: "Hi there" }],
        stop_reason: "end_turn",
        usage: { input_tokens: 40, output_tokens: 7, cache_read_input_tokens: 10 },
      });
      const seen = upstream.asked()[0]!;
      expect({ model: seen.model, key: seen.headers["x-api-key"] ?? seen.headers["authorization"] }).toEqual({
        model: "model-0",
        key: dialect === "anthropic" ? "key-of-the-test" : "Bearer key-of-the-test",
      });
      expect(JSON.stringify(seen.headers)).not.toContain("test-token-of-the-gateway");
      expect(gateway.reports).toMatchObject([
        {
          slot: "sonnet",
          backend: "backend-0",
          status: 200,
          attempts: 1,
          inputTokens: 40,
          outputTokens: 7,
          aborted: false,
        },
      ]);
      expect(Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("x-broke")))).toMatchObject({
        "x-broke-slot": "sonnet",
        "x-broke-backend": "backend-0",
        "x-broke-attempts": "1",
        "x-broke-generation": "1",
      });
    });

    test("a stream, event by event: the first reaches the client before the last is written", async () => {
      const rest = Promise.withResolvers<void>();
      const frames = dialect === "anthropic" ? 3 : 2;
      await using upstream = await startUpstream(
        sequence({ ...say("one two three four"), pieces: 4, pause: { after: frames, until: rest.promise } }),
      );
      await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect) }]);
      const response = await gateway.post("/v1/messages", { ...ask, stream: true });
      expect(response.headers.get("content-type")).toStartWith("text/event-stream");
      const reader = response.body!.getReader();
      let text = "";
      const decoder = new TextDecoder();
      while (!text.includes("text_delta")) text += decoder.decode((await reader.read()).value);
      expect(text).not.toContain("message_stop");
      rest.resolve();
      for (let part = await reader.read(); !part.done; part = await reader.read()) text += decoder.decode(part.value);
      const list = makeSseParser()
        .push(new TextEncoder().encode(text))
        .map(({ data }) => JSON.parse(data) as Event);
      expect(textOf(list)).toBe("one two three four");
      expect(types(list).at(-1)).toBe("message_stop");
    });

    test("parallel tool calls, and their results on the way back", async () => {
      await using upstream = await startUpstream(
        sequence({
          ...say(
            "Looking.",
            tool("weather", { city: "Zürich" }, "call_a"),
            tool("weather", { city: "東京" }, "call_b"),
          ),
          interleave: true,
          split: 7,
        }),
      );
      await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect) }]);
      const list = await events(await gateway.post("/v1/messages", { ...ask, tools: [weather], stream: true }));
      const starts = list.filter(({ type }) => type === "content_block_start") as unknown as {
        index: number;
        content_block: { type: string; id?: string; name?: string };
      }[];
      const args = (index: number) =>
        list
          .filter((event) => event.type === "content_block_delta" && event["index"] === index)
          .map((event) => (event as unknown as { delta: { partial_json?: string } }).delta.partial_json ?? "")
          .join("");
      expect(starts.map(({ content_block: block }) => [block.type, block.id])).toEqual([
        ["text", undefined],
        ["tool_use", "call_a"],
        ["tool_use", "call_b"],
      ]);
      expect([JSON.parse(args(1)), JSON.parse(args(2))]).toEqual([{ city: "Zürich" }, { city: "東京" }]);

      upstream.play(sequence(say("Warm.")));
      const back = [
        ...ask.messages,
        {
          role: "assistant",
          content: [
            { type: "tool_use", id: "call_a", name: "weather", input: { city: "Zürich" } },
            { type: "tool_use", id: "call_b", name: "weather", input: { city: "東京" } },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "call_b", content: "hot" },
            { type: "tool_result", tool_use_id: "call_a", content: [{ type: "text", text: "mild" }] },
          ],
        },
      ];
      await gateway.post("/v1/messages", { ...ask, tools: [weather], messages: back });
      const seen = upstream.asked().at(-1)!;
      expect(seen.history.flatMap(({ results }) => results).sort((a, b) => a.id.localeCompare(b.id))).toEqual([
        { id: "call_a", text: "mild" },
        { id: "call_b", text: "hot" },
      ]);
      expect(seen.history.flatMap(({ calls }) => calls.map(({ id }) => id))).toEqual(["call_a", "call_b"]);
    });

    test("the client goes away in the middle: the provider's call is cancelled", async () => {
      const never = new Promise<void>(() => {});
      await using upstream = await startUpstream(
        sequence({ ...say("one two"), pause: { after: dialect === "anthropic" ? 3 : 2, until: never } }),
      );
      await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect) }]);
      const abort = new AbortController();
      const response = await gateway.post("/v1/messages", { ...ask, stream: true }, { signal: abort.signal });
      await response.body!.getReader().read();
      abort.abort();
      await upstream.until((seen) => seen.some(({ aborted }) => aborted));
      await gateway.reported(1);
      expect(gateway.reports).toMatchObject([{ status: 499, aborted: true }]);
    });

    test("the client goes away before the first byte: the provider's call is cancelled", async () => {
      const never = new Promise<void>(() => {});
      await using upstream = await startUpstream(sequence({ ...say("x"), gate: never }));
      await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect) }]);
      const abort = new AbortController();
      const asking = gateway.post("/v1/messages", { ...ask, stream: true }, { signal: abort.signal }).catch(() => null);
      await upstream.until((seen) => seen.length === 1);
      abort.abort();
      await asking;
      await upstream.until((seen) => seen.some(({ aborted }) => aborted));
      await gateway.reported(1);
      expect(gateway.reports).toMatchObject([{ status: 499, aborted: true }]);
    });

    const broken: [string, Faults][] = [
      ["cut between two events", { cut: { frames: dialect === "anthropic" ? 4 : 3 } }],
      ["cut inside an event", { cut: { bytes: dialect === "anthropic" ? 650 : 420 } }],
      ["an error event", { error: { after: dialect === "anthropic" ? 4 : 3, message: "bad key the-key-itself" } }],
    ];
    for (const [name, fault] of broken) {
      test(`${name}, after content: an error event, never a clean end`, async () => {
        const rest = Promise.withResolvers<void>();
        const pause = { after: dialect === "anthropic" ? 3 : 2, until: rest.promise };
        await using upstream = await startUpstream(sequence({ ...say("one two three"), pieces: 3, pause, ...fault }));
        await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect), keyEnv: "TEST_KEY" }], {
          TEST_KEY: "the-key-itself",
        });
        const response = await gateway.post("/v1/messages", { ...ask, stream: true });
        const reader = response.body!.getReader();
        const first = (await reader.read()).value!;
        rest.resolve();
        const pieces = [first];
        for (let part = await reader.read(); !part.done; part = await reader.read()) pieces.push(part.value);
        const list = await events(new Response(Buffer.concat(pieces)));
        expect(textOf(list)).toStartWith("one");
        expect(types(list).filter((type) => type === "error" || type === "message_stop")).toEqual(["error"]);
        expect(types(list).at(-1)).toBe("error");
        expect(JSON.stringify(list)).not.toContain("the-key-itself");
        expect(gateway.reports).toMatchObject([{ status: 502 }]);
      });
    }

    test("an error first in a 200, an empty stream and an early cut are failures: the next backend answers", async () => {
      const faults = [
        { ...say("x"), error: { after: 0, message: "overloaded" } },
        { kind: "raw" as const, body: "" },
        { ...say("x"), cut: { frames: 0 } },
        { kind: "raw" as const, body: ": only a comment\n\n" },
        { kind: "raw" as const, body: "<html>busy</html>", headers: { "content-type": "text/html" } },
      ];
      for (const fault of faults) {
        await using bad = await startUpstream(() => fault);
        await using good = await startUpstream(sequence(say("from the second")));
        await using gateway = await startGateway([
          { dialect, url: base(bad.url, dialect) },
          { dialect, url: base(good.url, dialect) },
        ]);
        const response = await gateway.post("/v1/messages", { ...ask, stream: true });
        const list = await events(response);
        expect({ fault, text: textOf(list), last: types(list).at(-1) }).toEqual({
          fault,
          text: "from the second",
          last: "message_stop",
        });
        // Once more with the first: what failed may pass.
        expect(response.headers.get("x-broke-attempts")).toBe("3");
        expect(types(list).filter((type) => type === "message_start")).toHaveLength(1);
      }
    });

    test("429 on one key, success on the next", async () => {
      await using upstream = await startUpstream(sequence(refuse(429, "slow down", { "retry-after": "2" }), say("ok")));
      await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect), keyEnv: "TEST_KEY" }], {
        TEST_KEY: "first-key-value",
        TEST_KEY_2: "second-key-value",
      });
      const response = await gateway.post("/v1/messages", ask);
      expect(response.status).toBe(200);
      const keys = upstream
        .asked()
        .map(({ headers }) => (headers["x-api-key"] ?? headers["authorization"])!.replace("Bearer ", ""));
      expect(keys).toEqual(["first-key-value", "second-key-value"]);
    });

    test("every status comes out as the client's own error, with the true cause", async () => {
      const expected: Record<number, string> = {
        400: "invalid_request_error",
        401: "authentication_error",
        402: "billing_error",
        403: "permission_error",
        404: "not_found_error",
        413: "request_too_large",
        422: "invalid_request_error",
        429: "rate_limit_error",
        500: "api_error",
        503: "overloaded_error",
        529: "overloaded_error",
      };
      for (const [status, type] of Object.entries(expected)) {
        await using upstream = await startUpstream(() =>
          refuse(Number(status), `cause ${status}`, { "retry-after": "7", "set-cookie": "a=b" }),
        );
        await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect) }]);
        const response = await gateway.post("/v1/messages", { ...ask, stream: true });
        expect({ status: response.status, body: await response.json() }).toEqual({
          status: Number(status),
          body: { type: "error", error: { type, message: `cause ${status}` } },
        });
        expect(response.headers.get("retry-after")).toBe("7");
        expect(response.headers.get("x-should-retry")).toBe(["401", "402"].includes(status) ? "false" : null);
        expect(response.headers.get("set-cookie")).toBeNull();
      }
    });

    test("a compressed answer arrives readable", async () => {
      for (const stream of [true, false]) {
        await using upstream = await startUpstream(sequence({ ...say("packed"), gzip: true }));
        await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect) }]);
        const response = await gateway.post("/v1/messages", { ...ask, stream });
        expect(response.headers.get("content-encoding")).toBeNull();
        expect(await response.text()).toContain(stream ? "message_stop" : "packed");
      }
    });

    test("a provider that redirects gets no key twice", async () => {
      await using other = await startUpstream(sequence(say("stolen")));
      await using upstream = await startUpstream(() => ({
        kind: "raw",
        status: 307,
        headers: { location: `${other.url}/v1/messages` },
        body: "",
      }));
      await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect) }]);
      expect((await gateway.post("/v1/messages", ask)).status).toBe(502);
      expect(other.seen).toEqual([]);
    });

    test("count_tokens is never 0", async () => {
      await using upstream = await startUpstream(sequence());
      await using gateway = await startGateway([{ dialect, url: base(upstream.url, dialect) }]);
      const response = await gateway.post("/v1/messages/count_tokens?beta=true", {
        model: "sonnet",
        messages: ask.messages,
      });
      const { input_tokens } = (await response.json()) as { input_tokens: number };
      expect(input_tokens).toBeGreaterThan(0);
      expect(response.headers.get("x-broke-count")).toBe(dialect === "anthropic" ? "provider" : "estimate");
    });
  });
}
