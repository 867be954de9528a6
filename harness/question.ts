// A question put to the person at the launcher's terminal, drawn line by line, and the reading of its answer. Pure but for the clock it is given.
// Everything that is asked about comes from the worker: it is shown with every control, bidi and zero-width character visible, and clipped, so
// that it can neither forge nor hide a line.
// Does not stop: a client from drawing a question of its own; what is typed there reaches only the client.

import { visible } from "#src/core/text.ts";
import type { TerminalSize } from "./terminal.ts";

export type Answer = "once" | "run" | "deny";
/** `rows` are name and value; the first one says what is asked about. */
export type Question = { title: string; rows: [string, string][] };

const ANSWERS: Record<string, Answer> = { o: "once", r: "run", d: "deny" };
const HELP = ["o once   r for the rest of this run   d deny   then Enter", "o once  r this run  d deny, then Enter"];
const NAME_WIDTH = 8;
const MAX_VALUE_LINES = 6;
const WORDS_AT_ONCE = 16;

/** Cuts text into lines of at most `width` cells; the last says how much more there is. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  let used = 0;
  let shown = 0;
  for (const char of text) {
    const cells = Bun.stringWidth(char);
    if (used + cells > width) {
      if (lines.length === MAX_VALUE_LINES - 1) {
        const note = `… and ${text.length - shown + line.length} more characters`;
        return [...lines, note.slice(0, width)];
      }
      lines.push(line);
      line = "";
      used = 0;
    }
    line += char;
    used += cells;
    shown += char.length;
  }
  return [...lines, line];
}

/** The question as lines that fit; `typed` is what of an answer is there, `note` what is said about the last one. */
export function questionLines(question: Question, { columns }: TerminalSize, typed: string, note: string): string[] {
  const width = Math.max(20, columns - NAME_WIDTH - 4);
  const rows = question.rows.flatMap(([name, value]) =>
    wrap(visible(value), width).map((line, at) => `  ${(at === 0 ? name : "").padEnd(NAME_WIDTH)}  ${line}`),
  );
  return [`broke: ${question.title}`, "", ...rows, "", HELP[columns < 60 ? 1 : 0]!, `${note} > ${typed}`.trimStart()];
}

/** The lines as one drawing on an empty screen; of more lines than there are rows the last ones stay. */
export function drawQuestion(lines: string[], { rows }: TerminalSize): string {
  const kept = lines.slice(-Math.max(4, rows));
  const drawn = kept.map((line, at) => `\u001b[${at + 1};1H\u001b[2K${line}`).join("");
  return `\u001b[0m\u001b[?6l\u001b[H\u001b[2J${drawn}`;
}

/** What was typed before the question could have been read is not its answer: only input after so long a silence is. */
const QUIET_MS = 400;
const CTRL_C = "\u0003";
const MAX_EARLY_BYTES = 4096;

export type AnswerReader = {
  /** Takes what one read brought; the answer when there is one. */
  feed(bytes: Uint8Array): Answer | undefined;
  typed(): string;
  note(): string;
  /** What was typed for the client, before the question or instead of an answer. */
  forClient(): Uint8Array;
};

/**
 * Reads an answer: one letter and Enter, each a read of its own, as keys come. Reads of more than one character are pasted, a terminal's own
 * reports, or meant for somebody else, and count for nothing. Ctrl-C denies, and goes on to the client.
 */
export function readAnswer(now: () => number): AnswerReader {
  let last = now();
  let quiet = false;
  let typed = "";
  let note = "";
  const early: Uint8Array[] = [];
  const keep = (bytes: Uint8Array) => {
    if (early.reduce((sum, piece) => sum + piece.length, bytes.length) <= MAX_EARLY_BYTES) early.push(bytes.slice());
  };
  return {
    feed(bytes) {
      quiet ||= now() - last >= QUIET_MS;
      last = now();
      const text = Buffer.from(bytes).toString();
      if (text.includes(CTRL_C)) {
        keep(Buffer.from(CTRL_C));
        return "deny";
      }
      if (!quiet) {
        keep(bytes);
        return undefined;
      }
      if (text === "\r" || text === "\n") {
        const answer = ANSWERS[typed];
        typed = "";
        note = "one of o, r, d";
        return answer;
      }
      if (text === "\u007f") typed = typed.slice(0, -1);
      else if (/^[!-~]$/.test(text)) typed = (typed + text).slice(0, WORDS_AT_ONCE);
      else typed = "";
      return undefined;
    },
    typed: () => typed,
    note: () => note,
    forClient: () => Buffer.concat(early),
  };
}
