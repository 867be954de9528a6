// What is kept of a client's output, and what becomes of somebody who does not read.

import { expect, test } from "bun:test";
import { KEPT_BYTES, makeOutputTap, type Viewer } from "#harness/supervision/output.ts";

const viewer = (take = Infinity) => {
  const got: Buffer[] = [];
  const ended: string[] = [];
  const it: Viewer = {
    write(bytes) {
      const piece = Buffer.from(bytes.subarray(0, Math.min(take, bytes.length)));
      got.push(piece);
      return piece.length;
    },
    end: (why) => void ended.push(why),
  };
  return { it, text: () => Buffer.concat(got).toString(), ended };
};

test("whoever comes late sees what was written last, then what comes, until the end", () => {
  const tap = makeOutputTap();
  tap.feed(Buffer.from("a".repeat(KEPT_BYTES) + "last"));
  const late = viewer();
  tap.view(late.it);
  tap.feed(Buffer.from(" more"));
  expect({ length: late.text().length, end: late.text().slice(-9) }).toEqual({
    length: KEPT_BYTES + 5,
    end: "last more",
  });
  tap.close();
  expect(late.ended).toEqual(["over"]);
});

test("two see the same; one that leaves keeps nobody", () => {
  const tap = makeOutputTap();
  const [one, two] = [viewer(), viewer()];
  const first = tap.view(one.it);
  tap.view(two.it);
  tap.feed(Buffer.from("x"));
  first.leave();
  tap.feed(Buffer.from("y"));
  expect([one.text(), two.text()]).toEqual(["x", "xy"]);
});

test("what somebody does not take waits for them, up to a bound, and holds nobody else", () => {
  const tap = makeOutputTap();
  const [slow, quick] = [viewer(0), viewer()];
  tap.view(slow.it);
  tap.view(quick.it);
  for (let at = 0; at < 40; at++) tap.feed(Buffer.alloc(32 * 1024, "z"));
  expect({ slow: slow.ended, quick: quick.text().length }).toEqual({ slow: ["too slow"], quick: 40 * 32 * 1024 });
});

test("the end waits for what is still to be taken", () => {
  const tap = makeOutputTap();
  const piecemeal = viewer(1);
  const view = tap.view(piecemeal.it);
  tap.feed(Buffer.from("abc"));
  tap.close();
  expect(piecemeal.ended).toEqual([]);
  view.drain();
  view.drain();
  expect({ text: piecemeal.text(), ended: piecemeal.ended }).toEqual({ text: "abc", ended: ["over"] });
});
