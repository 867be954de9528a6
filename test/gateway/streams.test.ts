// What holds of every stream, whoever asks and whoever answers: it begins early, is never silent, ends in the client's own way, and costs nothing
// once nobody listens.

import { describe, expect, test } from "bun:test";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import { makeSseParser } from "#src/wire/sse.ts";
import { startGateway, type TestGateway } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Reply, say, sequence } from "#test/support/upstream/script.ts";

const never = new Promise<void>(() => {});

/** A client of each dialect, by hand: how it asks for a stream, what a piece of text is, and how a stream ends well or badly. */
const clients: Record<Dialect, { path: string; body: object; ends: RegExp; fails: RegExp }> = {
  anthropic: {
    path: "/v1/messages",
    body: { model: "sonnet", max_tokens: 9, stream: true, messages: [{ role: "user", content: "hi" }] },
    ends: /event: message_stop\n/,
    fails: /event: error\ndata: \{"type":"error","error":\{/,
  },
  "openai-chat": {
    path: "/v1/chat/completions",
    body: { model: "sonnet", stream: true, messages: [{ role: "user", content: "hi" }] },
    ends: /data: \[DONE\]\n/,
    fails: /data: \{"error":\{"message":/,
  },
  "openai-responses": {
    path: "/v1/responses",
    body: { model: "sonnet", stream: true, input: "hi" },
    ends: /event: response\.completed\n/,
    fails: /event: response\.failed\n/,
  },
  gemini: {
    path: "/v1beta/models/sonnet:streamGenerateContent?alt=sse",
    body: { contents: [{ role: "user", parts: [{ text: "hi" }] }] },
    ends: /"finishReason":"STOP"/,
    fails: /data: \{"error":\{"code":/,
  },
};
/** How many frames an upstream of each dialect sends before a text's first piece is out. */
const FRAMES_TO_TEXT: Record<Dialect, number> = { anthropic: 3, "openai-chat": 2, "openai-responses": 5, gemini: 1 };

const ask = (gateway: TestGateway, dialect: Dialect, signal?: AbortSignal) =>
  gateway.post(clients[dialect].path, clients[dialect].body, signal === undefined ? {} : { signal });

/** A body read as it comes. */
function follow(response: Response) {
  const reader = response.body!.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const read = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    text += done ? "" : decoder.decode(value, { stream: true });
    return !done;
  };
  return {
    text: () => text,
    async until(what: RegExp) {
      while (!what.test(text)) if (!(await read())) throw new Error(`ended without ${String(what)}: ${text}`);
    },
    async rest() {
      while (await read());
      return text;
    },
    cancel: () => reader.cancel(),
  };
}

for (const client of dialects) {
  for (const backend of dialects) {
    const { ends, fails } = clients[client];
    const scene = async (
      reply: Reply,
      play: (gateway: TestGateway, upstream: Awaited<ReturnType<typeof startUpstream>>) => Promise<void>,
      silenceMs = 60_000,
    ) => {
      await using upstream = await startUpstream(sequence(reply, reply));
      await using gateway = await startGateway(
        [{ dialect: backend, url: upstream.url }],
        {},
        {
          timing: { pingMs: 30, headersAfterMs: 60 },
          settings: { silenceMs },
        },
      );
      await play(gateway, upstream);
    };

    describe(`a ${client} client over ${backend}`, () => {
      test("silence before the first word: headers and signs of life come early, then the answer", async () => {
        const gate = Promise.withResolvers<void>();
        await scene({ ...say("at last"), gate: gate.promise }, async (gateway) => {
          const response = await ask(gateway, client);
          expect([response.status, response.headers.get("x-broke-slot")]).toEqual([200, "sonnet"]);
          const body = follow(response);
          await body.until(/(ping[^]*){2}|(:[^]*){2}/);
          gate.resolve();
          const text = await body.rest();
          expect(text).toMatch(ends);
          expect(text).not.toMatch(fails);
          expect(makeSseParser().push(new TextEncoder().encode(text)).length).toBeGreaterThan(0);
        });
      });

      test("silence in the middle: signs of life, then the rest", async () => {
        const gate = Promise.withResolvers<void>();
        const pause = { after: FRAMES_TO_TEXT[backend], until: gate.promise };
        await scene({ ...say("one two three"), pieces: 3, pause }, async (gateway) => {
          const body = follow(await ask(gateway, client));
          await body.until(/one/);
          const before = body.text().length;
          await body.until(new RegExp(`^[^]{${before}}[^]*(event: ping|: )`));
          gate.resolve();
          const text = await body.rest();
          expect(text).toMatch(ends);
          expect(text).not.toMatch(fails);
        });
      });

      test("a silence beyond the deadline, in the middle, ends as a failure and cancels the provider's", async () => {
        const pause = { after: FRAMES_TO_TEXT[backend], until: never };
        await scene(
          { ...say("one two three"), pieces: 3, pause },
          async (gateway, upstream) => {
            const text = await follow(await ask(gateway, client)).rest();
            expect(text).toMatch(fails);
            expect(text).toContain("the provider said nothing for");
            expect(text).not.toMatch(ends);
            await upstream.until((seen) => seen[0]!.aborted);
            await gateway.reported(1);
            expect(gateway.reports).toMatchObject([{ status: 502, aborted: false }]);
          },
          200,
        );
      });

      test("a silence beyond the deadline, before the first word, is a failure too", async () => {
        await scene(
          { ...say("never said"), gate: never },
          async (gateway, upstream) => {
            const response = await ask(gateway, client);
            const text = await response.text();
            // The headers were out by then, so it is said inside the stream.
            expect(response.status).toBe(200);
            expect(text).toMatch(fails);
            expect(text).not.toMatch(ends);
            await upstream.until((seen) => seen[0]!.aborted);
          },
          200,
        );
      });

      test("a client that goes away cancels the provider's call within 50 ms, before and after the first word", async () => {
        for (const said of [{ gate: never }, { pause: { after: FRAMES_TO_TEXT[backend], until: never } }]) {
          await scene({ ...say("one two three"), pieces: 3, ...said }, async (gateway, upstream) => {
            const abort = new AbortController();
            const asking = ask(gateway, client, abort.signal)
              .then((response) => follow(response).rest())
              .catch(() => "");
            await upstream.until((seen) => seen.length === 1);
            if (!("gate" in said))
              while (gateway.reports.length === 0 && upstream.seen.length === 0) await Bun.sleep(1);
            await Bun.sleep(20);
            const at = performance.now();
            abort.abort();
            await upstream.until((seen) => seen[0]!.aborted);
            expect(performance.now() - at).toBeLessThan(50);
            await asking;
            await gateway.reported(1);
            expect(gateway.reports).toMatchObject([{ status: 499, aborted: true }]);
          });
        }
      });
    });
  }
}

test("a client that stops reading holds bounded memory, and is still served when it reads on, after longer than a provider may be silent", async () => {
  const MIB = 1024 * 1024;
  const SILENCE_MS = 1_000;
  const text = "x".repeat(64 * 1024);
  const event = (delta: object) =>
    `event: content_block_delta\ndata: ${JSON.stringify({ type: "content_block_delta", index: 0, delta })}\n\n`;
  const start =
    'event: message_start\ndata: {"type":"message_start","message":{"id":"m","type":"message","role":"assistant","content":[],"model":"m","stop_reason":null,"usage":{"input_tokens":1,"output_tokens":1}}}\n\n' +
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n';
  const end =
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\nevent: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n';
  const COUNT = 3200; // 200 MiB
  let sent = 0;
  using server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    fetch: () =>
      new Response(
        new ReadableStream({
          start: (sink) => sink.enqueue(start),
          async pull(sink) {
            if (sent === COUNT) {
              sink.enqueue(end);
              return sink.close();
            }
            sent += 1;
            sink.enqueue(event({ type: "text_delta", text }));
          },
        }),
        { headers: { "content-type": "text/event-stream" } },
      ),
  });
  for (const dialect of ["anthropic", "openai-chat"] as const) {
    sent = 0;
    const backend = { dialect: "anthropic", url: `http://127.0.0.1:${server.port}` } as const;
    await using gateway = await startGateway([backend], {}, { settings: { silenceMs: SILENCE_MS } });
    const response = await ask(gateway, dialect);
    const reader = response.body!.getReader();
    let bytes = (await reader.read()).value!.length;
    // Whoever does not read lets the provider's own sending come to a halt.
    let before = -1;
    while (before !== sent) {
      before = sent;
      await Bun.sleep(250);
    }
    // It is not the provider that is silent.
    await Bun.sleep(1.3 * SILENCE_MS);
    expect({ dialect, mib: Math.round((sent * text.length) / MIB), halted: sent < COUNT / 2 }).toMatchObject({
      halted: true,
    });
    let last = "";
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.length;
      last = new TextDecoder().decode(part.value.slice(-400));
    }
    expect(bytes).toBeGreaterThan(COUNT * text.length);
    expect(last).toMatch(clients[dialect].ends);
  }
});
