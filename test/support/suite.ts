// The conversations every official SDK must have through the gateway, whoever plays the model behind it. A stage brings the model and makes it say
// what a scene asks for; what is heard, and what the model is told in return, is checked here.

import { expect, test } from "bun:test";
import type { Options, Said, Sdk, Talk } from "./sdk.ts";
import type { Asked } from "./upstream/script.ts";

export const TEXT = "Grüße, 世界 👋 and a good day";
export const THOUGHT = "Two cities, two calls.";

/** Each scene's first words, and what the model must answer: a first and, after the results of its tools, a second time. */
export const scenes = {
  text: { words: "Say hello.", first: TEXT, then: "" },
  limit: { words: "Say too much.", first: "not all of", then: "" },
  "one tool": { words: "How is Bern?", first: "", then: "Rain in Bern." },
  "parallel tools": { words: "How are both cities?", first: "Looking.", then: "Warm in both." },
} as const;
export type Scene = keyof typeof scenes;

/** `asked`: what the model understood, in order. */
export type Play = { ask: Talk; asked(): Asked[] };

export type Stage = {
  /** Plays one scene in front of a gateway of its own. */
  play(scene: Scene, options: Options, act: (play: Play) => Promise<void>): Promise<void>;
  /** Where the model itself ends in other words than its dialect's. */
  stops?: Partial<Sdk["stops"]>;
  /** The model overlooks the results' ids and takes them in the order they came in. */
  pairsByPlace?: boolean;
};

const called = ({ calls }: Said) => calls.map(({ name, args }) => [name, args]);
const toldOf = (asked: Asked) => ({
  calls: asked.history.flatMap(({ calls }) => calls),
  results: asked.history.flatMap(({ results }) => results),
});

/** The tests of one SDK on one stage. */
export function conversations(sdk: Sdk, stage: Stage): void {
  const stops = { ...sdk.stops, ...stage.stops };
  for (const stream of [false, true]) {
    const how = stream ? "streamed" : "whole";

    test(`text, ${how}`, async () => {
      await stage.play("text", { stream }, async ({ ask, asked }) => {
        expect(await ask.say(scenes.text.words, { stream })).toEqual({
          text: TEXT,
          thinking: "",
          calls: [],
          stop: stops.end,
          tokens: { input: 50, output: 7 },
        });
        expect(asked().map(({ model, stream: streamed }) => [model, streamed])).toEqual([["model-0", stream]]);
      });
    });

    test(`an answer that reached the limit, ${how}`, async () => {
      await stage.play("limit", { stream }, async ({ ask }) => {
        const { text, stop } = await ask.say(scenes.limit.words, { stream });
        expect({ text, stop }).toEqual({ text: scenes.limit.first, stop: stops.limit });
      });
    });

    test(`one tool and its result, ${how}`, async () => {
      const options: Options = { stream, tools: true };
      await stage.play("one tool", options, async ({ ask, asked }) => {
        const heard = await ask.say(scenes["one tool"].words, options);
        expect<unknown>([heard.text, called(heard), heard.stop]).toEqual([
          "",
          [["weather", { city: "Bern" }]],
          stops.tools,
        ]);
        const back = await ask.answer([{ call: heard.calls[0]!, text: "rain" }], options);
        expect([back.text, back.stop]).toEqual([scenes["one tool"].then, stops.end]);
        const { calls, results } = toldOf(asked()[1]!);
        expect(calls.map(({ name, args }) => [name, JSON.parse(args)])).toEqual([["weather", { city: "Bern" }]]);
        expect(results.map(({ id, text }) => [id === calls[0]!.id, text.includes("rain")])).toEqual([[true, true]]);
      });
    });

    test(`parallel tools, their results on the way back, and thinking, ${how}`, async () => {
      const options: Options = { stream, tools: true, thinking: true };
      await stage.play("parallel tools", options, async ({ ask, asked }) => {
        const heard = await ask.say(scenes["parallel tools"].words, options);
        expect<unknown>({ ...heard, calls: called(heard) }).toEqual({
          text: scenes["parallel tools"].first,
          thinking: THOUGHT,
          calls: [
            ["weather", { city: "Zürich" }],
            ["weather", { city: "東京" }],
          ],
          stop: stops.tools,
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
          options,
        );
        expect([back.text, back.stop]).toEqual([scenes["parallel tools"].then, stops.end]);
        const second = asked()[1]!;
        const { calls, results } = toldOf(second);
        expect(second.tools).toEqual(["weather"]);
        expect(calls.map(({ name, args }) => [name, JSON.parse(args)])).toEqual([
          ["weather", { city: "Zürich" }],
          ["weather", { city: "東京" }],
        ]);
        const resultOf = (id: string) => results.find((result) => result.id === id)?.text ?? "";
        expect(calls.map(({ id }) => /mild|hot/.exec(resultOf(id))?.[0])).toEqual(
          stage.pairsByPlace ? ["hot", "mild"] : ["mild", "hot"],
        );
        expect(results).toHaveLength(2);
      });
    });
  }
}
