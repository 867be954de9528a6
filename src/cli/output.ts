// The one place that writes to our own stdout and stderr. stdout carries the answer and nothing else; everything shown passes through
// `visible`, because names and texts may come from a worker.

import { BrokeError, publicMessage } from "#src/core/errors.ts";
import { visible, visibleJson } from "#src/core/text.ts";

const isRead = () => process.env.GITHUB_ACTIONS === "true";
/** Text of many lines, of which none is a command to a CI runner that reads it (harness/report/command-guard.ts). */
const guarded = (text: string) =>
  isRead() ? text.replaceAll("##[", "## [").replace(/^([^\S\n]*):(?=:)/gm, "$1: ") : text;
/** The same JSON in which none stands. */
const guardedJson = (json: string) => (isRead() ? json.replaceAll("##[", "\\u0023#[") : json);

/** Writes the answer as text. */
export function answer(text: string): void {
  process.stdout.write(`${guarded(visible(text, "lines"))}\n`);
}

/** Writes the answer byte for byte: for what a program reads, never to a terminal. */
export function answerBytes(bytes: Uint8Array): void {
  process.stdout.write(bytes);
}

/** Writes bytes of a protocol; resolves when they are out, rejects when nobody reads them. */
export const writeOut = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });

/** Writes the answer as one JSON document. */
export function answerJson(value: unknown): void {
  process.stdout.write(`${guardedJson(visibleJson(value, 2))}\n`);
}

/** Writes one value as JSON on one line. */
export function answerJsonLine(value: unknown): void {
  process.stdout.write(`${guardedJson(visibleJson(value))}\n`);
}

/** Text that is not read as a command by a CI runner, wherever it stands (harness/report/command-guard.ts). */
const harmless = (text: string) => visible(text).replaceAll("##[", "## [");

/** Writes one line about what is going on. */
export function note(text: string): void {
  process.stderr.write(`broke: ${harmless(text)}\n`);
}

/** Writes one line that a CI runner takes as a command. Only its form may be a command; what it holds is escaped by who made it. */
export function workflowCommand(line: string): void {
  process.stderr.write(`${harmless(line)}\n`);
}

/** Writes an error: what was wrong, what to do. Of a bug only that it is one, unless BROKE_DEBUG asks for the stack. */
export function complain(error: unknown): void {
  note(publicMessage(error));
  if (error instanceof BrokeError) {
    if (error.hint !== undefined) note(error.hint);
  } else if (process.env.BROKE_DEBUG === "1" && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  }
}

/** Columns padded to their widest cell. */
export function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => Bun.stringWidth(row[column] ?? ""))));
  const pad = (cell: string, column: number) =>
    cell + " ".repeat(Math.max(0, (widths[column] ?? 0) - Bun.stringWidth(cell)));
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}
