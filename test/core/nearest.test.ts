// Slips of the fingers find the word that was meant, and nothing else does.

import { expect, test } from "bun:test";
import { nearest } from "#src/core/nearest.ts";

const commands = ["list", "swap", "team", "models", "c", "x"];

test.each([
  ["lsit", "list"],
  ["swpa", "swap"],
  ["tema", "team"],
  ["moedls", "models"],
  ["Lst", "list"],
  ["lisst", "list"],
  ["tilts", undefined],
  ["frobnicate", undefined],
  ["", undefined],
])("%p: %p", (word, meant) => {
  expect(nearest(word, commands)).toBe(meant);
});
