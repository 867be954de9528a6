// A Gemini client's parts → canonical blocks, in order. What only Google understands (code it ran, sound, video) is carried as it is.

import type { Json } from "#src/core/json.ts";
import type { Block, Source } from "../canonical.ts";
import type { LossList } from "../losses.ts";
import { isObject, read } from "../schema.ts";
import type { CallIds } from "./client-ids.ts";
import { loseUnknown } from "../unknown.ts";
import * as schema from "./client-schema.ts";
import { addProven, proofOf } from "./signatures.ts";

type Members = { [key: string]: Json };
export type PartContext = { ids: CallIds; losses: LossList };

/** Members beside what a part is, by what is lost with them. */
const ASIDE = ["videoMetadata", "mediaResolution", "mediaProcessing"];
const KINDS = [
  "functionCall",
  "functionResponse",
  "inlineData",
  "fileData",
  "executableCode",
  "codeExecutionResult",
  "toolCall",
  "toolResponse",
];
/** Files that were uploaded to Google: their address is of use to the account only. */
const UPLOADED = /^gs:|^https:\/\/generativelanguage\.googleapis\.com\//;

const opaque = (type: string, raw: Json): Block => ({ kind: "opaque", dialect: "gemini", type, raw });

function isTextual(mediaType: string): boolean {
  return mediaType.startsWith("text/") || /^application\/(json|xml|javascript|yaml)\b/.test(mediaType);
}

function decodeBlob(raw: Json, part: Members, path: string): Block {
  const { mimeType: mediaType, data, displayName } = read(schema.parts.blob, raw, path);
  if (mediaType.startsWith("image/")) return { kind: "image", source: { kind: "base64", mediaType, data } };
  const title = displayName ? { title: displayName } : {};
  if (isTextual(mediaType)) {
    return { kind: "document", source: { kind: "text", text: Buffer.from(data, "base64").toString() }, ...title };
  }
  if (mediaType !== "application/pdf") return opaque("inlineData", part);
  return { kind: "document", source: { kind: "base64", mediaType, data }, ...title };
}

function decodeFile(raw: Json, part: Members, path: string): Block {
  const { mimeType, fileUri: url, displayName } = read(schema.parts.file, raw, path);
  const source: Source = UPLOADED.test(url) ? { kind: "file", id: url } : { kind: "url", url };
  if (mimeType?.startsWith("image/")) return { kind: "image", source };
  if (!mimeType || /^(audio|video)\//.test(mimeType)) return opaque("fileData", part);
  return { kind: "document", source, ...(displayName ? { title: displayName } : {}) };
}

/** Text, where a tool said nothing but one; else all it said, as JSON. */
function saidBy(response: Json): { text: string; isError: boolean } {
  if (!isObject(response))
    return { text: typeof response === "string" ? response : JSON.stringify(response), isError: false };
  const keys = Object.keys(response);
  const [key = ""] = keys;
  const value = response[key];
  const isError = keys.includes("error") && !keys.includes("output");
  const alone = keys.length === 1 && ["output", "error", "result", "content"].includes(key);
  return { text: alone && typeof value === "string" ? value : JSON.stringify(response), isError };
}

function decodeResult(raw: Json, path: string, place: string, context: PartContext): Block {
  const { id, name, response, parts } = read(schema.parts.response, raw, path);
  loseUnknown(read(schema.object, raw, path), schema.known.response, path, "a result", context.losses);
  const { text, isError } = saidBy(response ?? {});
  const said: Block[] = text === "" ? [] : [{ kind: "text", text }];
  const shown = decodeParts(parts ?? [], `${path}.parts`, place, context);
  return { kind: "tool_result", callId: context.ids.result(id, name, place), isError, content: [...said, ...shown] };
}

function decodePart(
  part: Members,
  thought: boolean,
  path: string,
  place: string,
  context: PartContext,
): Block | undefined {
  const kind = KINDS.find((name) => part[name] !== undefined && part[name] !== null);
  if (kind === undefined && typeof part["text"] === "string") {
    const { text } = read(schema.parts.text, part, path);
    if (text === "") return undefined;
    return thought ? { kind: "thinking", text, origin: null } : { kind: "text", text };
  }
  const at = `${path}.${kind}`;
  const raw = part[kind ?? ""] ?? null;
  switch (kind) {
    case "functionCall": {
      const { id, name, args } = read(schema.parts.call, raw, at);
      const callId = context.ids.call(id, name, place);
      return { kind: "tool_call", id: callId, name, argsRaw: JSON.stringify(args ?? {}), callKind: "function" };
    }
    case "functionResponse":
      return decodeResult(raw, at, place, context);
    case "inlineData":
      return decodeBlob(raw, part, at);
    case "fileData":
      return decodeFile(raw, part, at);
    case undefined: {
      if (part["text"] !== undefined && part["text"] !== null) read(schema.parts.text, part, path);
      const [type] = Object.keys(part).filter((key) => key !== "thought" && key !== "thoughtSignature");
      return type === undefined ? undefined : opaque(type, part);
    }
    default:
      return opaque(kind, part);
  }
}

/** A content's parts; `place` names it within the history. Throws `usage` naming the path. */
export function decodeParts(raws: readonly Json[], path: string, place: string, context: PartContext): Block[] {
  const blocks: Block[] = [];
  raws.forEach((raw, index) => {
    const at = `${path}[${index}]`;
    const { thought, thoughtSignature } = read(schema.partHead, raw, at);
    const part = read(schema.object, raw, at);
    for (const name of ASIDE) {
      if (part[name]) context.losses.add(`${at}.${name}`, name, "only Gemini understands it");
    }
    const block = decodePart(part, thought === true, at, `${place}_${index}`, context);
    addProven(blocks, block, proofOf(thoughtSignature));
  });
  return blocks;
}
