// Artifacts by content: redacted first, whole or cut and said so, never through a link, never what they are not.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openArtifacts, readArtifact } from "#harness/artifacts/store.ts";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";

const hash = (text: string) => createHash("sha256").update(text).digest("hex");
let dir: string;
let folder: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "broke-artifacts-"));
  folder = join(dir, "artifacts");
});
afterEach(() => rmSync(dir, { recursive: true }));

function open(limits = { each: 1000, all: 1600 }) {
  const events: [string, Record<string, Json>][] = [];
  const append = (event: string, data: Record<string, Json>) => void events.push([event, data]);
  return { store: openArtifacts({ folder, append, redact: makeRedactor(["the-secret-value"]), limits }), events };
}
const text = (words: string) => ({ kind: "text", text: words }) as const;

test("is a private file named by what is in it, and is recorded after it is there", () => {
  const seen: string[][] = [];
  const store = openArtifacts({ folder, append: () => seen.push(readdirSync(folder)), redact: makeRedactor() });
  const first = store.put({ kind: "diff", class: "observation", content: text("what changed") })!;
  const second = store.put({ kind: "review", class: "inference", content: text("fine"), derivedFrom: [first] });
  expect(first).toEqual({
    ...{ kind: "diff", class: "observation", sha256: hash("what changed"), bytes: 12, cut: 0, derived_from: [] },
  });
  expect(second).toMatchObject({ class: "inference", derived_from: [first.sha256] });
  expect(seen[0]).toEqual([first.sha256]);
  expect(readFileSync(join(folder, first.sha256), "utf8")).toBe("what changed");
  expect([folder, join(folder, first.sha256)].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
});

test("text is never a value, whatever it says and wherever it is cut", () => {
  const { store } = open({ each: 20, all: 1600 });
  for (const words of ['{"kind":1}', ` \n{"kind":1}${" ".repeat(20)}x`]) {
    const { sha256 } = store.put({ kind: "verification_output", class: "observation", content: text(words) })!;
    expect(readFileSync(join(folder, sha256), "utf8")).toStartWith("(text)\n");
  }
});

test("secrets go before anything is quoted, so what is stored still is what it was", () => {
  const { store } = open();
  const value = { path: 'token=aaaaaaaa"x', said: "the-secret-value", key: "-----BEGIN PRIVATE KEY-----\nabc" };
  const json = store.put({ kind: "attribution", class: "inference", content: { kind: "json", value } })!;
  const lines = store.put({
    kind: "transcript",
    class: "observation",
    content: { kind: "lines", values: [[0, "o", "the-secret-value"], [1]] },
  })!;
  expect(JSON.parse(readFileSync(join(folder, json.sha256), "utf8"))).toEqual({
    ...{ path: 'token=[redacted]"x', said: "[redacted]", key: "[redacted]" },
  });
  expect(readFileSync(join(folder, lines.sha256), "utf8")).toBe('[0,"o","[redacted]"]\n[1]\n');
});

describe("what does not fit", () => {
  test("a text is cut, a value is not stored, of lines the first are; each is said in words", () => {
    const { store, events } = open();
    const long = store.put({ kind: "diff", class: "observation", content: text("é".repeat(600)), cut: 7 });
    const value = store.put({
      kind: "commands",
      class: "observation",
      content: { kind: "json", value: "x".repeat(2000) },
    });
    const lines = store.put({
      kind: "transcript",
      class: "observation",
      content: { kind: "lines", values: ["a", "b".repeat(2000), "c"] },
    });
    expect([long?.bytes, long?.cut, value, lines?.bytes, lines?.cut]).toEqual([1000, 207, undefined, 4, 2007]);
    expect(events[1]).toEqual(["artifact.omitted", { kind: "commands", class: "observation", bytes: 2002 }]);
    expect(store.cuts()).toEqual([
      "207 bytes of the diff were not kept",
      "2002 bytes of the commands were not kept",
      "2007 bytes of the transcript were not kept",
    ]);
  });

  test("a worker that fills the store leaves room for what the supervisor concludes", () => {
    const { store } = open();
    const put = (kind: "diff" | "evidence", fill: string) =>
      store.put({ kind, class: "observation", content: text(fill.repeat(1000)) })?.bytes;
    expect([put("diff", "a"), put("diff", "b"), put("diff", "c"), put("evidence", "d")]).toEqual([
      1000,
      500,
      undefined,
      100,
    ]);
  });
});

describe("is not read", () => {
  const stored = () => open().store.put({ kind: "diff", class: "observation", content: text("x") })!.sha256;

  test("changed", () => {
    const name = stored();
    writeFileSync(join(folder, name), "y");
    expect(readArtifact(folder, name)).toBeUndefined();
  });

  test("through a link, though it leads to the very same", () => {
    const name = stored();
    writeFileSync(join(dir, "elsewhere"), "x");
    unlinkSync(join(folder, name));
    symlinkSync(join(dir, "elsewhere"), join(folder, name));
    expect(readArtifact(folder, name)).toBeUndefined();
  });

  test("by a name that is a path", () => {
    stored();
    expect([readArtifact(folder, "../elsewhere"), readArtifact(folder, "")]).toEqual([undefined, undefined]);
  });

  test("and one that was damaged on the disk is stored anew", () => {
    const name = stored();
    writeFileSync(join(folder, name), "y");
    expect([stored(), readArtifact(folder, name)?.toString()]).toEqual([name, "x"]);
  });
});
