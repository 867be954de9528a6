// `broke.toml`, the operator's and a project's, as a document: TOML of the tables there are and of no other, so that a misspelt one is not taken for
// one that says nothing. What stands in a table is for who reads it to check. Pure.

import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { clip, visible } from "#src/core/text.ts";

const TABLES = ["permissions", "harness", "contracts"];
const MOST_SHOWN_BYTES = 64;

/** The tables; `file` is how it is called in errors. Throws `config` when it is not TOML, `usage` naming a key that is none of theirs. */
export function parseBrokeToml(text: string, file: string): Record<string, unknown> {
  let document: Record<string, unknown>;
  try {
    document = Bun.TOML.parse(text) as Record<string, unknown>;
  } catch {
    throw new BrokeError("config", `${file} is not TOML`, "mend it, or move it away");
  }
  const unknown = Object.keys(document).find((key) => !TABLES.includes(key));
  if (unknown === undefined) return document;
  const guess = nearest(unknown, TABLES);
  throw new BrokeError(
    "usage",
    `${file}: unknown key ${visible(clip(unknown, MOST_SHOWN_BYTES).text)}`,
    guess === undefined
      ? "its tables are [permissions.NAME], [harness] and [contracts.NAME]"
      : `did you mean ${guess}?`,
  );
}
