// Questions to a person at a terminal: a number out of a list. Without a terminal nothing is ever asked. What is asked goes to standard error, so that
// standard output carries the answer alone.

import { readSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { note } from "./output.ts";

const MAX_ANSWER = 256;

/** Whether somebody sits there who can be asked. */
export const isAsked = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** One line from the terminal, typed after the question stood there; "" at its end. */
export function readLine(): string {
  const bytes = Buffer.alloc(MAX_ANSWER);
  const length = readSync(0, bytes, 0, MAX_ANSWER, null);
  return bytes.subarray(0, length).toString("utf8").trim();
}

function show(title: string, items: readonly string[]): void {
  note(title);
  for (const [index, item] of items.entries()) note(`${String(index + 1).padStart(3)}  ${item}`);
}

function numberOf(said: string, items: readonly string[]): number {
  const number = /^\d{1,4}$/.test(said) ? Number(said) : 0;
  if (number < 1 || number > items.length)
    throw new BrokeError("usage", "that is no number of the list", "nothing was changed");
  return number - 1;
}

/** The place of what was picked; undefined: nothing, by `x` or an empty line. Throws `usage` for anything else. */
export function pickOne(title: string, items: readonly string[]): number | undefined {
  show(`${title} (a number; x: nothing)`, items);
  const said = readLine();
  return said === "" || said === "x" ? undefined : numberOf(said, items);
}

/** Several, in the order they were named, until an empty line; `x` first: none at all. Undefined: nothing was said. Throws `usage`. */
export function pickOrder(title: string, items: readonly string[]): number[] | undefined {
  show(`${title} (numbers in order, with commas or a line each, then an empty line; x: none)`, items);
  const picked: number[] = [];
  for (;;) {
    const said = readLine();
    if (said === "") return picked.length === 0 ? undefined : picked;
    if (said === "x" && picked.length === 0) return [];
    for (const word of said.split(",").filter((part) => part.trim() !== "")) {
      const at = numberOf(word.trim(), items);
      if (picked.includes(at)) throw new BrokeError("usage", "one is named twice", "nothing was changed");
      picked.push(at);
    }
  }
}
