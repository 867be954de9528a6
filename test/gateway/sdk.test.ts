// The official SDKs as clients, against every outbound dialect: what they hear through the gateway is what the model said.

import { describe, expect, test } from "bun:test";
import { dialects } from "#src/core/dialects.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { type Options, type Sdk, sdks } from "#test/support/sdk.ts";
import { startUpstream, type Upstream } from "#test/support/upstream.ts";
import { type Reply, refuse, say, sequence, tool } from "#test/support/upstream/script.ts";

const RED_DOT =
  "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==";
const TEXT = "Grüße, 世界 👋 and a good day";
const never = new Promise<void>(() => {});

/** Whether a request, in whatever dialect, carries the picture as a picture. */
const hasPicture = (raw: Buffer) => raw.toString().includes(RED_DOT);

async function rejected(asking: Promise<unknown>): Promise<{ status?: number; message: string }> {
  return asking.then(
    () => ({ message: "it did not fail" }),
    (error: { status?: number; message: string }) => error,
  );
}

type Scene = {
  sdk: Sdk;
  upstream: Upstream;
  ask: ReturnType<Sdk["talk"]>;
  gateway: Awaited<ReturnType<typeof startGateway>>;
};

for (const sdk of sdks) {
  for (const dialect of dialects) {
    const scene = async (replies: Reply[], play: (scene: Scene) => Promise<void>) => {
      await using upstream = await startUpstream(sequence(...replies));
      await using gateway = await startGateway([{ dialect, url: upstream.url, keyEnv: "TEST_KEY" }], {
        TEST_KEY: "key-of-the-test",
      });
      await play({ sdk, upstream, gateway, ask: sdk.talk(gateway.url, TOKEN) });
    };

    describe(`${sdk.name} over ${dialect}`, () => {
      for (const stream of [false, true]) {
        const how = stream ? "streamed" : "whole";
        const options: Options = { stream };

        test(`text, ${how}`, async () => {
          await scene(
            [{ ...say(TEXT), tokens: { input: 50, cached: 10, output: 7 }, split: stream ? 3 : 64 }],
            async (it) => {
              expect(await it.ask.say("hello", options)).toEqual({
                text: TEXT,
                thinking: "",
                calls: [],
                stop: sdk.stops.end,
                tokens: { input: 50, output: 7 },
              });
              expect(it.upstream.asked().map((seen) => [seen.dialect, seen.model, seen.stream])).toEqual([
                [dialect, "model-0", stream],
              ]);
            },
          );
        });

        test(`the limit and a refusal, ${how}`, async () => {
          await scene(
            [
              { ...say("not all of"), stop: "length" },
              { ...say("I will"), stop: "refusal" },
            ],
            async ({ ask }) => {
              expect((await ask.say("hello", options)).stop).toBe(sdk.stops.limit);
              expect((await ask.say("hello", options)).stop).toBe(sdk.stops.refusal);
            },
          );
        });

        test(`parallel tools, their results on the way back, and thinking, ${how}`, async () => {
          const first: Reply = {
            ...say(
              { kind: "thinking", text: "Two cities, two calls.", signature: "c2lnbmF0dXJl" },
              "Looking.",
              tool("weather", { city: "Zürich" }, "call_a"),
              tool("weather", { city: "東京" }, "call_b"),
            ),
            interleave: true,
            pieces: 3,
          };
          await scene([first, say("Warm in both.")], async ({ ask, upstream }) => {
            const asked: Options = { ...options, tools: true, thinking: true };
            const heard = await ask.say("the weather?", asked);
            expect<unknown>({ ...heard, calls: heard.calls.map(({ name, args }) => [name, args]) }).toEqual({
              text: "Looking.",
              thinking: "Two cities, two calls.",
              calls: [
                ["weather", { city: "Zürich" }],
                ["weather", { city: "東京" }],
              ],
              stop: sdk.stops.tools,
              tokens: { input: 100, output: 20 },
            });
            const [zurich, tokyo] = heard.calls;
            expect(zurich!.id).not.toBe(tokyo!.id);
            // The other way round than they were asked for.
            const back = await ask.answer(
              [
                { call: tokyo!, text: "hot" },
                { call: zurich!, text: "mild" },
              ],
              asked,
            );
            expect({ text: back.text, stop: back.stop }).toEqual({ text: "Warm in both.", stop: sdk.stops.end });
            const { history, tools } = upstream.asked()[1]!;
            const calls = history.flatMap((turn) => turn.calls);
            const results = history.flatMap((turn) => turn.results);
            expect(tools).toEqual(["weather"]);
            expect(calls.map(({ name, args }) => [name, JSON.parse(args)])).toEqual([
              ["weather", { city: "Zürich" }],
              ["weather", { city: "東京" }],
            ]);
            const resultOf = (id: string | undefined) => results.find((result) => result.id === id)?.text;
            expect(
              [resultOf(calls[0]?.id), resultOf(calls[1]?.id)].map((text) => /mild|hot/.exec(text ?? "")?.[0]),
            ).toEqual(["mild", "hot"]);
            expect(results).toHaveLength(2);
          });
        });

        test(`a picture, ${how}`, async () => {
          await scene([say("A red dot.")], async ({ ask, upstream }) => {
            expect((await ask.say("what is this?", options, RED_DOT)).text).toBe("A red dot.");
            expect(hasPicture(upstream.asked()[0]!.raw)).toBe(true);
          });
        });

        test(`errors as the SDK's own, with status and cause, ${how}`, async () => {
          for (const status of [400, 401, 403, 404, 429, 500, 503]) {
            await scene([refuse(status, `cause ${status}`), refuse(status, `cause ${status}`)], async ({ ask }) => {
              const error = await rejected(ask.say("hello", options));
              expect({ status: error.status, told: error.message.includes(`cause ${status}`) }).toEqual({
                status,
                told: true,
              });
            });
          }
        });
      }

      test("a stream comes piece by piece, and giving it up cancels the provider's", async () => {
        await scene(
          [{ ...say("one two three four five six"), pieces: 6, pause: { after: 6, until: never } }],
          async (it) => {
            const abort = new AbortController();
            const texts: string[] = [];
            const onText = (text: string) => {
              texts.push(text);
              abort.abort();
            };
            await rejected(it.ask.say("hello", { stream: true, signal: abort.signal, onText }));
            expect(texts[0]).toStartWith("one");
            await it.upstream.until((seen) => seen.some(({ aborted }) => aborted));
            await it.gateway.reported(1);
            expect(it.gateway.reports).toMatchObject([{ status: 499, aborted: true }]);
          },
        );
      });

      test("a stream that is cut is an error, whatever was heard before", async () => {
        const rest = Promise.withResolvers<void>();
        const cut: Reply = {
          ...say("one two three four five six"),
          pieces: 6,
          pause: { after: 5, until: rest.promise },
          cut: { frames: 6 },
        };
        await scene([cut], async ({ ask, gateway }) => {
          const error = await rejected(ask.say("hello", { stream: true, onText: () => rest.resolve() }));
          expect(error.message).not.toBe("it did not fail");
          await gateway.reported(1);
          expect(gateway.reports).toMatchObject([{ status: 502, aborted: false }]);
        });
      });
    });
  }
}
