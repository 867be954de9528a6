// The one place that writes to our own stdout and stderr. stdout carries the answer and nothing else; everything shown passes through
// `visible`, because names and texts may come from a worker.

import { BrokeError, publicMessage } from "#src/core/errors.ts";
import { visible, visibleJson } from "#src/core/text.ts";

/** Writes the answer as text. */
export function answer(text: string): void {
  process.stdout.write(`${visible(text, "lines")}\n`);
}

/** Writes the answer byte for byte: for what a program reads, never to a terminal. */
export function answerBytes(bytes: Uint8Array): void {
  process.stdout.write(bytes);
}

/** Writes the answer as one JSON document. */
export function answerJson(value: unknown): void {
  process.stdout.write(`${visibleJson(value, 2)}\n`);
}

/** Writes one value as JSON on one line. */
export function answerJsonLine(value: unknown): void {
  process.stdout.write(`${visibleJson(value)}\n`);
}

/** Writes one line about what is going on. */
export function note(text: string): void {
  process.stderr.write(`broke: ${visible(text)}\n`);
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
