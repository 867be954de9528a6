// Random conversations and streams for the property tests: the same seed, the same thing.

import type {
  Block,
  CanonicalRequest,
  HubEvent,
  Message,
  Stop,
  Tool,
  ToolCallBlock,
  Usage,
} from "#src/wire/canonical.ts";
import { canonical, SCOPE } from "./cases.ts";

export type Random = {
  /** A whole number from 0 to below `limit`. */
  below(limit: number): number;
  chance(percent: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** From 0 to `most` things. */
  some<Item>(most: number, make: (at: number) => Item): Item[];
  shuffle<Item>(items: readonly Item[]): Item[];
};

/** Numbers from a seed (mulberry32). */
export function makeRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return {
    below,
    chance: (percent) => below(100) < percent,
    pick: (items) => items[below(items.length)]!,
    some: (most, make) => Array.from({ length: below(most + 1) }, (_, at) => make(at)),
    shuffle(items) {
      const out = [...items];
      for (let at = out.length - 1; at > 0; at--) {
        const other = below(at + 1);
        [out[at], out[other]] = [out[other]!, out[at]!];
      }
      return out;
    },
  };
}

const WORDS = [
  "hi",
  "äöü 👋",
  "one\ntwo",
  ' "quoted" \\ ',
  "{}[],:",
  "<x>\u2028</x>",
  "data: [DONE]",
  "z".repeat(60),
  "0",
];
const IDS = ["call_0", "call_1", "toolu_01A-b", "functions.Bash:0", "i".repeat(70), "ä"];
const NAMES = ["Read", "Bash", "a.b", "a:b", `mcp__server__${"n".repeat(70)}`, "read_file"];

const text = (random: Random) => ({ kind: "text", text: random.pick(WORDS) }) as const;

function image(random: Random): Block {
  if (random.chance(30))
    return { kind: "image", source: { kind: "url", url: `https://example.test/${random.below(9)}.png` } };
  return { kind: "image", source: { kind: "base64", mediaType: "image/png", data: `AAA${random.below(9)}` } };
}

function tools(random: Random): Tool[] {
  const schema = { type: "object", properties: { path: { type: "string" } } };
  const functions = random.shuffle(NAMES).slice(0, 1 + random.below(NAMES.length));
  return [
    ...functions.map((name): Tool => ({
      kind: "function",
      name,
      schema,
      ...(random.chance(50) ? { description: random.pick(WORDS) } : {}),
      ...(random.chance(30) ? { namespace: "files" } : {}),
    })),
    { kind: "custom", name: "apply_patch", format: { type: "grammar", syntax: "lark", definition: "start: x" } },
  ];
}

function call(random: Random, known: readonly Tool[]): ToolCallBlock {
  const id = random.pick(IDS);
  const tool = random.pick(known);
  if (tool.kind === "custom" || tool.kind === "server") {
    return { kind: "tool_call", id, name: tool.name, argsRaw: random.pick(WORDS), callKind: "custom" };
  }
  const args = Object.fromEntries(
    random.some(3, (at) => [`${random.pick(WORDS)}${at}`, random.pick([1, null, "x", [{}], { b: 1, a: 2 }])]),
  );
  const argsRaw = random.chance(10) ? "" : JSON.stringify(args, null, random.chance(30) ? 1 : 0);
  const name = random.chance(10)
    ? { name: "forgotten" }
    : { name: tool.name, ...(tool.namespace === undefined ? {} : { namespace: tool.namespace }) };
  return { kind: "tool_call", id, ...name, argsRaw, callKind: "function" };
}

/** At most one thought that nobody signed, since some dialects join those of a turn. */
function thoughts(random: Random): Block[] {
  const signature = { anthropic: "c2ln", "openai-responses": "rs_1:gAAA", gemini: "Zw==" } as const;
  const signed = random.some(2, (): Block => {
    const origin = random.pick(["anthropic", "openai-responses", "gemini"] as const);
    const scope = random.chance(70) ? SCOPE : "ffffffffffffffff";
    if (origin === "anthropic" && random.chance(30))
      return { kind: "thinking", text: "", redacted: "eA==", origin, scope };
    return { kind: "thinking", text: random.pick(WORDS), signature: signature[origin], origin, scope };
  });
  return random.chance(30) ? [{ kind: "thinking", text: random.pick(WORDS), origin: null }, ...signed] : signed;
}

/** A conversation that begins and ends with a user; every call is answered, not always at once. */
export function conversation(random: Random): CanonicalRequest {
  const known = tools(random);
  const messages: Message[] = [];
  const say = (role: Message["role"], blocks: Block[]) => {
    messages.push({ role, blocks, path: `messages[${messages.length}]` });
  };
  const words = () => [text(random), ...random.some(2, () => (random.chance(50) ? text(random) : image(random)))];
  say("user", words());
  for (let turn = random.below(5); turn > 0; turn--) {
    const calls = random.some(3, () => call(random, known));
    const said = calls.length === 0 || random.chance(50) ? [text(random)] : [];
    say("assistant", [...thoughts(random), ...said, ...calls]);
    const results = random.shuffle(calls).map(({ id }): Block => {
      const content = [...(random.chance(80) ? [text(random)] : []), ...(random.chance(30) ? [image(random)] : [])];
      return { kind: "tool_result", callId: id, isError: random.chance(20), content };
    });
    // Two calls with one id can only be told apart by the order of their results.
    const ordered = new Set(calls.map(({ id }) => id)).size < calls.length ? results.toSorted(byCall(calls)) : results;
    const first = random.chance(30) ? random.below(ordered.length + 1) : ordered.length;
    if (first > 0) say("user", ordered.slice(0, first));
    if (first < ordered.length) say("user", [...ordered.slice(first), ...(random.chance(50) ? [text(random)] : [])]);
    if (random.chance(20)) say(random.pick(["system", "developer"]), [text(random)]);
    if (calls.length === 0 || random.chance(50)) say("user", words());
  }
  if (messages.at(-1)?.role === "assistant") say("user", words());
  return canonical({
    system: random.some(2, () => text(random)),
    messages,
    tools: known,
    ...(random.chance(50) ? { maxTokens: 16 + random.below(1000) } : {}),
    ...(random.chance(50) ? { temperature: random.below(11) / 10 } : {}),
  });
}

function byCall(calls: readonly ToolCallBlock[]): (a: Block, b: Block) => number {
  const at = (block: Block) => (block.kind === "tool_result" ? calls.findIndex(({ id }) => id === block.callId) : 0);
  return (a, b) => at(a) - at(b);
}

/** The events of one answer, its blocks in pieces of any size. */
export function answer(random: Random, overlap: boolean): HubEvent[] {
  const stop: Stop = random.pick([
    { kind: "end" },
    { kind: "max_tokens" },
    { kind: "refusal" },
    { kind: "stop_sequence", sequence: "END" },
    { kind: "context_window" },
    { kind: "tool_use" },
  ]);
  const callsToo = stop.kind === "tool_use";
  const blocks = Array.from({ length: 1 + random.below(4) }, (_, at): { key: string; events: HubEvent[] } => {
    const key = `k${at}`;
    const kind =
      callsToo && at === 0
        ? "tool_call"
        : random.pick(callsToo ? (["text", "thinking", "tool_call"] as const) : (["text", "thinking"] as const));
    const whole =
      kind === "tool_call"
        ? JSON.stringify({ [random.pick(WORDS)]: random.pick(WORDS) })
        : `${random.pick(["a", "ä👋"])}${random.pick(WORDS)}`;
    const head: Extract<HubEvent, { kind: "blockStart" }>["head"] =
      kind === "tool_call"
        ? { kind, id: `call_${at}`, name: random.pick(["Read", "Bash"]), callKind: "function" }
        : kind === "text"
          ? { kind }
          : { kind, origin: null };
    const letters = [...whole];
    const deltas: HubEvent[] = [];
    while (letters.length > 0) {
      deltas.push({ kind: "delta", key, text: letters.splice(0, 1 + random.below(7)).join("") });
    }
    return { key, events: [{ kind: "blockStart", key, head }, ...deltas, { kind: "blockEnd", key }] };
  });
  const out: HubEvent[] = [{ kind: "start" }];
  while (blocks.length > 0) {
    const at = overlap ? random.below(blocks.length) : 0;
    out.push(blocks[at]!.events.shift()!);
    if (blocks[at]!.events.length === 0) blocks.splice(at, 1);
  }
  const usage: Usage = {
    inputTokens: random.below(1000),
    cacheReadTokens: random.below(1000),
    cacheWriteTokens: random.below(1000),
    outputTokens: 1 + random.below(1000),
    reasoningTokens: 0,
  };
  return [...out, { kind: "usage", usage }, { kind: "stop", stop }];
}

/** The bytes in pieces of any size. */
export function pieces(random: Random, bytes: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  for (let from = 0; from < bytes.length;) {
    const size = 1 + random.below(random.pick([2, 20, 200]));
    out.push(bytes.subarray(from, from + size));
    from += size;
  }
  return out;
}
