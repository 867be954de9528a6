// What holds of any conversation and any stream: it survives being written in a dialect and read again, up to what that dialect cannot say.
// A dialect more is a row more in the table. A failing round names its seed; add it to SEEDS to keep it.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, HubEvent, Stop, Tool, Usage } from "#src/wire/canonical.ts";
import { chatInbound, chatOutbound } from "#src/wire/chat/codec.ts";
import { customSchema, wrapInput } from "#src/wire/custom.ts";
import type { InboundCodec, OutboundCodec } from "#src/wire/dialect.ts";
import { messagesInbound, messagesOutbound } from "#src/wire/messages/codec.ts";
import { geminiInbound, geminiOutbound } from "#src/wire/gemini/codec.ts";
import { makeToolNames } from "#src/wire/names.ts";
import { defaultQuirks, type Quirks } from "#src/core/quirks.ts";
import { responsesInbound, responsesOutbound } from "#src/wire/responses/codec.ts";
import { answer, conversation, makeRandom, pieces } from "./arbitrary.ts";
import { bytesOf, callTo, canonical, decodePieces, META, SCOPE } from "./cases.ts";
import { type Answered, type Fact, factsOf, inOrder, type Thought } from "./facts.ts";

type Lane = {
  name: string;
  inbound: InboundCodec;
  outbound: OutboundCodec;
  quirks: Partial<Quirks>;
  /** Whether a thought goes there, and comes back; `wordless`: as what proves it alone. */
  keeps(thought: Thought): boolean;
  wordless?: true;
  /** How an answered call is told, and what has to stand behind all the answers of a turn. `shown` counts their pictures so far. */
  answered(fact: Answered, shown: number): { fact: Answered; behind: Fact[] };
  /** The role of a system message behind the first. */
  laterRole(role: string): string;
  /** Whether tools of free text are what they are. */
  free: boolean;
  /** Whether arguments are written anew, the same in meaning. */
  rewrites: boolean;
  stop(stop: Stop): Stop;
  /** Whether what a cache took in is counted for itself. */
  countsWrites: boolean;
};

const says = (text: string): Fact => ({ says: "user", text });
const mintedBy = (dialect: string) => (thought: Thought) => thought.by === `${dialect} ${SCOPE}`;

const lanes: Lane[] = [
  {
    name: "Chat",
    inbound: chatInbound,
    outbound: chatOutbound,
    quirks: { customTools: true, reasoningContent: true },
    keeps: ({ proof }) => proof === null,
    answered(fact, shown) {
      const places = fact.shows.map((_, at) => `[image ${shown + at + 1}: shown in the message after the results]`);
      const lines = [...(fact.text === "" ? [] : [fact.text]), ...places];
      const text = `${fact.failed ? "[tool error] " : ""}${lines.join("\n")}`;
      const behind = fact.shows.flatMap((shows, at) => [
        says(`Image ${shown + at + 1} of the results above:`),
        { shows },
      ]);
      return { fact: { ...fact, text, failed: false, shows: [] }, behind };
    },
    laterRole: () => "system",
    free: true,
    rewrites: false,
    countsWrites: true,
    stop(stop) {
      if (stop.kind === "stop_sequence") return { kind: "end" };
      return stop.kind === "context_window" ? { kind: "max_tokens" } : stop;
    },
  },
  {
    name: "Messages",
    inbound: messagesInbound,
    outbound: messagesOutbound,
    quirks: {},
    keeps: mintedBy("anthropic"),
    answered(fact) {
      if (!fact.failed) return { fact, behind: [] };
      const text = fact.text.trim() === "" ? "The call failed." : fact.text;
      return { fact: { ...fact, text, shows: [] }, behind: fact.shows.map((shows) => ({ shows })) };
    },
    laterRole: () => "user",
    free: false,
    rewrites: true,
    countsWrites: true,
    stop: (stop) => stop,
  },
  {
    name: "Responses",
    inbound: responsesInbound,
    outbound: responsesOutbound,
    quirks: { customTools: true },
    keeps: mintedBy("openai-responses"),
    answered(fact) {
      const mark = fact.shows.length === 0 || fact.text === "" ? "[tool error] " : "[tool error]\n";
      const text = fact.failed
        ? `${fact.shows.length > 0 && fact.text === "" ? "[tool error]" : mark + fact.text}`
        : fact.text;
      return { fact: { ...fact, failed: false, text }, behind: [] };
    },
    laterRole: (role) => role,
    free: true,
    rewrites: false,
    countsWrites: true,
    stop(stop) {
      if (stop.kind === "stop_sequence") return { kind: "end" };
      return stop.kind === "context_window" ? { kind: "max_tokens" } : stop;
    },
  },
  {
    name: "Gemini",
    inbound: geminiInbound,
    outbound: geminiOutbound,
    quirks: {},
    keeps: mintedBy("gemini"),
    wordless: true,
    answered(fact, shown) {
      const places = fact.shows.map((_, at) => `[file ${shown + at + 1}: shown after the results]`);
      const text = [...(fact.text === "" ? [] : [fact.text]), ...places].join("\n");
      const behind = fact.shows.flatMap((shows, at) => [
        says(`File ${shown + at + 1} of the results above:`),
        { shows },
      ]);
      return { fact: { ...fact, text, shows: [] }, behind };
    },
    laterRole: () => "user",
    free: false,
    rewrites: true,
    countsWrites: false,
    stop(stop) {
      if (stop.kind === "stop_sequence") return { kind: "end" };
      return stop.kind === "context_window" ? { kind: "max_tokens" } : stop;
    },
  },
];

const SEEDS: number[] = [];
const START = 20_261_126;
const seeds = (count: number) => [...SEEDS, ...Array.from({ length: count }, (_, at) => START + at)];

/** The request as the lane's dialect can say it. */
function expectedFacts(request: CanonicalRequest, lane: Lane): Fact[] {
  const names = makeToolNames(request.tools, defaultQuirks.maxToolNameLength);
  const facts = factsOf(request, (call) => names.out(call.name, call.namespace));
  const system = request.system.length;
  const told = facts.flatMap((fact, at): Fact[] => {
    if ("thinks" in fact)
      return lane.keeps(fact) ? [{ ...fact, ...(lane.wordless ? { thinks: "" } : {}), by: "" }] : [];
    if ("calls" in fact) {
      if (fact.free) return [lane.free ? fact : { ...fact, args: wrapInput(fact.args), free: false }];
      const args = fact.args === "" ? "{}" : fact.args;
      return [{ ...fact, args: lane.rewrites ? JSON.stringify(JSON.parse(args)) : args }];
    }
    const later = "says" in fact && at >= system && (fact.says === "system" || fact.says === "developer");
    return [later ? { ...fact, says: lane.laterRole(fact.says) } : fact];
  });
  let shown = 0;
  let behind: Fact[] = [];
  const out: Fact[] = [];
  for (const fact of inOrder(told)) {
    if ("answers" in fact) {
      const one = lane.answered(fact, shown);
      out.push(one.fact);
      behind.push(...one.behind);
      shown += fact.shows.length;
      continue;
    }
    out.push(...behind, fact);
    behind = [];
    shown = 0;
  }
  return inOrder([...out, ...behind]);
}

function expectedTool(tool: Tool, lane: Lane, nameOf: (name: string, namespace?: string) => string): Json {
  if (tool.kind === "server") return tool.raw;
  const name = nameOf(tool.name, tool.namespace);
  const described = tool.description === undefined ? {} : { description: tool.description };
  if (tool.kind === "custom" && lane.free) return { kind: "custom", name, ...described, format: tool.format ?? null };
  return { kind: "function", name, ...described, schema: tool.kind === "custom" ? customSchema(tool) : tool.schema };
}

describe("a conversation survives being written and read", () => {
  for (const lane of lanes) {
    test(lane.name, () => {
      for (const seed of seeds(300)) {
        const request = conversation(makeRandom(seed));
        const body = JSON.parse(JSON.stringify(callTo(lane.outbound, request, lane.quirks).body)) as Json;
        const { request: read } = lane.inbound.decodeRequest(body, { model: "m", stream: false });
        const facts = inOrder(factsOf(read, ({ name }) => name)).map((fact) =>
          "thinks" in fact ? { ...fact, by: "" } : fact,
        );
        expect({ seed, facts }).toEqual({ seed, facts: expectedFacts(request, lane) });
        const names = makeToolNames(request.tools, defaultQuirks.maxToolNameLength);
        const tools = read.tools.map((tool) => {
          const { strict: _, cache: __, ...rest } = tool as Tool & { strict?: boolean; cache?: object };
          return rest as Json;
        });
        expect({ seed, tools }).toEqual({
          seed,
          tools: request.tools.map((tool) => expectedTool(tool, lane, names.out)),
        });
        for (const tool of request.tools) {
          if (tool.kind === "server") continue;
          const { name, namespace, callKind } = names.back(names.out(tool.name, tool.namespace));
          expect({ seed, name, namespace, callKind }).toEqual({
            seed,
            name: tool.name,
            namespace: tool.kind === "function" ? tool.namespace : undefined,
            callKind: tool.kind,
          });
        }
        const { temperature, maxTokens } = read;
        const limits = lane.outbound === messagesOutbound ? defaultQuirks.defaultMaxTokens : undefined;
        expect({ seed, temperature, maxTokens }).toEqual({
          seed,
          temperature: request.temperature,
          maxTokens: request.maxTokens ?? limits,
        });
      }
    });
  }
});

type View = { text: string; thinking: string; calls: Json[]; stop: Json; usage: Json };

/** What an answer says, however it is cut into blocks. */
function viewOf(events: readonly HubEvent[]): View {
  const blocks = new Map<string, { kind: string; text: string; id?: string; name?: string }>();
  let stop: Json = null;
  let usage: Json = null;
  for (const event of events) {
    if (event.kind === "blockStart") blocks.set(event.key, { ...event.head, text: "" });
    if (event.kind === "delta") blocks.get(event.key)!.text += event.text;
    if (event.kind === "stop") stop = event.stop as Json;
    if (event.kind === "usage") usage = event.usage as Json;
  }
  const all = [...blocks.values()];
  const joined = (kind: string) => all.flatMap((block) => (block.kind === kind ? [block.text] : [])).join("");
  const calls = all.flatMap(({ kind, id, name, text }): Json[] =>
    kind === "tool_call" ? [{ id: id!, name: name!, text }] : [],
  );
  return { text: joined("text"), thinking: joined("thinking"), calls, stop, usage };
}

/** What a cost is where nobody counts what a cache took in. */
function joined(usage: Json): Json {
  const { inputTokens, cacheWriteTokens, ...rest } = usage as Usage;
  return { ...rest, inputTokens: inputTokens + cacheWriteTokens, cacheWriteTokens: 0 };
}

/** Blocks that overlap may be told in another order, and without the white space between them. */
function letters(view: View): View {
  const sorted = (text: string) => [...text.replace(/\s/g, "")].sort().join("");
  return { ...view, text: sorted(view.text), thinking: sorted(view.thinking) };
}

describe("a stream survives being written and read", () => {
  const survives = (lane: Lane, overlap: boolean, seed: number) => {
    const random = makeRandom(seed);
    const decoder = () => callTo(lane.outbound, {}, {}, true).decodeStream();
    const view = (events: HubEvent[]) => (overlap ? letters(viewOf(events)) : viewOf(events));
    const events = answer(random, overlap);
    const encoder = lane.inbound.encodeStream({
      ...META,
      request: canonical({ streamUsage: true, reasoning: { show: true } }),
    });
    const bytes = bytesOf(events.map((event) => encoder.push(event)).join(""));
    const read = decodePieces(decoder(), pieces(random, bytes));
    const last = events.at(-1) as HubEvent & { kind: "stop" };
    const given = view(events);
    const told = {
      ...given,
      stop: lane.stop(last.stop) as Json,
      usage: lane.countsWrites ? given.usage : joined(given.usage),
    };
    expect({ seed, view: view(read) }).toEqual({ seed, view: told });
    // Cut anywhere it fails, or nothing is missing but what it cost.
    const cut = decodePieces(decoder(), pieces(random, bytes.subarray(0, random.below(bytes.length))));
    const ends = cut.filter(({ kind }) => kind === "stop" || kind === "error");
    expect({ seed, ends: ends.length, end: cut.at(-1) === ends[0] }).toEqual({ seed, ends: 1, end: true });
    if (ends[0]?.kind !== "stop") return;
    expect({ seed, view: { ...viewOf(cut), usage: null } }).toEqual({ seed, view: { ...viewOf(read), usage: null } });
  };
  for (const lane of lanes) {
    test(lane.name, () => {
      for (const seed of seeds(200)) survives(lane, false, seed);
    });
    test(`${lane.name}, with blocks that overlap`, () => {
      for (const seed of seeds(200)) survives(lane, true, seed);
    });
  }
});
