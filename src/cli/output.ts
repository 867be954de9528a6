// The one place that writes to our own stdout and stderr. stdout carries the answer and nothing else; everything shown passes through
// `visible`, because names and texts may come from a worker.

import { writeSync } from "node:fs";
import { BrokeError, publicMessage } from "#src/core/errors.ts";
import { visible, visibleJson } from "#src/core/text.ts";

const isRead = () => process.env.GITHUB_ACTIONS === "true";
/** Text of many lines, of which none is a command to a CI runner that reads it (harness/report/command-guard.ts). */
const guarded = (text: string) =>
  isRead() ? text.replaceAll("##[", "## [").replace(/^([^\S\n]*):(?=:)/gm, "$1: ") : text;
/** The same JSON in which none stands. */
const guardedJson = (json: string) => (isRead() ? json.replaceAll("##[", "\\u0023#[") : json);

/** Nobody reads the answer any more: the command ends as one that a signal ended there would, and says nothing. */
export class ReaderGone extends Error {}
/** 128 and the number of SIGPIPE, as a shell has it. */
export const READER_GONE_EXIT = 141;

const STDOUT = 1;
const FULL_PIPE_MS = 1;

/**
 * Writes to our standard output before it returns: what is still on its way when a process ends is lost, and nobody is told of an answer that could not
 * be written. Throws `ReaderGone`, or `missing`.
 */
function put(bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(STDOUT, bytes, done);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") throw new ReaderGone();
      if (code !== "EAGAIN") throw new BrokeError("missing", "the answer could not be written to its end");
      Bun.sleepSync(FULL_PIPE_MS);
    }
  }
}

const putLine = (text: string) => put(Buffer.from(`${text}\n`));

/** Writes the answer as text. */
export function answer(text: string): void {
  putLine(guarded(visible(text, "lines")));
}

/** Writes the answer byte for byte: for what a program reads, never to a terminal. */
export function answerBytes(bytes: Uint8Array): void {
  put(bytes);
}

/** Writes bytes of a protocol; resolves when they are out, rejects when nobody reads them. */
export const writeOut = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });

/** Writes the answer as one JSON document. */
export function answerJson(value: unknown): void {
  putLine(guardedJson(visibleJson(value, 2)));
}

/** Writes one value as JSON on one line. */
export function answerJsonLine(value: unknown): void {
  putLine(guardedJson(visibleJson(value)));
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
