// The queue of questions, and what counts as an answer.

import { describe, expect, test } from "bun:test";
import { makeAsker, type Wanted } from "#harness/asking.ts";
import { type Answer, drawQuestion, questionLines, readAnswer } from "#harness/question.ts";

const wanted = (subject: string): Wanted => ({
  ...{ permission: "run", title: "may it?", subject, rows: [["program", subject]], keys: [`run ${subject}`] },
});

/** An asker whose questions are answered by the test. */
function desk(timeoutMs?: number) {
  const shown: { title: string; answer(answer: Answer | undefined): void }[] = [];
  const events: string[] = [];
  const asker = makeAsker({
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    put(question, over) {
      const { promise, resolve } = Promise.withResolvers<Answer | undefined>();
      over.addEventListener("abort", () => resolve(undefined));
      shown.push({ title: question.title, answer: resolve });
      return promise;
    },
    record: (event, { subject, answer, by }) => events.push(`${event} ${subject} ${answer} ${by}`),
  });
  const turn = async (count: number) => {
    while (shown.length < count) await Bun.sleep(1);
    return shown[count - 1]!;
  };
  return { asker, shown, events, turn };
}

describe("the queue", () => {
  test("one question at a time, in order; the rest of the queue is told", async () => {
    const { asker, shown, events, turn } = desk();
    const asked = ["a", "b", "c"].map((subject) => asker.ask(wanted(subject)));
    (await turn(1)).answer("once");
    (await turn(2)).answer("deny");
    (await turn(3)).answer("run");
    expect(await Promise.all(asked)).toEqual([true, false, true]);
    expect(shown.map(({ title }) => title)).toEqual(["may it? (2 more wait)", "may it? (1 more wait)", "may it?"]);
    expect(events).toEqual([
      "permission.answered a once person",
      "permission.answered b deny person",
      "permission.answered c run person",
    ]);
  });

  test("an answer for the run, and a denial, hold; also for those that wait already", async () => {
    const { asker, shown, turn } = desk();
    const first = [asker.ask(wanted("a")), asker.ask(wanted("a")), asker.ask(wanted("b")), asker.ask(wanted("b"))];
    (await turn(1)).answer("run");
    (await turn(2)).answer("deny");
    expect(await Promise.all(first)).toEqual([true, true, false, false]);
    expect([await asker.ask(wanted("a")), await asker.ask(wanted("b")), shown.length]).toEqual([true, false, 2]);
  });

  test("several files: one that was denied denies, all must have been granted", async () => {
    const { asker, turn } = desk();
    const both = { ...wanted("a b"), keys: ["run a", "run b"] };
    const one = asker.ask(wanted("a"));
    (await turn(1)).answer("run");
    expect(await one).toBe(true);
    const two = asker.ask(both);
    (await turn(2)).answer("deny");
    expect([await two, await asker.ask(wanted("a"))]).toEqual([false, false]);
  });

  test("nobody answers: denied, and not asked again at once", async () => {
    const { asker, shown, events } = desk(20);
    expect([await asker.ask(wanted("a")), await asker.ask(wanted("a")), shown.length]).toEqual([false, false, 1]);
    expect(events).toEqual(["permission.answered a deny timeout"]);
  });

  test("nobody wants it any more", async () => {
    const { asker, events, turn } = desk();
    const gone = new AbortController();
    const asked = asker.ask(wanted("a"), gone.signal);
    await turn(1);
    gone.abort();
    expect(await asked).toBe(false);
    expect(events).toEqual(["permission.answered a deny withdrawn"]);
  });

  test("stopped: every question is taken back and on record before it is over", async () => {
    const { asker, events, turn } = desk();
    const asked = ["a", "b"].map((subject) => asker.ask(wanted(subject)));
    await turn(1);
    await asker.stop();
    expect(events).toEqual(["permission.answered a deny withdrawn", "permission.answered b deny withdrawn"]);
    expect(await Promise.all(asked)).toEqual([false, false]);
  });

  test("more than can be asked is denied unasked", async () => {
    const { asker, events, turn } = desk();
    const asked = Array.from({ length: 40 }, (_, at) => asker.ask(wanted(String(at))));
    await turn(1);
    await asker.stop();
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 40 }, () => false));
    const by = (reason: string) => events.filter((line) => line.endsWith(reason)).length;
    expect([by("too many questions"), by("withdrawn")]).toEqual([8, 32]);
  });
});

describe("the answer", () => {
  /** Feeds reads, each with the milliseconds since the one before. */
  function read(...pieces: [string, number][]) {
    let now = 0;
    const reader = readAnswer(() => now);
    let answer: Answer | undefined;
    for (const [text, after] of pieces) {
      now += after;
      answer ??= reader.feed(Buffer.from(text));
    }
    return { answer, forClient: Buffer.from(reader.forClient()).toString() };
  }
  test.each([
    [
      "a letter and Enter",
      [
        ["o", 500],
        ["\r", 50],
      ],
      "once",
      "",
    ],
    [
      "for the run",
      [
        ["r", 500],
        ["\r", 50],
      ],
      "run",
      "",
    ],
    [
      "deny",
      [
        ["d", 500],
        ["\n", 50],
      ],
      "deny",
      "",
    ],
    [
      "typed before it could be read",
      [
        ["o", 100],
        ["\r", 50],
      ],
      undefined,
      "o\r",
    ],
    [
      "typed on and on",
      [
        ["o", 300],
        ["\r", 300],
        ["r", 300],
        ["\r", 300],
      ],
      undefined,
      "o\rr\r",
    ],
    ["in one piece", [["o\r", 500]], undefined, ""],
    [
      "two letters",
      [
        ["o", 500],
        ["r", 50],
        ["\r", 50],
      ],
      undefined,
      "",
    ],
    [
      "corrected",
      [
        ["x", 500],
        ["\u007f", 50],
        ["o", 50],
        ["\r", 50],
      ],
      "once",
      "",
    ],
    [
      "a wrong one, then a right one",
      [
        ["y", 500],
        ["\r", 50],
        ["o", 50],
        ["\r", 50],
      ],
      "once",
      "",
    ],
    [
      "Enter alone",
      [
        ["\r", 500],
        ["\r", 50],
      ],
      undefined,
      "",
    ],
    [
      "a terminal's report in between",
      [
        ["o", 500],
        ["\u001b[1;1R", 50],
        ["\r", 50],
      ],
      undefined,
      "",
    ],
    ["Ctrl-C, at any time", [["\u0003", 10]], "deny", "\u0003"],
    [
      "capital letters",
      [
        ["O", 500],
        ["\r", 50],
      ],
      undefined,
      "",
    ],
  ] as [string, [string, number][], Answer | undefined, string][])("%s", (_, pieces, answer, forClient) => {
    expect(read(...pieces)).toEqual({ answer, forClient });
  });
});

describe("the drawing", () => {
  const size = { columns: 40, rows: 24 };
  test("everything invisible is visible, long values are cut and say so", () => {
    const rows: [string, string][] = [
      ["program", "/x/\u001b[2J\u202e\u200b\r\n"],
      ["words", "w".repeat(1000)],
    ];
    const lines = questionLines({ title: "may it?", rows }, size, "o", "");
    expect(lines.slice(0, 4)).toEqual([
      "broke: may it?",
      "",
      "  program   /x/\\u{1b}[2J\\u{202e}\\u{200b}",
      "            \\u{d}\\u{a}",
    ]);
    expect(lines.slice(-4)).toEqual([
      "            … and 860 more characters",
      "",
      "o once  r this run  d deny, then Enter",
      "> o",
    ]);
    expect(lines.filter((line) => Bun.stringWidth(line) > size.columns)).toEqual([]);
  });

  test("on a small window the answer's line stays", () => {
    const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`);
    const drawn = drawQuestion(lines, { columns: 40, rows: 5 });
    expect(drawn).toContain("line 19");
    expect(drawn).not.toContain("line 14");
  });
});
