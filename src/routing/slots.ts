// Slots: the stable names a client asks for. A slot's own id always names it; the names real clients send are matched by its aliases.
// Two slots that share a backend stay two slots, because the match is on what was asked and never on what answers.

import type { OwnSlot, Routing } from "./generation.ts";

export type SlotClient = "claude" | "codex" | "gemini";

/** `client` null: nobody's in particular. `aliases` are of the built-in ones; the operator's are matched as they stand. */
export type Slot = { id: string; client: SlotClient | null; title: string; aliases: RegExp[] };

const table: Slot[] = [
  { id: "sonnet", client: "claude", title: "Claude main model", aliases: [/^claude-.*sonnet/] },
  { id: "opus", client: "claude", title: "Claude strong model", aliases: [/^claude-.*opus/, /^claude-.*fable/] },
  { id: "haiku", client: "claude", title: "Claude small model", aliases: [/^claude-.*haiku/] },
  { id: "custom", client: "claude", title: "Claude extra picker entry", aliases: [/^claude-.*custom/] },
  { id: "subagent", client: "claude", title: "Claude subagents", aliases: [/^claude-.*subagent/] },
  {
    id: "gpt54",
    client: "codex",
    title: "GPT-5.4",
    aliases: [/^gpt-5\.4$/, /^gpt-5\.[5-9](?!.*mini)/, /^gpt-([6-9]|daybreak)(?!.*mini)/],
  },
  {
    id: "gpt54mini",
    client: "codex",
    title: "GPT-5.4 mini",
    aliases: [/^gpt-5\.4-mini$/, /^gpt-(5\.[5-9]|[6-9]).*mini/, /^codex-auto-review$/],
  },
  { id: "gpt53codex", client: "codex", title: "GPT-5.3 Codex", aliases: [/^gpt-5\.3-codex$/] },
  { id: "gpt52codex", client: "codex", title: "GPT-5.2 Codex", aliases: [/^gpt-5\.2-codex$/] },
  { id: "gpt52", client: "codex", title: "GPT-5.2", aliases: [/^gpt-5\.2$/] },
  { id: "gpt51codexmax", client: "codex", title: "GPT-5.1 Codex Max", aliases: [/^gpt-5\.1-codex-max$/] },
  { id: "gpt51codexmini", client: "codex", title: "GPT-5.1 Codex mini", aliases: [/^gpt-5\.1-codex-mini$/] },
  { id: "geminipro", client: "gemini", title: "Gemini Pro", aliases: [/^gemini-.*pro/] },
  { id: "geminilite", client: "gemini", title: "Gemini Flash-Lite", aliases: [/^gemini-.*flash-lite/] },
  {
    id: "geminiflash",
    client: "gemini",
    title: "Gemini Flash",
    aliases: [/^gemini-.*flash(?!-lite)/, /^gemini-.*computer-use/, /^gemma-/],
  },
];

/** The built-in ones; `slotsOf` has the operator's too. */
export const slots: readonly Slot[] = table;

type Names = { all: readonly Slot[]; own: ReadonlyMap<string, Slot> };
const known = new WeakMap<Record<string, OwnSlot>, Names>();

function namesOf({ ownSlots }: Pick<Routing, "ownSlots">): Names {
  const kept = known.get(ownSlots);
  if (kept !== undefined) return kept;
  const own = new Map<string, Slot>();
  const added = Object.entries(ownSlots).map(([id, { client, title, aliases }]) => {
    const slot: Slot = { id, client, title, aliases: [] };
    for (const name of [id, ...aliases]) own.set(name.toLowerCase(), slot);
    return slot;
  });
  const names = { all: [...table, ...added], own };
  known.set(ownSlots, names);
  return names;
}

/** Every slot, the operator's own last. */
export function slotsOf(routing: Pick<Routing, "ownSlots">): readonly Slot[] {
  return namesOf(routing).all;
}

const builtIn = new Map(table.map((slot) => [slot.id, slot]));
const noneOfTheirOwn = { ownSlots: {} };

/** The slot a requested model name means, or undefined. Client suffixes such as `[1m]` do not change the slot. */
export function slotOf(requested: string, routing: Pick<Routing, "ownSlots"> = noneOfTheirOwn): Slot | undefined {
  const name = requested.replace(/\[[^\]]*\]$/, "").toLowerCase();
  return (
    builtIn.get(name) ??
    namesOf(routing).own.get(name) ??
    table.find((slot) => slot.aliases.some((alias) => alias.test(name)))
  );
}
