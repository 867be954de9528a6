// What a client wrote, to its terminal or to its pipes, as an asciinema v3 recording (https://docs.asciinema.org/manual/asciicast/v3/): a marker for
// each ledger event, sizes, the exit. Bounded: the beginning and the end are kept, each freed of secrets as one text, wherever its pieces end.
// Does not stop: the end of a secret whose beginning is not among what is kept; one drawn in parts, by moving the cursor; what was typed is not recorded, but for what a program echoed.

import type { Json } from "#src/core/json.ts";
import type { RedactStream } from "#src/core/redact-stream.ts";
import type { LedgerRecord } from "../record.ts";

const MIB = 1024 ** 2;
export const TRANSCRIPT_LIMITS = { head: 2 * MIB, tail: 2 * MIB, markers: 5_000 } as const;
const TOGETHER_MS = 50;
const HELD_CHARS = 512;
const PIECE_CHARS = 16 * 1024;

type Entry = { ms: number; code: "o" | "m" | "r" | "x"; text: string };

export type Transcript = {
  /** What the client wrote. */
  output(bytes: Uint8Array): void;
  /** A ledger event, as a marker. */
  mark(record: Pick<LedgerRecord, "seq" | "event" | "data">): void;
  /** The recording, a line each, and how many bytes of output are not in it. */
  finish(end: { code: number | null }): { lines: Json[]; cut: number };
};

/** How much of a text is one piece: up to the last line's end, and of a long one all but its end. */
function whole(text: string): number {
  const line = Math.max(text.lastIndexOf("\n"), text.lastIndexOf("\r")) + 1;
  return text.length - line > 2 * HELD_CHARS ? text.length - HELD_CHARS : line;
}

/** What of a piece may begin a secret is told with the next. */
function withoutSecrets(entries: readonly Entry[], stream: RedactStream): Entry[] {
  const told = entries.map((entry) => (entry.code === "o" ? { ...entry, text: stream.push(entry.text) } : entry));
  const rest = stream.end();
  if (rest !== "") told.push({ ms: entries.at(-1)!.ms, code: "o", text: rest });
  return told.filter(({ code, text }) => code !== "o" || text !== "");
}

/** Starts a recording. `clock` in milliseconds since the epoch. */
export function recordTranscript(
  { columns, rows, title, pieces }: { columns: number; rows: number; title: string; pieces: () => RedactStream },
  clock: () => number,
  limits: { head: number; tail: number; markers: number } = TRANSCRIPT_LIMITS,
): Transcript {
  const begunMs = clock();
  const decoder = new TextDecoder();
  const head: Entry[] = [];
  let tail: Entry[] = [];
  const marks: (Entry & { first: number; last: number; event: string })[] = [];
  let [headBytes, tailBytes, cut] = [0, 0, 0];
  let pending = { text: "", ms: begunMs };
  const keep = (entry: Entry) => {
    const bytes = Buffer.byteLength(entry.text);
    if (tail.length === 0 && headBytes + bytes <= limits.head) {
      headBytes += bytes;
      head.push(entry);
      return;
    }
    tail.push(entry);
    tailBytes += bytes;
    // Half as much again, so that not every piece moves all the others.
    if (tailBytes > limits.tail * 1.5) trim();
  };
  const trim = () => {
    let from = 0;
    for (; tailBytes > limits.tail && from < tail.length; from++) {
      const bytes = Buffer.byteLength(tail[from]!.text);
      tailBytes -= bytes;
      cut += bytes;
    }
    tail = tail.slice(from);
  };
  const flush = (all: boolean) => {
    const { text, ms } = pending;
    const length = all ? text.length : whole(text);
    if (length === 0) return;
    keep({ ms, code: "o", text: text.slice(0, length) });
    pending = { text: text.slice(length), ms: clock() };
  };
  return {
    output(bytes) {
      const now = clock();
      if (pending.text === "") pending.ms = now;
      else if (now - pending.ms >= TOGETHER_MS) flush(false);
      pending.text += decoder.decode(bytes, { stream: true });
      if (pending.text.length >= PIECE_CHARS) flush(false);
    },
    mark({ seq, event, data }) {
      const ms = clock();
      if (event === "session.resized") keep({ ms, code: "r", text: `${String(data.columns)}x${String(data.rows)}` });
      const last = marks.at(-1);
      const label = (first: number) => (first === seq ? `${seq} ${event}` : `${first}-${seq} ${event}`);
      if (last?.event === event && (ms - last.ms < TOGETHER_MS || marks.length >= limits.markers)) {
        last.last = seq;
        last.text = label(last.first);
      } else if (marks.length < limits.markers)
        marks.push({ ms, code: "m", text: label(seq), first: seq, last: seq, event });
      else Object.assign(last!, { last: seq, text: `${last!.first}-${seq} and more`, event: "" });
    },
    finish({ code }) {
      pending.text += decoder.decode();
      flush(true);
      trim();
      const parts = cut === 0 ? [[...head, ...tail]] : [head, tail];
      const kept = parts.flatMap((part) => withoutSecrets(part, pieces()));
      const entries: Entry[] = [...kept, ...marks].sort((a, b) => a.ms - b.ms);
      if (code !== null)
        entries.push({ ms: Math.max(clock(), entries.at(-1)?.ms ?? 0), code: "x", text: String(code) });
      let before = begunMs;
      const events = entries.map(({ ms, code, text }): Json => {
        const interval = Math.max(0, ms - before) / 1000;
        before = Math.max(before, ms);
        return [Math.round(interval * 1000) / 1000, code, text];
      });
      const header = { version: 3, term: { cols: columns, rows }, timestamp: Math.floor(begunMs / 1000), title };
      return { lines: [header, ...events], cut };
    },
  };
}
