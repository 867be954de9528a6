// Argument lists in the ledger: whole, or cut and marked.

import { describe, expect, test } from "bun:test";
import { boundArgs } from "#harness/bounded.ts";

const MAX_BYTES = 16 * 1024;
const many = (count: number, word = "a") => Array.from({ length: count }, () => word);

describe("whole", () => {
  const cases: [string, string[]][] = [
    ["nothing", []],
    ["an ordinary command", ["git", "commit", "-m", "Größe ändern", ""]],
    ["256 words", many(256)],
    ["16 KiB in one word", ["x".repeat(MAX_BYTES)]],
    ["16 KiB in two words", ["x".repeat(MAX_BYTES - 3), "€"]],
    ["empty words behind 16 KiB", ["x".repeat(MAX_BYTES), "", ""]],
  ];
  for (const [name, args] of cases) {
    test(name, () => {
      const before = [...args];
      expect(boundArgs(args)).toEqual({ argv: before, cut: false });
      expect(args).toEqual(before);
    });
  }
});

describe("cut", () => {
  const cases: [string, string[], string[]][] = [
    ["the 257th word", many(257), many(256)],
    ["a very long list of nothing", many(100_000, ""), many(256, "")],
    ["a byte over", ["x".repeat(MAX_BYTES + 1)], ["x".repeat(MAX_BYTES)]],
    ["in the second word, and no third", ["x".repeat(MAX_BYTES - 2), "abc", "z"], ["x".repeat(MAX_BYTES - 2), "ab"]],
    ["never inside a character", ["x".repeat(MAX_BYTES - 2), "€uro"], ["x".repeat(MAX_BYTES - 2), ""]],
    ["never inside a character of four bytes", [`${"x".repeat(MAX_BYTES - 3)}😀`], ["x".repeat(MAX_BYTES - 3)]],
    ["the rest behind a full list", ["x".repeat(MAX_BYTES), "y", "z"], ["x".repeat(MAX_BYTES), ""]],
  ];
  for (const [name, args, argv] of cases) {
    test(name, () => {
      expect(boundArgs(args)).toEqual({ argv, cut: true });
    });
  }

  test("however it is cut, it is within the bounds", () => {
    for (const size of [1, 5, 63, 64, 65, 1000, 20_000]) {
      const { argv, cut } = boundArgs(many(300, "é".repeat(size)));
      const bytes = argv.reduce((sum, word) => sum + Buffer.byteLength(word), 0);
      expect([bytes <= MAX_BYTES, argv.length <= 256, cut]).toEqual([true, true, true]);
    }
  });
});
