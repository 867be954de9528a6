// The one parser for `.env` files: `NAME=value`, optional `export`, '…' literal, "…" with \n \" \\ escapes, # comments.
// A line it does not understand is an error with its number, never skipped: a key that silently vanishes costs hours.
// Does not stop: a value that is valid and wrong.

import { BrokeError } from "#src/core/errors.ts";

const LINE = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*)$/;
const ESCAPES: Record<string, string> = { n: "\n", r: "\r", t: "\t", '"': '"', "\\": "\\", $: "$" };

function parseValue(raw: string): string | undefined {
  if (raw.startsWith("'")) return /^'([^']*)'\s*(?:#.*)?$/.exec(raw)?.[1];
  if (raw.startsWith('"')) {
    const body = /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/.exec(raw)?.[1];
    return body?.replace(/\\(.)/g, (whole, char: string) => ESCAPES[char] ?? whole);
  }
  return raw.replace(/(^|\s+)#.*$/, "").trim();
}

/** Names and values, later lines winning. Throws `config` with the file's name and line number; the line itself is not quoted. */
export function parseDotenv(text: string, fileName: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [index, line] of text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .entries()) {
    const trimmed = line.trim();
    if (trimmed === "" || trimmed.startsWith("#")) continue;
    const match = LINE.exec(trimmed);
    const value = match === null ? undefined : parseValue(match[2]!.trim());
    if (match === null || value === undefined) {
      throw new BrokeError("config", `${fileName} line ${index + 1} is not NAME=value`, "write one NAME=value a line");
    }
    values.set(match[1]!, value);
  }
  return values;
}
