// One record of a ledger: its hash covers every field, its signature run, place and hash.

import { describe, expect, test } from "bun:test";
import { createHash, generateKeyPairSync } from "node:crypto";
import * as v from "valibot";
import {
  CHECKPOINTS,
  GENESIS,
  hashRecord,
  isSignedBy,
  type LedgerRecord,
  recordSchema,
  signRecord,
} from "#harness/record.ts";

const body = {
  v: 1 as const,
  run: "run_1_aa",
  seq: 3,
  ts: "2026-01-02T03:04:05.678Z",
  event: "agent.exited",
  data: { code: 0, signal: null, deep: { list: [1, "two", { three: true }], "": "empty name" } },
  prev: "ab".repeat(32),
};
const record: LedgerRecord = { ...body, hash: hashRecord(body) };
const keys = generateKeyPairSync("ed25519");
const signed: LedgerRecord = { ...record, sig: signRecord(record, keys.privateKey) };

describe("the hash", () => {
  test("is SHA-256 over the sorted, spaceless JSON of the rest", () => {
    const text =
      '{"data":{"code":0,"deep":{"":"empty name","list":[1,"two",{"three":true}]},"signal":null},"event":"agent.exited",' +
      `"prev":"${body.prev}","run":"run_1_aa","seq":3,"ts":"2026-01-02T03:04:05.678Z","v":1}`;
    expect(record.hash).toBe(createHash("sha256").update(text).digest("hex"));
    expect(record.hash).toMatch(/^[0-9a-f]{64}$/);
  });

  const edits: [string, Partial<typeof body> | { data: LedgerRecord["data"] } | { v: number }][] = [
    ["the version", { v: 2 }],
    ["the run", { run: "run_1_ab" }],
    ["the sequence", { seq: 4 }],
    ["the time", { ts: "2026-01-02T03:04:05.679Z" }],
    ["the event", { event: "agent.launched" }],
    ["the previous hash", { prev: GENESIS }],
    ["a value", { data: { ...body.data, code: 1 } }],
    ["a value's kind", { data: { ...body.data, code: "0" } }],
    ["a null left out", { data: { code: 0, deep: body.data.deep } }],
    ["a member added", { data: { ...body.data, more: null } }],
    ["a member renamed", { data: { code: 0, Signal: null, deep: body.data.deep } }],
    ["something deep", { data: { ...body.data, deep: { list: [1, "two", { three: false }], "": "empty name" } } }],
    ["the order of a list", { data: { ...body.data, deep: { list: ["two", 1, { three: true }], "": "empty name" } } }],
    ["all data", { data: {} }],
  ];
  for (const [name, edit] of edits) {
    test(`covers ${name}`, () => expect(hashRecord({ ...body, ...edit } as typeof body)).not.toBe(record.hash));
  }

  test("every two of those differ", () => {
    const all = edits.map(([, edit]) => hashRecord({ ...body, ...edit } as typeof body));
    expect(new Set(all).size).toBe(edits.length);
  });

  test("does not depend on the order of members, nor on hash and signature", () => {
    const { deep, signal, code } = body.data;
    const turned = {
      prev: body.prev,
      data: { deep, signal, code },
      event: body.event,
      ts: body.ts,
      seq: 3,
      run: body.run,
    };
    expect(hashRecord({ ...turned, v: 1 })).toBe(record.hash);
    expect(hashRecord({ ...signed, hash: "other" } as LedgerRecord)).toBe(record.hash);
  });

  test("survives the way through the file", () => {
    const odd = { ...body, data: { text: '\u2028 \u0000 \ud83d\ude00 é "\\', big: 1e21, small: 1e-7, minus: -0 } };
    expect(hashRecord(JSON.parse(JSON.stringify(odd)))).toBe(hashRecord(odd));
  });
});

describe("the signature", () => {
  test("is the key's, over run, sequence and hash", () => {
    expect(isSignedBy(signed, keys.publicKey)).toBe(true);
    expect(signed.sig).toMatch(/^[A-Za-z0-9_-]{86}$/);
  });

  const other = signRecord({ ...record, seq: 4 }, keys.privateKey);
  const cases: [string, Partial<LedgerRecord>][] = [
    ["another run", { run: "run_1_ab" }],
    ["another place", { seq: 4 }],
    ["another hash", { hash: "cd".repeat(32) }],
    ["the signature of another record", { sig: other }],
    ["an empty signature", { sig: "" }],
    ["a short signature", { sig: "AAAA" }],
    ["something that is no signature", { sig: "none at all" }],
    ["a run and sequence that read the same together", { run: "run_1_aa\n3", seq: 3 }],
  ];
  for (const [name, change] of cases) {
    test(`does not fit ${name}`, () => expect(isSignedBy({ ...signed, ...change }, keys.publicKey)).toBe(false));
  }

  test("is not anybody else's, and not there where there is none", () => {
    expect(isSignedBy(signed, generateKeyPairSync("ed25519").publicKey)).toBe(false);
    expect(isSignedBy(record, keys.publicKey)).toBe(false);
  });
});

describe("the shape", () => {
  const accepts = (value: unknown) => v.safeParse(recordSchema, value).success;

  test("with and without a signature", () => expect([accepts(record), accepts(signed)]).toEqual([true, true]));

  const { run: _run, ...runless } = record;
  const cases: [string, unknown][] = [
    ["another version", { ...record, v: 2 }],
    ["no run", runless],
    ["a sequence from 0", { ...record, seq: 0 }],
    ["half a sequence", { ...record, seq: 1.5 }],
    ["a sequence in words", { ...record, seq: "3" }],
    ["data that is a word", { ...record, data: "x" }],
    ["one member more", { ...record, note: "x" }],
    ["a list", [record]],
    ["nothing", null],
  ];
  for (const [name, value] of cases) test(`refuses ${name}`, () => expect(accepts(value)).toBe(false));
});

test("where a history begins, and which records close one", () => {
  expect([GENESIS, [...CHECKPOINTS].sort()]).toEqual(["0".repeat(64), ["checkpoint.opened", "run.completed"]]);
});
