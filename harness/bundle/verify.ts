// Checks a bundle from anywhere: read once, front to back, in bounded memory, and nothing of it is ever written to the disk. Every header must be
// what we would have written ourselves, so there are no links, no paths, no second names, no fields that two readers could read in two ways.
// Does not stop: whoever holds another key from making a bundle of his own: without `--key` the fingerprint is for a person to compare.

import { createHash, type KeyObject } from "node:crypto";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import * as v from "valibot";
import { ARTIFACT_LIMITS } from "../artifacts/store.ts";
import { isArtifactName } from "../artifacts/artifact.ts";
import { filePieces, readLines } from "../ledger-lines.ts";
import { checkLedger, type LedgerState, type Verification } from "../verify.ts";
import {
  fingerprint,
  type Manifest,
  manifestSchema,
  MAX_KEY_BYTES,
  MAX_MANIFEST_BYTES,
  names,
  readPublicKey,
} from "./bundle.ts";
import { END, HEADER_BYTES, type Member, padding, readHeader } from "./tar.ts";

/** `pinned`: the key is the one that was asked for. `missing` are artifacts the ledger names and the bundle has not. */
export type BundleVerification = {
  state: LedgerState;
  run: string | null;
  key: string | null;
  pinned: boolean;
  records: number;
  line: number | null;
  artifacts: number;
  missing: string[];
  reason: string | null;
};

const MAX_MISSING_LISTED = 20;
const MAX_ARTIFACTS = 100_000;

/** Why a bundle is none; the words are shown. */
class Refused extends Error {}

/** Bytes of a file, so many at a time, none of them twice. */
function makeReader(file: string) {
  const pieces = filePieces(file);
  let rest: Uint8Array = new Uint8Array();
  /** Up to `most` bytes that are at hand; empty at the end. */
  const some = (most: number): Uint8Array => {
    if (rest.length === 0) rest = Uint8Array.from(pieces.next().value ?? []);
    const taken = rest.subarray(0, most);
    rest = rest.subarray(taken.length);
    return taken;
  };
  const each = (bytes: number, act: (piece: Uint8Array) => void) => {
    for (let left = bytes; left > 0;) {
      const piece = some(left);
      if (piece.length === 0) throw new Refused("it ends in the middle");
      act(piece);
      left -= piece.length;
    }
  };
  const whole = (bytes: number): Buffer => {
    const parts: Uint8Array[] = [];
    each(bytes, (piece) => parts.push(piece));
    return Buffer.concat(parts);
  };
  const zeros = (bytes: number) =>
    each(bytes, (piece) => {
      if (piece.some((byte) => byte !== 0)) throw new Refused("there is something between its members");
    });
  return { some, each, whole, zeros };
}
type Reader = ReturnType<typeof makeReader>;

function nextMember(reader: Reader): Member | undefined {
  const member = readHeader(reader.whole(HEADER_BYTES));
  if (member === "foreign") throw new Refused("it has a member that is not one of a bundle");
  return member;
}

function readSmall(reader: Reader, name: string, most: number): Buffer {
  const member = nextMember(reader);
  if (member?.name !== name) throw new Refused(`its ${name} is not where it belongs`);
  if (member.bytes > most) throw new Refused(`its ${name} is too large`);
  const content = reader.whole(member.bytes);
  reader.zeros(padding(member.bytes));
  return content;
}

/** Reads the ledger: what came of it, and the artifacts it names with their sizes. */
function readLedger(
  reader: Reader,
  manifest: Manifest,
  key: KeyObject,
): { checked: Verification; named: Map<string, number> } {
  const member = nextMember(reader);
  if (member?.name !== names.ledger) throw new Refused(`its ${names.ledger} is not where it belongs`);
  const check = checkLedger(manifest.run, key, manifest.head);
  const lines = readLines();
  const named = new Map<string, number>();
  reader.each(member.bytes, (piece) => {
    for (const line of lines.push(piece)) {
      const record = check.take(line);
      if (record?.event !== "artifact.stored" || named.size >= MAX_ARTIFACTS) continue;
      const { sha256, bytes } = record.data;
      if (typeof sha256 === "string" && typeof bytes === "number") named.set(sha256, bytes);
    }
  });
  reader.zeros(padding(member.bytes));
  return { checked: check.finish(lines.torn()), named };
}

/** Reads artifacts to the end of the bundle; the names of those that are there. */
function readArtifacts(reader: Reader, named: ReadonlyMap<string, number>): Set<string> {
  const found = new Set<string>();
  let last = "";
  for (let member = nextMember(reader); member !== undefined; member = nextMember(reader)) {
    const name = member.name.slice(names.artifacts.length);
    if (!member.name.startsWith(names.artifacts) || !isArtifactName(name) || member.bytes > ARTIFACT_LIMITS.each)
      throw new Refused("it has a member that is not one of a bundle");
    if (name <= last) throw new Refused("it has a member twice, or out of order");
    if (named.get(name) !== member.bytes) throw new Refused("it has an artifact that is not this run's");
    const hash = createHash("sha256");
    reader.each(member.bytes, (piece) => hash.update(piece));
    reader.zeros(padding(member.bytes));
    if (hash.digest("hex") !== name) throw new Refused("an artifact is not what its name says");
    found.add(name);
    last = name;
  }
  reader.zeros(END.length - HEADER_BYTES);
  if (reader.some(1).length > 0) throw new Refused("something follows its end");
  return found;
}

function readManifest(reader: Reader): Manifest {
  const text = readSmall(reader, names.manifest, MAX_MANIFEST_BYTES).toString("utf8");
  const parsed = v.safeParse(manifestSchema, parseJson(text));
  if (!parsed.success) throw new Refused(`its ${names.manifest} is none`);
  return parsed.output;
}

/** The public key in a file. Throws `usage` when it is none. */
export function readPin(file: string): KeyObject {
  let text = "";
  try {
    for (const piece of filePieces(file))
      if (text.length <= MAX_KEY_BYTES) text += Buffer.from(piece).toString("latin1");
  } catch {
    throw new BrokeError("usage", "--key: the file cannot be read");
  }
  const key = text.length > MAX_KEY_BYTES ? undefined : readPublicKey(text);
  if (key === undefined) throw new BrokeError("usage", "--key: not an Ed25519 public key in PEM");
  return key;
}

/** Checks a bundle. `pin` is the only key that is believed. Throws `usage` when there is no such file; everything else is a result. */
export function verifyBundle(file: string, pin: KeyObject | undefined): BundleVerification {
  const result: BundleVerification = {
    ...{ state: "tampered", run: null, key: null, pinned: pin !== undefined },
    ...{ records: 0, line: null, artifacts: 0, missing: [], reason: null },
  };
  try {
    const reader = makeReader(file);
    const manifest = readManifest(reader);
    result.run = manifest.run;
    const key = readPublicKey(readSmall(reader, names.key, MAX_KEY_BYTES).toString("utf8"));
    if (key === undefined) throw new Refused("its key is none");
    result.key = fingerprint(key);
    if (result.key !== manifest.key) throw new Refused("its key is not the one it names");
    if (pin !== undefined && fingerprint(pin) !== result.key) throw new Refused("it is signed by another key");
    const { checked, named } = readLedger(reader, manifest, key);
    Object.assign(result, checked);
    if (checked.state === "tampered") return result;
    const found = readArtifacts(reader, named);
    result.artifacts = found.size;
    const missing = [...named.keys()].filter((name) => !found.has(name));
    result.missing = missing.slice(0, MAX_MISSING_LISTED);
    if (missing.length > 0) throw new Refused(`${missing.length} of its artifacts are missing`);
    return result;
  } catch (error) {
    if (error instanceof Refused) return { ...result, state: "tampered", reason: error.message };
    if (error instanceof RangeError)
      return { ...result, state: "tampered", reason: "a line of its ledger is too long" };
    if ((error as NodeJS.ErrnoException).code !== undefined)
      throw new BrokeError(
        "usage",
        "neither a run of this home nor a bundle that can be read",
        "`broke harness list` shows the runs",
      );
    throw error;
  }
}
