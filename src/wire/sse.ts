// Server-sent events, incrementally: bytes in any pieces, events out (WHATWG HTML, "Event stream interpretation").
// Bounded: an event larger than the cap is an error, not memory.

import { BrokeError } from "#src/core/errors.ts";

export type SseEvent = { event: string; data: string };

const MAX_EVENT_CHARS = 16 * 1024 * 1024;

/** A parser with its own state: `push` returns the events completed by these bytes. An event not ended by an empty line is dropped, as the standard says. */
export function makeSseParser(): { push(bytes: Uint8Array): SseEvent[] } {
  const decoder = new TextDecoder();
  let rest = "";
  let event = "";
  let data: string[] = [];
  let size = 0;

  const takeLine = (line: string, out: SseEvent[]) => {
    if (line === "") {
      if (data.length > 0) out.push({ event: event || "message", data: data.join("\n") });
      event = "";
      data = [];
      size = 0;
      return;
    }
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    if (field === "event") event = value;
    else if (field === "data") {
      data.push(value);
      size += value.length;
    }
  };

  return {
    push(bytes) {
      // TextDecoder drops a leading byte order mark by itself.
      rest += decoder.decode(bytes, { stream: true });
      const out: SseEvent[] = [];
      let start = 0;
      for (let index = 0; index < rest.length; index++) {
        const char = rest.charCodeAt(index);
        if (char !== 10 && char !== 13) continue;
        // A CR at the very end may be half of a CRLF whose other half is still to come.
        if (char === 13 && index === rest.length - 1) break;
        takeLine(rest.slice(start, index), out);
        if (char === 13 && rest.charCodeAt(index + 1) === 10) index += 1;
        start = index + 1;
      }
      rest = rest.slice(start);
      if (size + rest.length > MAX_EVENT_CHARS)
        throw new BrokeError("upstream", "the provider sent an event that is too large");
      return out;
    },
  };
}

/** One event as text. `data` must not contain a line break (JSON never does). */
export function formatSse(event: string | undefined, data: string): string {
  return event === undefined ? `data: ${data}\n\n` : `event: ${event}\ndata: ${data}\n\n`;
}
