// The official SDKs as clients, against every outbound dialect: what they hear through the gateway is what the model said.

import { describe, expect, test } from "bun:test";
import { dialects } from "#src/core/dialects.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { type Options, type Sdk, sdks } from "#test/support/sdk.ts";
import { conversations, type Scene, scenes, type Stage, TEXT, THOUGHT } from "#test/support/suite.ts";
import { startUpstream, type Upstream } from "#test/support/upstream.ts";
import { type Reply, refuse, say, sequence, tool } from "#test/support/upstream/script.ts";

const RED_DOT =
  "iVBORw0KGgoAAAANSUhEUgAAAAUAAAAFCAYAAACNbyblAAAAHElEQVQI12P4//8/w38GIAXDIBKE0DHxgljNBAAO9TXL0Y4OHwAAAABJRU5ErkJggg==";
const never = new Promise<void>(() => {});

/** Whether a request, in whatever dialect, carries the picture as a picture. */
const hasPicture = (raw: Buffer) => raw.toString().includes(RED_DOT);

async function rejected(asking: Promise<unknown>): Promise<{ status?: number; message: string }> {
  return asking.then(
    () => ({ message: "it did not fail" }),
    (error: { status?: number; message: string }) => error,
  );
}

/** What the scripted upstream answers in each scene; the pieces are as awkward as a provider's can be. */
const replies: Record<Scene, (stream: boolean) => Reply[]> = {
  text: (stream) => [{ ...say(TEXT), tokens: { input: 50, cached: 10, output: 7 }, split: stream ? 3 : 64 }],
  limit: () => [{ ...say(scenes.limit.first), stop: "length" }],
  "one tool": () => [say(tool("weather", { city: "Bern" }, "call_bern")), say(scenes["one tool"].then)],
  "parallel tools": () => [
    {
      ...say(
        { kind: "thinking", text: THOUGHT, signature: "c2lnbmF0dXJl" },
        scenes["parallel tools"].first,
        tool("weather", { city: "Zürich" }, "call_a"),
        tool("weather", { city: "東京" }, "call_b"),
      ),
      interleave: true,
      pieces: 3,
    },
    say(scenes["parallel tools"].then),
  ],
};

type Actors = {
  upstream: Upstream;
  ask: ReturnType<Sdk["talk"]>;
  gateway: Awaited<ReturnType<typeof startGateway>>;
};

for (const sdk of sdks) {
  for (const dialect of dialects) {
    const scene = async (replies: Reply[], play: (actors: Actors) => Promise<void>) => {
      await using upstream = await startUpstream(sequence(...replies));
      await using gateway = await startGateway([{ dialect, url: upstream.url, keyEnv: "TEST_KEY" }], {
        TEST_KEY: "key-of-the-test",
      });
      await play({ upstream, gateway, ask: sdk.talk(gateway.url, TOKEN) });
    };

    const stage: Stage = {
      play: (name, { stream }, act) =>
        scene(replies[name](stream), async ({ ask, upstream }) => {
          await act({ ask, asked: upstream.asked });
          expect(upstream.asked().map((seen) => seen.dialect)).toEqual(replies[name](stream).map(() => dialect));
        }),
    };

    describe(`${sdk.name} over ${dialect}`, () => {
      conversations(sdk, stage);

      for (const stream of [false, true]) {
        const how = stream ? "streamed" : "whole";
        const options: Options = { stream };

        test(`a refusal, ${how}`, async () => {
          await scene([{ ...say("I will"), stop: "refusal" }], async ({ ask }) => {
            expect((await ask.say("hello", options)).stop).toBe(sdk.stops.refusal);
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
