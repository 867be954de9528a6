// Lines in pieces of any size, of any content, up to a length; and out one at a time.

import { expect, test } from "bun:test";
import { type Frame, frameWriter, splitFrames } from "#acp/framing.ts";

const linesOf = (text: string, size: number, limit?: number): Frame[] => {
  const split = splitFrames(limit);
  const bytes = Buffer.from(text);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += size) frames.push(...split.push(bytes.subarray(at, at + size)));
  return [...frames, ...split.end()];
};
const line = (text: string): Frame => ({ kind: "line", text });

test.each([1, 2, 3, 7, 4096])(
  "pieces of %d bytes: blank lines are none, CRLF is an end, the last line needs none",
  (size) => {
    expect(linesOf('{"a":"é😀"}\r\n\n  \n{"b":"\u2028"}\nlast', size)).toEqual([
      line('{"a":"é😀"}'),
      line('{"b":"\u2028"}'),
      line("last"),
    ]);
  },
);

test("a line that is too long is told once, and what follows is read", () => {
  for (const size of [1, 5, 4096])
    expect(linesOf(`${"x".repeat(50)}\nok\n${"y".repeat(11)}`, size, 10)).toEqual([
      { kind: "too long" },
      line("ok"),
      { kind: "too long" },
    ]);
});

test("a long line costs what it weighs: not its square", () => {
  const cost = (bytes: number) => {
    const split = splitFrames();
    const piece = Buffer.alloc(1024, "x");
    const began = process.cpuUsage();
    for (let at = 0; at < bytes; at += piece.length) split.push(piece);
    expect(split.push(Buffer.from("\n"))).toHaveLength(1);
    const { user, system } = process.cpuUsage(began);
    return user + system;
  };
  cost(1024 ** 2);
  const [small, large] = [cost(2 * 1024 ** 2), cost(16 * 1024 ** 2)];
  expect(large / small).toBeLessThan(40);
});

test("messages go out whole, in order, one at a time; after the reader is gone none does, and it is told once", async () => {
  const out: string[] = [];
  let going = 0;
  let broken = 0;
  const write = frameWriter(
    async (bytes) => {
      going += 1;
      expect(going).toBe(1);
      await Promise.resolve();
      going -= 1;
      if (out.length === 2) throw new Error("EPIPE");
      out.push(Buffer.from(bytes).toString());
    },
    () => (broken += 1),
  );
  await Promise.all([1, 2, 3, 4].map((n) => write({ n, text: "\ud83d" })));
  await write.drained();
  expect([out, broken]).toEqual([['{"n":1,"text":"\\ud83d"}\n', '{"n":2,"text":"\\ud83d"}\n'], 1]);
});
