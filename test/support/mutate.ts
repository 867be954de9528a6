// Ways to spoil a request or an answer, drawn by chance.

import type { Json } from "#src/core/json.ts";
import type { Random } from "./random.ts";

const JUNK: Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1e308,
  0.1,
  "",
  " ",
  "x".repeat(300),
  "\u0000",
  "\ud800",
  "__proto__",
  "constructor",
  "../../etc/passwd",
  "data:image/png;base64,%%%",
  "{}",
  [],
  [[]],
  [null],
  {},
  { a: { b: { c: [1] } } },
  { type: "text" },
  { __proto__: null },
  { length: 5 },
  { toString: "x" },
];

type Place = { holder: { [key: string]: Json } | Json[]; key: string };

function placesIn(value: Json, out: Place[] = []): Place[] {
  if (value === null || typeof value !== "object") return out;
  const entries: [string, Json][] = Array.isArray(value)
    ? value.map((item, index) => [String(index), item] as [string, Json])
    : Object.entries(value);
  for (const [key, inner] of entries) {
    out.push({ holder: value, key });
    placesIn(inner, out);
  }
  return out;
}

/** A copy with a few members replaced, removed, renamed or repeated. */
export function mutateJson(body: Json, random: Random): Json {
  const copy = structuredClone(body);
  for (let count = 1 + random.below(3); count > 0; count--) {
    const places = placesIn(copy);
    if (places.length === 0) return copy;
    const { holder, key } = random.pick(places);
    const members = holder as { [key: string]: Json };
    const way = random.below(5);
    if (way <= 1) members[key] = structuredClone(random.pick(JUNK));
    else if (way === 2 && Array.isArray(holder)) holder.splice(Number(key), 1);
    else if (way === 2) delete members[key];
    else if (way === 3 && Array.isArray(holder)) holder.push(structuredClone(members[key]!));
    else if (way === 3) members[`${key}${random.pick(["", "_", "\u0000", " "])}x`] = members[key]!;
    else members[key] = [structuredClone(members[key]!)];
  }
  return copy;
}

/** The bytes with a few flipped, cut out, repeated, or the end missing. */
export function mutateBytes(bytes: Uint8Array, random: Random): Uint8Array {
  let out = Buffer.from(bytes);
  for (let count = 1 + random.below(3); count > 0 && out.length > 0; count--) {
    const at = random.below(out.length);
    const span = 1 + random.below(Math.min(40, out.length - at));
    switch (random.below(5)) {
      case 0:
        out[at] = random.below(256);
        break;
      case 1:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + span)]);
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at, at + span), out.subarray(at)]);
        break;
      case 3:
        out = out.subarray(0, at);
        break;
      default:
        out = Buffer.concat([
          out.subarray(0, at),
          Buffer.from(
            random.pick(["\0", "\r\n\r\n", '"', "}", "\xff", "data: ", ": x\n\n", "\n\n", "[DONE]"]),
            "latin1",
          ),
          out.subarray(at),
        ]);
    }
  }
  return out;
}
