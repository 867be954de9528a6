// Where a picture or a file comes from, told in one way: bytes in a `data:` URL are bytes however they are written, and JPEG has one name.

import type { Source } from "./canonical.ts";

const DATA = /^data:([^,]*),/i;

/** Percent signs stand for bytes, everything else for itself. */
function unescaped(data: string): Buffer {
  const bytes = Buffer.from(data).toString("latin1");
  const plain = bytes.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(plain, "latin1");
}

function fromDataUrl(head: string, data: string): Source {
  const [mediaType = "", ...rest] = head.toLowerCase().split(";");
  const isBase64 = rest.at(-1)?.trim() === "base64";
  return {
    kind: "base64",
    mediaType: mediaType.trim() || "text/plain",
    data: isBase64 ? data : unescaped(data).toString("base64"),
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
