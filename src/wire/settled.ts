// Where a picture or a file comes from, told in one way: bytes in a `data:` URL are bytes however they are written, and JPEG has one name.

import type { Source } from "./canonical.ts";

const DATA = /^data:([^,]*),/i;

const PERCENT = 0x25;

const isHex = (byte: number | undefined) =>
  byte !== undefined && ((byte >= 48 && byte <= 57) || ((byte | 32) >= 97 && (byte | 32) <= 102));
const hex = (byte: number) => (byte <= 57 ? byte - 48 : (byte | 32) - 87);

/** Percent signs stand for bytes, everything else for itself; it is read in place because a document may be long. */
function unescaped(data: string): Buffer {
  const bytes = Buffer.from(data);
  let end = 0;
  for (let at = 0; at < bytes.length; at++) {
    const isEscape = bytes[at] === PERCENT && isHex(bytes[at + 1]) && isHex(bytes[at + 2]);
    bytes[end++] = isEscape ? hex(bytes[at + 1]!) * 16 + hex(bytes[at + 2]!) : bytes[at]!;
    if (isEscape) at += 2;
  }
  return bytes.subarray(0, end);
}

const plainBase64 = (data: string) => (data.includes("%") ? unescaped(data).toString("latin1") : data);

function fromDataUrl(head: string, data: string): Source {
  const [mediaType = "", ...rest] = head.toLowerCase().split(";");
  const isBase64 = rest.at(-1)?.trim() === "base64";
  return {
    kind: "base64",
    mediaType: mediaType.trim() || "text/plain",
    data: isBase64 ? plainBase64(data) : unescaped(data).toString("base64"),
  };
}

/** The same source where there is nothing to settle. */
export function settled(source: Source): Source {
  if (source.kind === "url") {
    const head = DATA.exec(source.url);
    return head === null ? source : settled(fromDataUrl(head[1]!, source.url.slice(head[0].length)));
  }
  return source.kind === "base64" && source.mediaType === "image/jpg" ? { ...source, mediaType: "image/jpeg" } : source;
}
