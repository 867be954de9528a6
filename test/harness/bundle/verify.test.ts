// A bundle from anywhere: made by us it holds; made by anybody else, in any of the ways an archive can lie, it does not.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fingerprint } from "#harness/bundle/bundle.ts";
import { padding, tarHeader } from "#harness/bundle/tar.ts";
import { verifyBundle } from "#harness/bundle/verify.ts";
import { type LedgerRecord, signRecord } from "#harness/record.ts";
import { canonicalJson } from "#src/core/json.ts";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";

let bench: Bench;
let dir: string;
let file: string;
let id: string;
/** Members of the sound bundle. */
let sound: [name: string, content: Buffer][];

/** The members of an archive of ours. */
function membersOf(bytes: Buffer): [string, Buffer][] {
  const members: [string, Buffer][] = [];
  for (let at = 0; bytes[at] !== 0;) {
    const name = bytes.toString("latin1", at, at + 100).replace(/\0.*$/s, "");
    const size = parseInt(bytes.toString("latin1", at + 124, at + 135), 8);
    members.push([name, bytes.subarray(at + 512, at + 512 + size)]);
    at += 512 + size + padding(size);
  }
  return members;
}
const pack = (members: [string, Buffer][]) =>
  Buffer.concat([
    ...members.flatMap(([name, content]) => [
      ...[tarHeader({ name, bytes: content.length }), content, Buffer.alloc(padding(content.length))],
    ]),
    Buffer.alloc(1024),
  ]);
const check = (bytes: Buffer) => {
  const path = join(dir, "checked.tar");
  writeFileSync(path, bytes);
  const { state, reason } = verifyBundle(path, undefined);
  return { state, reason };
};
const run = async (script: string) => {
  const words = ["harness", "run", "--client", "exec", "--verify", "echo verified", "--", "sh", "-c", script];
  return runIdOf(await bench.broke(words));
};
const artifacts = () => sound.filter(([name]) => name.startsWith("artifacts/"));

beforeAll(async () => {
  bench = makeBench();
  dir = mkdtempSync(join(tmpdir(), "broke-bundle-"));
  file = join(dir, "run.tar");
  id = await run("echo x > made");
  const exported = await bench.broke(["harness", "export", id, "--out", file]);
  if (exported.code !== 0) throw new Error(exported.stderr);
  sound = membersOf(readFileSync(file));
});
afterAll(() => {
  bench[Symbol.dispose]();
  rmSync(dir, { recursive: true });
});

describe("a bundle of ours", () => {
  test("holds on another machine, names the key's fingerprint, and is the same bytes every time", async () => {
    using other = makeBench();
    const verified = await other.broke(["harness", "verify", file, "--json"]);
    expect({ code: verified.code, ...JSON.parse(verified.stdout) }).toMatchObject({
      ...{ code: 0, state: "intact", run: id, pinned: false, missing: [], artifacts: artifacts().length },
      key: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/),
    });
    expect(verified.stderr).toContain("compare its fingerprint");
    const again = join(dir, "again.tar");
    expect((await bench.broke(["harness", "export", id, "--out", again])).code).toBe(0);
    expect(readFileSync(again).equals(readFileSync(file))).toBe(true);
  });

  test("is told from one signed by another key, where the key is pinned", async () => {
    const [own, other] = [join(dir, "own.pem"), join(dir, "other.pem")];
    writeFileSync(own, sound[1]![1]);
    writeFileSync(other, generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" }));
    const verify = (key: string) => bench.broke(["harness", "verify", file, "--key", key]);
    expect([(await verify(own)).code, (await verify(other)).code, (await verify(file)).code]).toEqual([0, 1, 2]);
    expect((await verify(other)).stdout).toContain("it is signed by another key");
    expect((await verify(own)).stderr).toBe("");
  });

  test("is not written over a file, nor of a run that is not there", async () => {
    expect(await bench.broke(["harness", "export", id, "--out", file])).toMatchObject({ code: 2, stdout: "" });
    const none = ["harness", "export", "run_1800000000_00000000", "--out", join(dir, "none.tar")];
    expect(await bench.broke(none)).toMatchObject({ code: 3, stdout: "" });
    expect((await bench.broke(["harness", "verify", join(dir, "nothing.tar")])).code).toBe(2);
  });

  test("packed anew from its members it is the same, so the cases below differ in what they say alone", () => {
    expect(check(pack(sound))).toEqual({ state: "intact", reason: null });
  });
});

describe("does not hold", () => {
  const swap = (at: number, content: Buffer) => sound.with(at, [sound[at]![0], content]);
  const edit = (at: number, from: string, to: string) =>
    swap(at, Buffer.from(sound[at]![1].toString("utf8").replace(from, to)));
  const last = () => sound.length - 1;
  const header = (change: (header: Buffer) => void) => {
    const bytes = Buffer.from(pack(sound));
    change(bytes.subarray(0, 512));
    bytes.write(" ".repeat(8), 148);
    const sum = bytes.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return bytes;
  };
  const foreign = "it has a member that is not one of a bundle";

  test.each([
    [
      "a ledger that was edited",
      () => pack(edit(2, '"outcome":"completed"', '"outcome":"complete"')),
      "the record was edited",
    ],
    [
      "a ledger cut short",
      () => pack(swap(2, Buffer.from(`${sound[2]![1].toString().split("\n").slice(0, -2).join("\n")}\n`))),
      "the ledger ends before its recorded head",
    ],
    [
      "an artifact that was edited",
      () => pack(swap(last(), Buffer.alloc(sound[last()]![1].length, "z"))),
      "an artifact is not what its name says",
    ],
    [
      "an artifact of another size",
      () => pack(swap(last(), Buffer.from("z"))),
      "it has an artifact that is not this run's",
    ],
    ["an artifact left out", () => pack(sound.slice(0, -1)), "1 of its artifacts are missing"],
    ["an artifact twice", () => pack([...sound, sound[last()]!]), "it has a member twice, or out of order"],
    [
      "another order",
      () => pack([...sound.slice(0, 3), ...sound.slice(3).reverse()]),
      "it has a member twice, or out of order",
    ],
    ["a second ledger", () => pack([...sound, sound[2]!]), foreign],
    ["a path out of it", () => pack([...sound, ["artifacts/../../etc/passwd", Buffer.from("x")]]), foreign],
    ["an absolute path", () => pack([...sound, ["/etc/passwd", Buffer.from("x")]]), foreign],
    ["a member it does not know", () => pack([...sound, ["zzz", Buffer.from("x")]]), foreign],
    ["a link", () => header((bytes) => void bytes.write("2", 156)), foreign],
    ["a link's target", () => header((bytes) => void bytes.write("/etc/passwd", 157)), foreign],
    ["a setuid mode", () => header((bytes) => void bytes.write("0004755\0", 100)), foreign],
    ["an owner", () => header((bytes) => void bytes.write("0001750\0", 108)), foreign],
    ["a prefix", () => header((bytes) => void bytes.write("other/", 345)), foreign],
    [
      "a size no reader takes",
      () => header((bytes) => void bytes.write("77777777777\0", 124)),
      "its manifest.json is too large",
    ],
    ["a size in another spelling", () => header((bytes) => void bytes.write("      00321\0", 124)), foreign],
    ["a manifest that is none", () => pack(swap(0, Buffer.from("{}"))), "its manifest.json is none"],
    ["a key that is none", () => pack(swap(1, Buffer.from("PUBLIC KEY"))), "its key is none"],
    ["something after its end", () => Buffer.concat([pack(sound), Buffer.from("x")]), "something follows its end"],
    ["an end in the middle", () => pack(sound).subarray(0, -700), "it ends in the middle"],
    ["nothing", () => Buffer.alloc(0), "it ends in the middle"],
    ["a file of any kind", () => Buffer.from("#!/bin/sh\n".repeat(100)), foreign],
    [
      "something between its members",
      () => {
        const bytes = Buffer.from(pack(sound));
        bytes.write("x", 512 + sound[0]![1].length);
        return bytes;
      },
      "there is something between its members",
    ],
  ] as [string, () => Buffer, string][])("with %s", (_, make, reason) => {
    expect(check(make())).toEqual({ state: "tampered", reason });
  });

  test("with the artifact of another run, whatever that one says", async () => {
    const other = await run("echo other > other");
    const path = join(dir, "other.tar");
    await bench.broke(["harness", "export", other, "--out", path]);
    const theirs = membersOf(readFileSync(path)).filter(
      ([name]) => name.startsWith("artifacts/") && !sound.some(([known]) => known === name),
    );
    const mixed = [...sound.slice(0, 3), ...[...artifacts(), ...theirs].sort(([a], [b]) => (a < b ? -1 : 1))];
    expect(check(pack(mixed))).toEqual({ state: "tampered", reason: "it has an artifact that is not this run's" });
    expect(check(pack([...sound.slice(0, 2), membersOf(readFileSync(path))[2]!, ...artifacts()]))).toMatchObject({
      ...{ state: "tampered", reason: "the record belongs to another run" },
    });
  });

  test("with a whole history by somebody else, once the key is pinned; without, the fingerprint is what tells", () => {
    const theirs = generateKeyPairSync("ed25519");
    const lines = sound[2]![1].toString().trim().split("\n");
    const signed = lines.map((line) => {
      const record = JSON.parse(line) as LedgerRecord;
      return JSON.stringify("sig" in record ? { ...record, sig: signRecord(record, theirs.privateKey) } : record);
    });
    const manifest = JSON.parse(sound[0]![1].toString()) as { key: string };
    const forged = pack([
      [sound[0]![0], Buffer.from(canonicalJson({ ...manifest, key: fingerprint(theirs.publicKey) }))],
      [sound[1]![0], Buffer.from(theirs.publicKey.export({ type: "spki", format: "pem" }).toString())],
      [sound[2]![0], Buffer.from(`${signed.join("\n")}\n`)],
      ...artifacts(),
    ]);
    const path = join(dir, "forged.tar");
    writeFileSync(path, forged);
    const honest = createPublicKey(sound[1]![1].toString());
    expect(verifyBundle(path, undefined)).toMatchObject({ state: "intact", key: fingerprint(theirs.publicKey) });
    expect(fingerprint(theirs.publicKey)).not.toBe(manifest.key);
    expect(verifyBundle(path, honest)).toMatchObject({ state: "tampered", reason: "it is signed by another key" });
    expect(check(pack(swap(1, Buffer.from(theirs.publicKey.export({ type: "spki", format: "pem" })))))).toEqual({
      ...{ state: "tampered", reason: "its key is not the one it names" },
    });
  });
});

test("a run whose artifact was changed on the disk does not verify, and its bundle says what is missing", async () => {
  const own = await run("echo y > made");
  const folder = join(bench.home, "runs", own, "artifacts");
  const victim = JSON.parse((await bench.broke(["harness", "diff", own, "--json"])).stdout).sha256 as string;
  expect((await bench.broke(["harness", "verify", own])).code).toBe(0);
  writeFileSync(join(folder, victim), "nothing was changed\n");
  expect(await bench.broke(["harness", "verify", own])).toMatchObject({
    ...{ code: 1, stdout: expect.stringContaining("an artifact it names is gone, or is not what it was") },
  });
  expect(await bench.broke(["harness", "diff", own])).toMatchObject({ code: 3, stdout: "" });
  const path = join(dir, "damaged.tar");
  const exported = await bench.broke(["harness", "export", own, "--out", path]);
  expect([exported.code, exported.stderr.includes(victim)]).toEqual([1, true]);
  expect(check(readFileSync(path))).toEqual({ state: "tampered", reason: "1 of its artifacts are missing" });
});
