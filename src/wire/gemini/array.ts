// A Gemini stream as one JSON array, for clients that did not ask for `alt=sse`: Google's other form of the same. Whatever comes, and wherever it
// is cut, what was written is the beginning of a JSON array, and all of one after `end`.

import { parseJson } from "#src/core/json.ts";
import { makeFrameSplitter } from "../frames.ts";
import { makeSseParser } from "../sse.ts";

export type ArrayWriter = {
  /** The bytes of a stream of server-sent events, cut anywhere. */
  push(bytes: Uint8Array): Uint8Array;
  /** Closes the array; nothing comes after it. */
  end(): Uint8Array;
};

const toBytes = new TextEncoder();

/** A writer for one stream. */
export function makeArrayWriter(): ArrayWriter {
  const splitter = makeFrameSplitter();
  let elements = 0;
  let phase: "waiting" | "open" | "over" = "waiting";

  const write = (text: string): string => {
    const before = phase === "waiting" ? "[" : "";
    phase = "open";
    return before + text;
  };
  /** A comment, and anything that is no JSON, becomes white space: it keeps the connection alive all the same. */
  const tell = (frame: Uint8Array): string => {
    const parser = makeSseParser();
    const texts = [...parser.push(frame), ...parser.end()]
      .filter(({ data }) => parseJson(data) !== undefined)
      .map(({ data }) => `${elements++ === 0 ? "" : ",\n"}${data}`);
    return write(texts.length === 0 ? "\n" : texts.join(""));
  };
  return {
    push: (bytes) => toBytes.encode(phase === "over" ? "" : splitter.push(bytes).map(tell).join("")),
    end() {
      if (phase === "over") return new Uint8Array(0);
      const rest = splitter.rest();
      const text = (rest.length === 0 ? "" : tell(rest)) + write("]");
      phase = "over";
      return toBytes.encode(text);
    },
  };
}
