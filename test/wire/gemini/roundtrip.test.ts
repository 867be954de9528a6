// What canonical form and Gemini can both say survives the way there and back: requests, and answers whole and in pieces.

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { Json } from "#src/core/json.ts";
import type { Block, CanonicalRequest, HubEvent, Message } from "#src/wire/canonical.ts";
import { collectBlocks } from "#src/wire/collect.ts";
import { geminiInbound, geminiOutbound } from "#src/wire/gemini/codec.ts";
import { seal } from "#src/wire/seal.ts";
import { bytesOf, callFor, decodePieces, META, requestOf, SCOPE, singly } from "./cases.ts";

const ROUNDS = 200;
type Random = { below(limit: number): number; one<Value>(values: readonly Value[]): Value };

/** The same seed gives the same numbers. */
function makeRandom(seed: string): Random {
  let count = 0;
  const below = (limit: number) => createHash("sha256").update(`${seed}:${count++}`).digest().readUInt32BE(0) % limit;
  return { below, one: (values) => values[below(values.length)]! };
}

const TEXTS = ["hi", "naïve 👋", "line\nline", '{"a":"}"}', " blank around "];
const ARGS = ["{}", '{"path":"a.ts"}', '{"deep":{"list":[1,null,true,"x"]},"n":-1.5}'];
const TOOLS = ["read_file", "run-shell", "a_b"];

function assistantTurn(random: Random, number: number, path: string): Block[] {
  const blocks: Block[] = [];
  const thought = (): Block => ({ kind: "thinking", text: "", signature: `c2ln${random.below(99)}`, origin: "gemini" });
  const said = random.below(2);
  if (said === 1) blocks.push({ kind: "text", text: random.one(TEXTS) });
  const calls = said === 0 ? 1 + random.below(3) : random.below(3);
  for (let call = 0; call < calls; call++) {
    if (call === 0 && random.below(2) === 1) blocks.push(thought());
    const id = `call_${number}_${call}`;
    blocks.push({
      kind: "tool_call",
      id,
      name: random.one(TOOLS),
      argsRaw: random.one(ARGS),
      callKind: "function",
    });
  }
  if (calls === 0 && random.below(2) === 1) blocks.push(thought());
  if (blocks.length === 0) throw new Error(`nothing was said at ${path}`);
  return blocks;
}

/** A conversation in which every call is answered right behind the turn that called. */
function conversation(random: Random): Message[] {
  const messages: Message[] = [];
  const push = (role: Message["role"], blocks: Block[]) => {
    messages.push({ role, blocks, path: `contents[${messages.length}]` });
  };
  const rounds = 1 + random.below(4);
  const ask = () => {
    const image: Block = { kind: "image", source: { kind: "base64", mediaType: "image/png", data: "aGk=" } };
    push("user", [{ kind: "text", text: random.one(TEXTS) }, ...(random.below(3) === 0 ? [image] : [])]);
  };
  ask();
  for (let round = 0; round < rounds; round++) {
    const blocks = assistantTurn(random, round, `contents[${messages.length}]`);
    push("assistant", blocks);
    const results = blocks.flatMap((block): Block[] => {
      if (block.kind !== "tool_call") return [];
      const content: Block[] = [{ kind: "text", text: random.one(TEXTS) }];
      return [{ kind: "tool_result", callId: block.id, isError: random.below(4) === 0, content }];
    });
    if (results.length > 0) push("user", results);
    else ask();
  }
  return messages;
}

describe("a request survives", () => {
  for (let seed = 0; seed < ROUNDS; seed++) {
    test(`seed ${seed}`, () => {
      const random = makeRandom(String(seed));
      const maybe = <Value>(value: Value): Value | undefined => (random.below(2) === 0 ? value : undefined);
      const settings = {
        toolChoice: maybe(random.one([{ kind: "auto" }, { kind: "required" }, { kind: "none" }] as const)),
        maxTokens: maybe(1000),
        temperature: maybe(0.5),
        topP: maybe(0.9),
        topK: maybe(64),
        seed: maybe(7),
        presencePenalty: maybe(0.1),
        frequencyPenalty: maybe(-0.1),
        responseFormat: maybe({ kind: "json_schema", schema: { type: "object" } } as const),
        reasoning: maybe({ effort: random.one(["low", "medium", "high"]), show: true }),
      };
      const given = Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
      const request: CanonicalRequest = requestOf({
        dialect: "gemini",
        system: random.below(2) === 0 ? [{ kind: "text", text: "Be brief." }] : [],
        messages: conversation(random),
        tools: TOOLS.map((name) => ({ kind: "function", name, description: name, schema: { type: "object" } })),
        stopSequences: random.below(2) === 0 ? ["END"] : [],
        ...given,
      });
      const target = { model: "m", stream: false, scope: SCOPE, quirks: { reasoningEffort: true } };
      const call = geminiOutbound.encodeRequest(request, target);
      expect(call.losses).toEqual([]);
      const asked = { model: "asked-model", stream: false };
      const back = geminiInbound.decodeRequest(JSON.parse(JSON.stringify(call.body)) as Json, asked);
      expect(back).toEqual({ request, losses: [] });
    });
  }
});

/** An answer's blocks with everything Gemini can say of them. */
function answerBlocks(random: Random): Block[] {
  const signature = () => seal({ origin: "gemini", scope: SCOPE, kind: "signature", data: `c2ln${random.below(99)}` });
  const blocks: Block[] = [];
  if (random.below(2) === 0) {
    const proof = random.below(2) === 0 ? { signature: signature() } : {};
    blocks.push({ kind: "thinking", text: random.one(["hm", "so\n"]), ...proof, origin: "gemini" });
  }
  blocks.push({ kind: "text", text: random.one(TEXTS) });
  const calls = random.below(3);
  for (let call = 0; call < calls; call++) {
    if (call === 0) blocks.push({ kind: "thinking", text: "", signature: signature(), origin: "gemini" });
    const name = random.one(TOOLS);
    blocks.push({ kind: "tool_call", id: `call_${call}`, name, argsRaw: random.one(ARGS), callKind: "function" });
  }
  return blocks;
}

function eventsOf(blocks: readonly Block[], random: Random): HubEvent[] {
  return blocks.flatMap((block, index): HubEvent[] => {
    const key = `b${index}`;
    const halves = (text: string): HubEvent[] => {
      const at = random.below(text.length + 1);
      return [text.slice(0, at), text.slice(at)].map((half) => ({ kind: "delta", key, text: half }));
    };
    const end: HubEvent = { kind: "blockEnd", key };
    switch (block.kind) {
      case "text":
        return [{ kind: "blockStart", key, head: { kind: "text" } }, ...halves(block.text), end];
      case "thinking": {
        const { signature } = block;
        const proof: HubEvent[] = signature === undefined ? [] : [{ kind: "signature", key, signature }];
        const head = { kind: "thinking", origin: block.origin } as const;
        return [{ kind: "blockStart", key, head }, ...halves(block.text), ...proof, end];
      }
      case "tool_call": {
        const { argsRaw, ...head } = block;
        return [{ kind: "blockStart", key, head }, ...halves(argsRaw), end];
      }
      default:
        throw new Error("no block of an answer");
    }
  });
}

describe("an answer survives, whole and in pieces", () => {
  // A seal is what the client keeps; sealed again it would be another one.
  const unsealed = (blocks: Block[]): Block[] =>
    blocks.map((block) =>
      block.kind === "thinking" && block.signature !== undefined
        ? { ...block, signature: block.signature.replaceAll(`broke1.gemini.${SCOPE}.signature.`, "") }
        : block,
    );
  for (let seed = 0; seed < ROUNDS; seed++) {
    test(`seed ${seed}`, () => {
      const random = makeRandom(`answer ${seed}`);
      const blocks = answerBlocks(random);
      const stop = { kind: blocks.some(({ kind }) => kind === "tool_call") ? "tool_use" : "end" } as const;
      const usage = { inputTokens: 5, cacheReadTokens: 3, cacheWriteTokens: 0, outputTokens: 9, reasoningTokens: 4 };

      const whole = callFor().decodeResponse(geminiInbound.encodeResponse({ blocks, stop, usage }, META));
      expect({ ...whole, blocks: unsealed(whole.blocks) }).toEqual({ blocks: unsealed(blocks), stop, usage });

      const encoder = geminiInbound.encodeStream(META);
      const events: HubEvent[] = [...eventsOf(blocks, random), { kind: "usage", usage }, { kind: "stop", stop }];
      const bytes = bytesOf(events.map((event) => encoder.push(event)).join(""));
      const read = decodePieces(callFor({}, {}, true).decodeStream(), singly(bytes));
      expect(unsealed(collectBlocks(read, { wraps: true, stop: { kind: "end" } }))).toEqual(unsealed(blocks));
      expect(read.slice(-2)).toEqual(events.slice(-2));
    });
  }
});
