// What the wire's contract wants of the whole gateway, between every client and every backend: who leaves, what is compressed, what may be
// told, and in whose words.

import { describe, expect, test } from "bun:test";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import { question } from "#test/support/asks.ts";
import { startGateway, TOKEN, type TestGateway } from "#test/support/gateway.ts";
import { startUpstream, type Upstream } from "#test/support/upstream.ts";
import { refuse, type Reply, say } from "#test/support/upstream/script.ts";

const KEY = "sk-the-key-of-the-provider";
const never = new Promise<void>(() => {});

type Scene = { gateway: TestGateway; upstream: Upstream };

async function scene(backend: Dialect, reply: Reply, play: (scene: Scene) => Promise<void>): Promise<void> {
  await using upstream = await startUpstream(() => reply);
  await using gateway = await startGateway(
    [{ dialect: backend, url: upstream.url, keyEnv: "TEST_KEY" }],
    {
      TEST_KEY: KEY,
    },
    { timing: { backoffMs: 1 } },
  );
  await play({ gateway, upstream });
}

const ask = (gateway: TestGateway, client: Dialect, stream: boolean, signal?: AbortSignal) => {
  const { path, body } = question[client](stream);
  return gateway.post(path, body, signal === undefined ? {} : { signal });
};

/** An error's words of each dialect. */
const errors: Record<Dialect, (status: number, message: string) => object> = {
  anthropic: (status, message) => ({ type: "error", error: { type: anthropicTypes[status]!, message } }),
  "openai-chat": (_status, message) => ({ error: expect.objectContaining({ message }) as object }),
  "openai-responses": (_status, message) => ({ error: expect.objectContaining({ message }) as object }),
  gemini: (code, message) => ({ error: expect.objectContaining({ code, message }) as object }),
};
const anthropicTypes: Record<number, string> = {
  400: "invalid_request_error",
  403: "permission_error",
  429: "rate_limit_error",
  503: "overloaded_error",
};

for (const client of dialects) {
  for (const backend of dialects) {
    describe(`a ${client} client over ${backend}`, () => {
      test("who leaves before a whole answer cancels the provider's call", async () => {
        await scene(backend, { ...say("never said"), gate: never }, async ({ gateway, upstream }) => {
          const abort = new AbortController();
          const asking = ask(gateway, client, false, abort.signal).catch(() => null);
          await upstream.until((seen) => seen.length === 1);
          abort.abort();
          await upstream.until((seen) => seen[0]!.aborted);
          await asking;
          await gateway.reported(1);
          expect(gateway.reports).toMatchObject([{ status: 499, aborted: true }]);
        });
      });

      test("what is compressed arrives readable, errors too", async () => {
        for (const reply of [{ ...say("packed"), pieces: 1 }, refuse(400, "packed")]) {
          for (const stream of [false, true]) {
            await scene(backend, { ...reply, gzip: true }, async ({ gateway }) => {
              const response = await ask(gateway, client, stream);
              expect(response.headers.get("content-encoding")).toBeNull();
              const length = response.headers.get("content-length");
              const text = await response.text();
              expect(text).toContain("packed");
              if (length !== null) expect(Number(length)).toBe(Buffer.byteLength(text));
            });
          }
        }
      });

      test("an error is in the client's words, with its status, the request's id and when to come back", async () => {
        for (const status of [400, 403, 429, 503]) {
          await scene(backend, refuse(status, `cause ${status}`, { "retry-after": "7" }), async ({ gateway }) => {
            for (const stream of [false, true]) {
              const response = await ask(gateway, client, stream);
              const { headers } = response;
              const body: unknown = await response.json();
              // The second request finds the key at rest.
              if (status === 429 && stream) return expect(response.status).toBe(429);
              expect({ status: response.status, body }).toEqual({
                status,
                body: errors[client](status, `cause ${status}`),
              });
              expect(headers.get("request-id")).toStartWith("req_");
              expect(headers.get("request-id")).toBe(headers.get("x-broke-request-id"));
              expect(headers.get("retry-after")).toBe("7");
              expect(JSON.stringify(body)).not.toMatch(/\.ts|node_modules| at /);
            }
          });
        }
      });

      test("the provider's key is nowhere: not in an answer, an error, a report or a URL", async () => {
        const headers = { "x-api-key": KEY, "set-cookie": `a=${KEY}`, "x-echo": KEY, "x-ratelimit-limit": "9" };
        const replies: Reply[] = [
          refuse(400, `your key ${KEY} is wrong`, headers),
          { kind: "raw", status: 500, body: `<html>Bearer ${KEY}</html>`, headers },
          { ...say("one two three"), pieces: 3, error: { after: 5, message: `lost ${KEY}` } },
          { kind: "raw", body: `{"unreadable":"${KEY}"}` },
        ];
        for (const reply of replies) {
          for (const stream of [false, true]) {
            await scene(backend, reply, async ({ gateway, upstream }) => {
              const response = await ask(gateway, client, stream);
              const told = [...response.headers].join("\n") + (await response.text());
              await gateway.reported(1);
              expect(told + JSON.stringify(gateway.reports)).not.toContain(KEY);
              const seen = upstream.asked();
              expect(seen.map(({ path, query }) => path + query).join("\n")).not.toContain(KEY);
              expect(seen.every(({ headers: sent }) => Object.values(sent).join("\n").includes(KEY))).toBe(true);
              expect(seen.map(({ headers: sent }) => Object.values(sent)).join("\n")).not.toContain(TOKEN);
            });
          }
        }
      });

      test("what frames the provider's bytes is not passed on as headers", async () => {
        const framing = {
          connection: "close",
          "keep-alive": "timeout=5",
          trailer: "x",
          te: "trailers",
          upgrade: "h2c",
        };
        for (const stream of [false, true]) {
          const reply: Reply = { ...say("unframed"), headers: framing };
          await scene(backend, reply, async ({ gateway, upstream }) => {
            const response = await ask(gateway, client, stream);
            await response.text();
            for (const name of ["keep-alive", "trailer", "te", "upgrade"]) {
              expect({ name, value: response.headers.get(name) }).toEqual({ name, value: null });
            }
            // Nor are the client's.
            expect(
              Object.keys(upstream.asked()[0]!.headers).filter((name) => /^(te|trailer|upgrade)$/.test(name)),
            ).toEqual([]);
          });
        }
      });
    });
  }
}

describe("Gemini's clients", () => {
  const body = question.gemini(false).body;
  const call = (url: string, path: string, headers: Record<string, string>) =>
    fetch(url + path, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });

  for (const backend of dialects) {
    test(`over ${backend}: the model in the URL, both kinds of stream, a count, the key in a header or the query`, async () => {
      await using upstream = await startUpstream(() => ({ ...say("one two"), pieces: 2 }));
      await using gateway = await startGateway([{ dialect: backend, url: upstream.url }]);
      const key = { "x-goog-api-key": TOKEN };
      for (const version of ["v1beta", "v1"]) {
        const at = `/${version}/models/sonnet`;
        const whole = (await (await call(gateway.url, `${at}:generateContent`, key)).json()) as object;
        expect(whole).toMatchObject({ candidates: [{ finishReason: "STOP" }] });
        const byQuery = await call(gateway.url, `${at}:generateContent?key=${TOKEN}`, {});
        expect(byQuery.status).toBe(200);
        const events = await call(gateway.url, `${at}:streamGenerateContent?alt=sse`, key);
        expect(events.headers.get("content-type")).toStartWith("text/event-stream");
        expect(await events.text()).toContain('"finishReason":"STOP"');
        const array = (await (await call(gateway.url, `${at}:streamGenerateContent`, key)).json()) as object[];
        expect(array.at(-1)).toMatchObject({ candidates: [{ finishReason: "STOP" }] });
        const count = await call(gateway.url, `${at}:countTokens`, key);
        expect(((await count.json()) as { totalTokens: number }).totalTokens).toBeGreaterThan(0);
      }
      expect(upstream.asked().every(({ model, query }) => model === "model-0" && !query.includes(TOKEN))).toBe(true);
    });
  }
});
