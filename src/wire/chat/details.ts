// Thinking as OpenRouter tells it (`reasoning_details`): words in pieces, proven by a signature or by what is encrypted. The proof travels sealed, with what
// a detail says of itself beside its words, so that the details of earlier turns can be told to the same backend as they came: it takes them only so.
// Does not stop: a client from changing the words. The provider that signed them checks that.

import { parseJson, type Json } from "#src/core/json.ts";
import type { HubEvent, ThinkingBlock } from "../canonical.ts";
import type { Prose } from "../prose.ts";
import { fitting } from "../schema.ts";
import { seal, type Sealed } from "../seal.ts";
import { type WireDetail, detail as detailSchema, detailMarks as marksSchema, type WireSaid } from "./schema.ts";

/** How the data of such a seal begins; Google's signatures, which stand on calls, are base64. */
const SIGN = "details.";

/** What a detail says of itself, in its own members. */
type Marks = Pick<WireDetail, "type" | "id" | "format" | "index">;
const marksOf = ({ type, id, format, index }: WireDetail): Marks => ({
  type,
  ...(id === undefined ? {} : { id }),
  ...(format === undefined ? {} : { format }),
  ...(index === undefined ? {} : { index }),
});
const wordsIn = ({ text, summary }: WireDetail): string => text || summary || "";

function sealDetails(details: Marks[], kind: Sealed["kind"], proof: string, scope: string): string {
  const about = Buffer.from(JSON.stringify(details)).toString("base64url");
  return seal({ origin: "openai-chat", scope, kind, data: `${SIGN}${about}.${proof}` });
}

/** The details of one message or delta, where it has any. */
function detailsIn({ reasoning_details: raw }: WireSaid): WireDetail[] {
  return Array.isArray(raw) ? raw.flatMap((each) => fitting(detailSchema, each) ?? []) : [];
}

export type Thoughts = {
  /** What a message or delta thinks; `plain` is the same without proof, or all there is. */
  take(said: WireSaid, plain: string): HubEvent[];
};

/** For one answer. `before` is asked for what has to end when a block begins. */
export function makeThoughts(prose: Prose, scope: string, before: () => HubEvent[] = () => []): Thoughts {
  /** Of the words that are open. */
  let told: Marks | undefined;

  /** A thought without words. */
  const wordless = (proof: { redacted: string } | { signature: string }): HubEvent[] => {
    const key = prose.newKey("thinking");
    const redacted = "redacted" in proof ? proof : {};
    return [
      ...prose.close(),
      ...before(),
      { kind: "blockStart", key, head: { kind: "thinking", origin: "openai-chat", ...redacted } },
      ...("signature" in proof ? [{ kind: "signature", key, ...proof } as const] : []),
      { kind: "blockEnd", key },
    ];
  };
  /** What proves the words that are open ends them. */
  const prove = (signature: string): HubEvent[] => {
    const open = prose.open();
    if (open?.kind !== "thinking") return wordless({ signature });
    return [{ kind: "signature", key: open.key, signature }, ...prose.close()];
  };
  const takeOne = (detail: WireDetail): HubEvent[] => {
    const words = wordsIn(detail);
    const goesOn = prose.open()?.kind === "thinking";
    const out = prose.say("thinking", words);
    const { signature, data } = detail;
    const marks = marksOf(detail);
    if (!goesOn) told = undefined;
    if (words !== "") told ??= marks;
    if (!signature && !data) return out;
    const open = prose.open()?.kind === "thinking";
    if (signature) out.push(...prove(sealDetails([(open ? told : undefined) ?? marks], "signature", signature, scope)));
    else if (open)
      out.push(...prove(sealDetails(told === undefined ? [marks] : [told, marks], "signature", data!, scope)));
    else out.push(...wordless({ redacted: sealDetails([marks], "redacted", data!, scope) }));
    told = undefined;
    return out;
  };

  return {
    take(said, plain) {
      const details = said.reasoning_details ? detailsIn(said) : [];
      // Both tell the same words.
      const out = details.some((detail) => wordsIn(detail) !== "") ? [] : prose.say("thinking", plain);
      return details.length === 0 ? out : [...out, ...details.flatMap(takeOne)];
    },
  };
}

/** The details a thought came as; none where somebody changed what they say of themselves, undefined where it did not come so. */
export function detailsOf({ text, signature, redacted }: ThinkingBlock): Json[] | undefined {
  const data = signature ?? redacted ?? "";
  if (!data.startsWith(SIGN)) return undefined;
  const [about = "", ...rest] = data.slice(SIGN.length).split(".");
  const details = fitting(marksSchema, parseJson(Buffer.from(about, "base64url").toString())) as Marks[] | undefined;
  const proof = rest.join(".");
  const last = details?.at(-1);
  if (details === undefined || last === undefined) return [];
  const words = ({ type }: Marks): { [key: string]: Json } =>
    type === "reasoning.summary" ? { summary: text } : { text };
  if (last.type !== "reasoning.encrypted") return [{ ...last, ...words(last), signature: proof } as Json];
  // Words that proved nothing by themselves are missed by nobody where the client did not keep them.
  const said = details.length > 1 && text !== "" ? [{ ...details[0]!, ...words(details[0]!) } as Json] : [];
  return [...said, { ...last, data: proof } as Json];
}
