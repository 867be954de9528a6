// Finds the item of an answer that an event is about: by id, by call, by index, and by what is left where a server says none of these or
// something else every time.

import { BrokeError } from "#src/core/errors.ts";
import type { WireEvent, WireItem } from "./schema.ts";

export type ItemKind = "text" | "thinking" | "call";

// What a provider ran itself, and items nobody knows, are not here.
const kinds: { [type: string]: ItemKind | undefined } = {
  message: "text",
  reasoning: "thinking",
  function_call: "call",
  custom_tool_call: "call",
};

/** What an item becomes; undefined when it is not for the client. */
export function kindOf(item: { type: string }): ItemKind | undefined {
  return kinds[item.type];
}

/** `parts`: what was told of each; `held`: what cannot begin a block yet; `free`: a call of free text. */
export type Tracked = {
  kind: ItemKind;
  key: string;
  id: string;
  callId: string;
  name: string;
  free: boolean;
  parts: Map<string, string>;
  held: string;
  phase: "waiting" | "open" | "over";
};

/** What an event says about the item it belongs to. */
export type Place = Partial<Pick<WireEvent, "item_id" | "output_index">>;

export type ItemIndex = {
  readonly all: readonly Tracked[];
  /** The item an announcement is about: a new one, unless its id is known. */
  announced(kind: ItemKind, place: Place): Tracked;
  /** The item an event is about; a new one when there is none. */
  at(kind: ItemKind, place: Place, callId?: string): Tracked;
  /** The items of a whole answer beside those that were streamed. */
  match(output: readonly WireItem[]): [WireItem, Tracked][];
};

/** Many times as many as any answer was seen to have: an item that nothing names is looked for among all of them. */
const MOST_ITEMS = 2_000;

/** An index for one answer. What makes an item throws `upstream` where there are too many. */
export function makeItemIndex(): ItemIndex {
  const all: Tracked[] = [];
  const byId = new Map<string, Tracked>();
  const byIndex = new Map<number, Tracked>();

  const make = (kind: ItemKind): Tracked => {
    if (all.length >= MOST_ITEMS) throw new BrokeError("upstream", `the answer has more than ${MOST_ITEMS} items`);
    const key = `${kind}:${all.length}`;
    const parts = new Map<string, string>();
    const made: Tracked = { kind, key, id: "", callId: "", name: "", free: false, parts, held: "", phase: "waiting" };
    all.push(made);
    return made;
  };
  const place = (tracked: Tracked, { item_id: id, output_index: index }: Place): Tracked => {
    if (id) byId.set(id, tracked);
    if (typeof index === "number") byIndex.set(index, tracked);
    return tracked;
  };
  const named = (kind: ItemKind, id: string, callId: string): Tracked | undefined => {
    const known = id === "" ? undefined : byId.get(id);
    if (known?.kind === kind) return known;
    return callId === "" ? undefined : all.find((each) => each.kind === kind && each.callId === callId);
  };
  const indexed = (kind: ItemKind, index: number | null | undefined, callId: string): Tracked | undefined => {
    const known = typeof index === "number" ? byIndex.get(index) : undefined;
    return known?.kind === kind && (callId === "" || known.callId === "" || known.callId === callId)
      ? known
      : undefined;
  };

  return {
    all,
    announced: (kind, at) => place(named(kind, at.item_id ?? "", "") ?? make(kind), at),
    at(kind, at, callId = "") {
      const { item_id: id, output_index: index } = at;
      // Some servers give an item another id in every event: then its index tells.
      const known = named(kind, id ?? "", callId) ?? indexed(kind, index, callId);
      const lost = !id && typeof index !== "number" && callId === "";
      const last = lost ? all.findLast((each) => each.kind === kind && each.phase !== "over") : undefined;
      return place(known ?? last ?? make(kind), at);
    },
    match(output) {
      const claimed = new Set<Tracked>();
      const claim = (tracked: Tracked | undefined): Tracked | undefined => {
        if (tracked === undefined || claimed.has(tracked)) return undefined;
        claimed.add(tracked);
        return tracked;
      };
      const read = output.flatMap((item, index) => {
        const kind = kindOf(item);
        return kind === undefined ? [] : [{ item, index, kind, callId: item.call_id ?? "" }];
      });
      // Who is known by name first, so that nobody else is taken for them.
      const sure = read.map(({ item, kind, callId }) => claim(named(kind, item.id ?? "", callId)));
      const streamed = [...all];
      return read.map(({ item, index, kind, callId }, at) => {
        const left = streamed.find((each) => {
          const fits = callId === "" || each.callId === "" || each.callId === callId;
          return each.kind === kind && fits && !claimed.has(each);
        });
        return [item, sure[at] ?? claim(indexed(kind, index, callId)) ?? claim(left) ?? make(kind)];
      });
    },
  };
}
