// Puts an answer's items together into blocks. Servers leave out deltas, `done` events, announcements, or all but the last word; every text must
// be told once, and whole.

import type { HubEvent } from "../canonical.ts";
import { argsOf } from "../chat/reading.ts";
import { upstreamFailure } from "../errors.ts";
import type { AnswerNames } from "../names.ts";
import { seal } from "../seal.ts";
import { type ItemKind, kindOf, makeItemIndex, type Place, type Tracked } from "./item-index.ts";
import type { WireItem } from "./schema.ts";

export type ItemTracker = {
  /** An item was announced. What it holds then is told by its events. */
  open(item: WireItem, place: Place): HubEvent[];
  /** More of one part of an item. */
  more(kind: ItemKind, place: Place, part: string, text: string): HubEvent[];
  /** One part of an item, whole: what was not told yet follows. */
  whole(kind: ItemKind, place: Place, part: string, text: string): HubEvent[];
  /** An item, whole. */
  close(item: WireItem, place: Place): HubEvent[];
  /** All items of the answer, whole. */
  settle(output: readonly WireItem[]): HubEvent[];
  /** Ends what is open; an `error` when a call never got a name. `cut`: calls that are not whole stay so. */
  end(cut: boolean): HubEvent[];
  readonly calls: number;
};

/** The parts of a whole item, under the names its events give them. */
function partsOf(item: WireItem): [string, string][] {
  const content = (item.content ?? []).map((part, index): [string, string] => {
    return [`content:${index}`, part.text ?? part.refusal ?? ""];
  });
  switch (kindOf(item)) {
    case "text":
      return content;
    case "thinking":
      return [
        ...(item.summary ?? []).map((part, index): [string, string] => [`summary:${index}`, part.text ?? ""]),
        ...content,
      ];
    default:
      return [["args", item.type === "custom_tool_call" ? (item.input ?? "") : argsOf(item.arguments)]];
  }
}

/** A tracker for one answer. */
export function makeItemTracker(names: AnswerNames, scope: string): ItemTracker {
  const index = makeItemIndex();
  let calls = 0;

  const begin = (tracked: Tracked): HubEvent => {
    tracked.phase = "open";
    const { kind, key } = tracked;
    if (kind === "text") return { kind: "blockStart", key, head: { kind } };
    if (kind === "thinking") return { kind: "blockStart", key, head: { kind, origin: "openai-responses" } };
    calls++;
    const tool = names.tool(tracked.name);
    const callKind = tracked.free ? "custom" : tool.callKind;
    const id = names.identify(tracked.callId || undefined);
    return { kind: "blockStart", key, head: { kind: "tool_call", id, ...tool, callKind } };
  };
  const tell = (tracked: Tracked, fresh: string): HubEvent[] => {
    if (tracked.phase === "over" || fresh === "") return [];
    const text = tracked.held + fresh;
    // A call begins with its name, anything else with something to read: Anthropic refuses blocks of nothing but white space. What is held is blank.
    const blank = tracked.kind !== "call" && fresh.trim() === "";
    if (tracked.phase === "waiting" && (tracked.kind === "call" || blank)) {
      tracked.held = text;
      return [];
    }
    tracked.held = "";
    const started = tracked.phase === "waiting" ? [begin(tracked)] : [];
    return [...started, { kind: "delta", key: tracked.key, text }];
  };
  const add = (tracked: Tracked, part: string, text: string): HubEvent[] => {
    if (text === "") return [];
    const before = tracked.parts.get(part);
    const [first] = tracked.parts.keys();
    const next = tracked.kind === "thinking" && first !== undefined && before === undefined;
    // Thoughts told as a summary are not told again in full.
    if (next && first.split(":")[0] !== part.split(":")[0]) return [];
    tracked.parts.set(part, (before ?? "") + text);
    return tell(tracked, next ? `\n\n${text}` : text);
  };
  const complete = (tracked: Tracked, part: string, text: string): HubEvent[] => {
    const told = tracked.parts.get(part) ?? "";
    return text.startsWith(told) ? add(tracked, part, text.slice(told.length)) : [];
  };
  const describe = (tracked: Tracked, item: WireItem): HubEvent[] => {
    tracked.id ||= item.id ?? "";
    tracked.callId ||= item.call_id ?? "";
    tracked.free ||= item.type === "custom_tool_call";
    tracked.name ||= item.name ?? "";
    if (tracked.kind !== "call" || tracked.name === "" || tracked.phase !== "waiting") return [];
    const { held } = tracked;
    tracked.held = "";
    return [begin(tracked), ...tell(tracked, held)];
  };
  const sign = (tracked: Tracked, { encrypted_content: data }: WireItem): HubEvent[] => {
    if (tracked.kind !== "thinking" || !data) return [];
    const started = tracked.phase === "waiting" ? [begin(tracked)] : [];
    const signed = { origin: "openai-responses", scope, kind: "signature", data: `${tracked.id}:${data}` } as const;
    return [...started, { kind: "signature", key: tracked.key, signature: seal(signed) }];
  };
  const finish = (tracked: Tracked): HubEvent[] => {
    const open = tracked.phase === "open";
    tracked.phase = "over";
    return open ? [{ kind: "blockEnd", key: tracked.key }] : [];
  };
  const close = (tracked: Tracked, item: WireItem): HubEvent[] => {
    if (tracked.phase === "over") return [];
    const told = [
      ...describe(tracked, item),
      ...partsOf(item).flatMap(([part, text]) => complete(tracked, part, text)),
      ...sign(tracked, item),
    ];
    // A call that was cut, or never got a name, is not over.
    const whole = tracked.kind !== "call" || (tracked.phase === "open" && item.status !== "incomplete");
    return whole ? [...told, ...finish(tracked)] : told;
  };
  const placeOf = (item: WireItem, place: Place): Place => ({
    item_id: item.id || place.item_id,
    output_index: place.output_index,
  });

  return {
    get calls() {
      return calls;
    },
    open(item, place) {
      const kind = kindOf(item);
      return kind === undefined ? [] : describe(index.announced(kind, placeOf(item, place)), item);
    },
    more: (kind, place, part, text) => add(index.at(kind, place), part, text),
    whole: (kind, place, part, text) => complete(index.at(kind, place), part, text),
    close(item, place) {
      const kind = kindOf(item);
      return kind === undefined ? [] : close(index.at(kind, placeOf(item, place), item.call_id ?? ""), item);
    },
    settle: (output) => index.match(output).flatMap(([item, tracked]) => close(tracked, item)),
    end(cut) {
      const left = index.all.filter((each) => each.phase !== "over" && !(cut && each.kind === "call"));
      if (left.some((each) => each.kind === "call" && each.name === "")) {
        return [{ kind: "error", error: upstreamFailure("the provider sent a tool call without a name") }];
      }
      return left.flatMap(finish);
    },
  };
}
