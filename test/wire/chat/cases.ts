// Reads what a Chat client is sent.

import type { Json } from "#src/core/json.ts";
import { makeSseParser } from "#src/wire/sse.ts";
import { bytesOf, type Members } from "../cases.ts";

/** SSE text as its chunks, `[DONE]` as text. Chat's events have no names. */
export function clientChunks(text: string): Json[] {
  return makeSseParser()
    .push(bytesOf(text))
    .map(({ event, data }) => {
      if (event !== "message") throw new Error("an event of Chat has no name");
      return data === "[DONE]" ? data : (JSON.parse(data) as Json);
    });
}

/** A chunk without what is the same in all of them; the whole of one has a test of its own. */
export function view(chunk: Json): Json {
  if (typeof chunk === "string") return chunk;
  const { choices, usage, error } = chunk as Members & { choices?: Members[] };
  if (error !== undefined) return { error };
  const [choice] = choices ?? [];
  if (choice === undefined) return { usage: usage ?? null };
  const { delta, finish_reason: reason } = choice;
  return { delta: delta!, ...(reason === null ? {} : { finish_reason: reason! }) };
}
