// What may have happened to a ledger, and what verifying it says: the state, the first bad line, the reason.

import { afterAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Head, Ledger } from "#harness/ledger.ts";
import { GENESIS, hashRecord, type LedgerRecord, signRecord } from "#harness/record.ts";
import { parseLedger, type Verification, verifyLedger } from "#harness/verify.ts";

const RUN = "run_1_aa";
const keys = generateKeyPairSync("ed25519");
const folder = mkdtempSync(join(tmpdir(), "broke-verify-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A ledger as the product writes it; the head it saved last. */
function written(events: string[], run = RUN): { lines: string[]; heads: Head[] } {
  const file = join(folder, `${Bun.randomUUIDv7()}.jsonl`);
  const heads: Head[] = [];
  let now = 1_700_000_000_000;
  using ledger = new Ledger({
    ...{ file, run, key: keys.privateKey },
    clock: () => now++,
    redact: Object.assign((text: string) => text, { add() {} }),
    saveHead: (head) => heads.push(head),
  });
  for (const [index, event] of events.entries()) ledger.append(event, { index, text: "a é \u2028" });
  return { lines: readFileSync(file, "utf8").trimEnd().split("\n"), heads };
}

const EVENTS = [
  "run.registered",
  "checkpoint.opened",
  "agent.launched",
  "agent.exited",
  "checkpoint.opened",
  "run.completed",
];
const { lines, heads } = written(EVENTS);
const head = heads.at(-1)!;
const text = (given: string[]) => given.map((line) => `${line}\n`).join("");
const record = (index: number) => JSON.parse(lines[index]!) as LedgerRecord;
const replaced = (index: number, change: Partial<LedgerRecord>) =>
  text(lines.with(index, JSON.stringify({ ...record(index), ...change })));

/** Records forged from `index` on so that the chain fits again, with signatures by `key` or as they were. */
function rechained(change: (record: LedgerRecord, index: number) => LedgerRecord, key = keys.privateKey, sign = false) {
  let prev = GENESIS;
  const made = lines.map((line, index) => {
    const edited = { ...change(JSON.parse(line) as LedgerRecord, index), prev };
    edited.hash = hashRecord(edited);
    if (sign && edited.sig !== undefined) edited.sig = signRecord(edited, key);
    prev = edited.hash;
    return JSON.stringify(edited);
  });
  return text(made);
}

const tampered = (line: number, reason: string, records = lines.length): Verification => ({
  ...{ state: "tampered", records, line, reason },
});
const incomplete = (records: number, reason: string): Verification => ({
  ...{ state: "incomplete", records, line: null, reason },
});
const intact: Verification = { state: "intact", records: lines.length, line: null, reason: null };
const verify = (given: string, at: Head | undefined = head, run = RUN, key = keys.publicKey) =>
  verifyLedger(given, run, key, at);

test("as it was written", () => {
  expect(heads.map(({ seq }) => seq)).toEqual([2, 5, 6]);
  expect(verify(text(lines))).toEqual(intact);
});

const EDITED = "the record was edited";
const CHAIN = "the record does not continue the one before it";
const ORDER = "a record is missing or out of order";
const SIGNATURE = "the signature does not match";
const PLACE = "a signature is missing or misplaced";
const GARBAGE = "the line is not a ledger record";
const SHORT = "the ledger ends before its recorded head";
const DIFFERS = "the ledger differs from its recorded head";
const OTHER = "the record belongs to another run";

describe("edited", () => {
  const cases: [string, string, Verification][] = [
    ["a value", replaced(3, { data: { index: 3, text: "another" } }), tampered(4, EDITED)],
    ["a time", replaced(2, { ts: "2020-01-01T00:00:00.000Z" }), tampered(3, EDITED)],
    ["an event's name", replaced(2, { event: "agent.exited" }), tampered(3, EDITED)],
    ["a hash", replaced(2, { hash: GENESIS }), tampered(3, EDITED)],
    ["a previous hash", replaced(2, { prev: GENESIS }), tampered(3, CHAIN)],
    ["the first previous hash", replaced(0, { prev: "a".repeat(64) }), tampered(1, CHAIN)],
    ["a sequence", replaced(3, { seq: 9 }), tampered(4, ORDER)],
    ["a checkpoint made an ordinary event", replaced(1, { event: "note" }), tampered(2, EDITED)],
    ["a signature added", replaced(2, { sig: record(1).sig! }), tampered(3, PLACE)],
    ["a signature from another checkpoint", replaced(4, { sig: record(1).sig! }), tampered(5, SIGNATURE)],
    ["a garbled signature", replaced(5, { sig: "nonsense" }), tampered(6, SIGNATURE)],
    [
      "a signature taken away",
      text(lines.with(5, JSON.stringify({ ...record(5), sig: undefined }))),
      tampered(6, PLACE),
    ],
    [
      "a member added beside the others",
      text(lines.with(2, lines[2]!.replace("{", '{"note":1,'))),
      tampered(3, GARBAGE, 2),
    ],
  ];
  for (const [name, given, expected] of cases) test(name, () => expect(verify(given)).toEqual(expected));
});

describe("lines taken away, moved, added", () => {
  const without = (...gone: number[]) => text(lines.filter((_, index) => !gone.includes(index)));
  const cases: [string, string, Verification][] = [
    ["the first one deleted", without(0), tampered(1, ORDER, 5)],
    ["one in the middle deleted", without(2), tampered(3, ORDER, 5)],
    ["a checkpoint deleted", without(1), tampered(2, ORDER, 5)],
    ["two swapped", text([lines[0]!, lines[1]!, lines[3]!, lines[2]!, lines[4]!, lines[5]!]), tampered(3, ORDER)],
    ["one doubled", text(lines.toSpliced(3, 0, lines[2]!)), tampered(4, ORDER, 7)],
    ["the end cut off below its head", text(lines.slice(0, 5)), tampered(6, SHORT, 5)],
    ["the end cut off at an earlier head", text(lines.slice(0, 2)), tampered(3, SHORT, 2)],
    ["all of it", "", tampered(1, SHORT, 0)],
    ["the last line torn", text(lines).slice(0, -20), tampered(6, SHORT, 5)],
    ["a line that is no JSON", text(lines.toSpliced(3, 0, "hello")), tampered(4, GARBAGE, 3)],
    ["an empty line", text(lines.toSpliced(3, 0, "")), tampered(4, GARBAGE, 3)],
    ["an empty line at the end", `${text(lines)}\n`, tampered(7, GARBAGE)],
    ["JSON that is no record", text(lines.with(0, "{}")), tampered(1, GARBAGE, 0)],
    ["an edit in front of a garbage line", `${replaced(1, { ts: "x" })}?\n`, tampered(2, EDITED)],
  ];
  for (const [name, given, expected] of cases) test(name, () => expect(verify(given)).toEqual(expected));
});

describe("written anew with a fitting chain", () => {
  const lie = (given: LedgerRecord, index: number) =>
    index === 3 ? { ...given, data: { index: 3, text: "a lie" } } : given;
  const stranger = generateKeyPairSync("ed25519").privateKey;
  const cases: [string, string, Verification][] = [
    ["with the old signatures", rechained(lie), tampered(5, SIGNATURE)],
    ["signed by a stranger", rechained(lie, stranger, true), tampered(2, SIGNATURE)],
    [
      "signed by the right key: the head outside knows better",
      rechained(lie, keys.privateKey, true),
      tampered(6, DIFFERS),
    ],
    [
      "under another run's name",
      rechained((given) => ({ ...given, run: "run_2_bb" }), keys.privateKey, true),
      tampered(1, OTHER),
    ],
    [
      "without its signatures",
      rechained((given) => JSON.parse(JSON.stringify({ ...given, sig: undefined })) as LedgerRecord),
      tampered(2, PLACE),
    ],
  ];
  for (const [name, given, expected] of cases) test(name, () => expect(verify(given)).toEqual(expected));
});

describe("another key, another run, another head", () => {
  test("verified with another key", () => {
    expect(verify(text(lines), head, RUN, generateKeyPairSync("ed25519").publicKey)).toEqual(tampered(2, SIGNATURE));
  });

  test("another run's ledger in this one's place", () => {
    const foreign = written(EVENTS, "run_9_ff");
    expect(verify(text(foreign.lines), foreign.heads.at(-1))).toEqual(tampered(1, OTHER));
  });

  test("another run's line in the middle", () => {
    const foreign = written(EVENTS, "run_9_ff").lines[2]!;
    expect(verify(text(lines.with(2, foreign)))).toEqual(tampered(3, OTHER));
  });

  test("a head that says something else", () => {
    expect(verify(text(lines), { seq: 6, hash: GENESIS })).toEqual(tampered(6, DIFFERS));
    expect(verify(text(lines), { seq: 2, hash: head.hash })).toEqual(tampered(2, DIFFERS));
    expect(verify(text(lines), { seq: 7, hash: head.hash })).toEqual(tampered(7, SHORT));
  });
});

describe("never closed", () => {
  const CLOSED = "the run was never closed";
  const TORN = "the last line is torn";
  const cases: [string, string, Head | undefined, Verification][] = [
    ["nothing written yet, no head", "", undefined, incomplete(0, CLOSED)],
    ["nothing written yet, an empty head", "", { seq: 0, hash: GENESIS }, incomplete(0, CLOSED)],
    ["up to a checkpoint", text(lines.slice(0, 2)), heads[0], incomplete(2, CLOSED)],
    ["on past its head, unsigned", text(lines.slice(0, 4)), heads[0], incomplete(4, CLOSED)],
    ["past its head by a checkpoint that was not recorded", text(lines.slice(0, 5)), heads[0], incomplete(5, CLOSED)],
    ["closed, and the close not recorded", text(lines), heads[1], incomplete(6, "the close was not recorded")],
    ["closed, and nothing recorded", text(lines), undefined, incomplete(6, "the close was not recorded")],
    ["torn past its head", text(lines.slice(0, 4)).slice(0, -1), heads[0], incomplete(3, TORN)],
    ["torn in the first line", lines[0]!.slice(0, 10), undefined, incomplete(0, TORN)],
    ["torn after its close", `${text(lines)}{"v":1`, head, incomplete(6, TORN)],
  ];
  for (const [name, given, at, expected] of cases) {
    test(name, () => expect(verifyLedger(given, RUN, keys.publicKey, at)).toEqual(expected));
  }

  test("the unsigned part is held to the chain like the rest", () => {
    const edited = text(lines.slice(0, 4)).replace('"index":3', '"index":4');
    expect(verify(edited, heads[0]!)).toEqual(tampered(4, EDITED, 4));
  });
});

test("parsing: records up to the first line that is none", () => {
  const all = lines.map((line) => JSON.parse(line) as LedgerRecord);
  expect(parseLedger(text(lines))).toEqual({ records: all, bad: null, torn: false });
  expect(parseLedger("")).toEqual({ records: [], bad: null, torn: false });
  expect(parseLedger(`${lines[0]}\n?\n${lines[1]}`)).toEqual({ records: [all[0]!], bad: 2, torn: true });
});

describe("a line is what was written, to the letter", () => {
  const second = lines[1]!;
  const spellings: [string, string][] = [
    ["a member a parser drops", second.replace('"data":{', '"data":{"constructor":"forged",')],
    ["a prototype", second.replace('"data":{', '"data":{"__proto__":{"x":1},')],
    ["a member twice", second.replace('"seq":2', '"seq":1,"seq":2')],
    ["the data twice", second.replace('"data":', '"data":{"forged":true},"data":')],
    ["a space", second.replace('"v":1', '"v": 1')],
    ["a space behind", `${second} `],
    ["a number in another spelling", second.replace('"seq":2', '"seq":2.0')],
    ["a character in another spelling", second.replace('"event":"', '"event":"\\u0063').replace("\\u0063c", "\\u0063")],
    ["junk in the signature", second.replace(/"sig":"(.)/, '"sig":"$1!')],
  ];
  for (const [name, line] of spellings) {
    test(name, () => {
      expect(line).not.toBe(second);
      expect(verify(text(lines.with(1, line)))).toMatchObject({ state: "tampered", line: 2 });
    });
  }

  test("names that are special to a language are ordinary ones here", () => {
    const file = join(folder, "special.jsonl");
    {
      using ledger = new Ledger({
        file,
        run: RUN,
        key: keys.privateKey,
        clock: () => 0,
        redact: Object.assign((given: string) => given, { add() {} }),
        saveHead() {},
      });
      ledger.append("x", { constructor: "a", toString: "b", ["__proto__"]: "c" });
    }
    expect(verifyLedger(readFileSync(file, "utf8"), RUN, keys.publicKey, undefined)).toMatchObject({
      state: "incomplete",
      records: 1,
    });
  });
});
