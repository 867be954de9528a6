// Reads what a run keeps about itself. What is damaged is said by name: it decides what may be taken over or taken away.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { readPrivate } from "#src/state/files.ts";

/** The content of a file of the run's, as the schema wants it. Throws `config` naming the file. */
export function readStored<Schema extends v.GenericSchema>(file: string, schema: Schema): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = parseJson(readPrivate(file) ?? "");
  } catch (error) {
    if (error instanceof BrokeError) throw error;
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  throw new BrokeError("config", `${file} is damaged`, "look at the run's folder yourself, then move it away");
}
