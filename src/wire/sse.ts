// Server-sent events, both ways (WHATWG HTML, "Server-sent events"). Bytes may be cut anywhere, inside a character too. Never quotes what it
// read in an error.

import { BrokeError } from "#src/core/errors.ts";

/** `event` is "message" when the sender named none. */
export type SseEvent = { event: string; data: string };

export type SseParser = {
  /** Throws `upstream` when one event grows beyond the cap. */
  push(piece: Uint8Array): SseEvent[];
  /** What was complete but for its blank line: providers forget it after the last event. */
  end(): SseEvent[];
};

export const MAX_EVENT_SIZE = 16 * 1024 * 1024;

const DATA = "data: ";
const PIECE = { stream: true } as const;

/** A parser for one stream. `maxEventSize` in UTF-16 units, so never more than that many bytes of ASCII. */
export function makeSseParser(maxEventSize: number = MAX_EVENT_SIZE): SseParser {
  const decoder = new TextDecoder();
  // Pieces of an unfinished line are joined once, at its end: appending to one string would copy it again for every piece.
  let parts: string[] = [];
  let size = 0;
  let afterCr = false;
  let name = "";
  let data: string | undefined;
  let out: SseEvent[] = [];

  const dispatch = () => {
    if (data !== undefined) out.push({ event: name === "" ? "message" : name, data });
    name = "";
    data = undefined;
    size = 0;
  };

  const addData = (value: string) => void (data = data === undefined ? value : `${data}\n${value}`);

  const field = (line: string) => {
    if (line === "") return dispatch();
    const colon = line.indexOf(":");
    if (colon === 0) {
      if (data === undefined) size = 0;
      return;
    }
    const key = colon < 0 ? line : line.slice(0, colon);
    if (key !== "data" && key !== "event") return;
    const value = colon < 0 ? "" : line.slice(line.charCodeAt(colon + 1) === 0x20 ? colon + 2 : colon + 1);
    if (key === "event") name = value;
    else addData(value);
  };

  /** A line of which something came before. */
  const line = (tail: string) => {
    parts.push(tail);
    const whole = parts.join("");
    parts = [];
    field(whole);
  };

  const grow = (units: number) => {
    size += units;
    if (size > maxEventSize) throw new BrokeError("upstream", "an event of the provider's stream is too large");
  };

  const feed = (text: string) => {
    let from = 0;
    if (afterCr && text !== "") {
      afterCr = false;
      if (text.charCodeAt(0) === 0x0a) from = 1;
    }
    // Each is looked for again only once passed, so that a text with one kind of line end is not searched for the other per line.
    let lf = text.indexOf("\n", from);
    let cr = text.indexOf("\r", from);
    while (lf >= 0 || cr >= 0) {
      const at = cr >= 0 && (lf < 0 || cr < lf) ? cr : lf;
      grow(at - from);
      // Nearly every line is one of these two, whole.
      if (parts.length > 0) line(text.slice(from, at));
      else if (at === from) dispatch();
      else if (text.startsWith(DATA, from)) addData(text.slice(from + DATA.length, at));
      else field(text.slice(from, at));
      from = at + 1;
      if (at === cr) {
        if (from === text.length) afterCr = true;
        else if (lf === from) from++;
        cr = text.indexOf("\r", from);
      }
      if (lf >= 0 && lf < from) lf = text.indexOf("\n", from);
    }
    if (from < text.length) {
      grow(text.length - from);
      parts.push(text.slice(from));
    }
  };

  const take = () => {
    const events = out;
    out = [];
    return events;
  };

  return {
    push(piece) {
      feed(decoder.decode(piece, PIECE));
      return take();
    },
    end() {
      feed(decoder.decode());
      if (parts.length > 0) line("");
      dispatch();
      return take();
    },
  };
}

/** One event as SSE text; `event` left out when undefined. Data with line breaks becomes several data lines. */
export function formatSse(event: string | undefined, data: string): string {
  const head = event === undefined ? "" : `event: ${event}\n`;
  const body = /[\r\n]/.test(data)
    ? data
        .split(/\r\n|\r|\n/)
        .map((text) => `data: ${text}\n`)
        .join("")
    : `data: ${data}\n`;
  return `${head}${body}\n`;
}
