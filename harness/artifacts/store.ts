// A run's artifacts: what is too large for its ledger, each a file named by the SHA-256 of what is in it, whole and on the disk before the ledger
// speaks of it. Everything passes the run's redactor first. Bounded for each and for all; what did not fit is kept as a number and in words.
// Does not stop: the operator's own account from taking files away; the ledger then names what is missing.

import { createHash, randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { Json } from "#src/core/json.ts";
import { clip, mapStrings, type Redactor } from "#src/core/text.ts";
import { type ArtifactClass, type ArtifactKind, type ArtifactRef, isArtifactName } from "./artifact.ts";

const MIB = 1024 ** 2;
/** Of one artifact, and of all of a run's. The last sixteenth is for what the supervisor itself concludes. */
export const ARTIFACT_LIMITS = { each: 16 * MIB, all: 256 * MIB } as const;
const RESERVED: ReadonlySet<ArtifactKind> = new Set(["evidence", "outcome", "attribution", "inventory"]);
const RESERVED_SHARE = 1 / 16;

/** Text, which is cut where it does not fit; a value, which is not stored then; values in lines, of which the first that fit are. */
export type Content =
  { kind: "text"; text: string } | { kind: "json"; value: unknown } | { kind: "lines"; values: readonly unknown[] };

export type NewArtifact = {
  kind: ArtifactKind;
  class: ArtifactClass;
  content: Content;
  derivedFrom?: readonly ArtifactRef[];
  /** Bytes that whoever made it left out already. */
  cut?: number;
};

export type Artifacts = {
  /** Stores one and records it. What is cut is in its `cut`; undefined: nothing of it fits any more. */
  put(artifact: NewArtifact): ArtifactRef | undefined;
  /** In words, what is not whole. */
  cuts(): string[];
};

/** Text is somebody else's: it must not be taken for a value of ours, by whoever reads artifacts without the ledger that says which is which. */
const asText = (text: string) => (/^\s*\{/.test(text) ? `(text)\n${text}` : text);

/** The bytes of a content that fit into `most`, and how many there were. Secrets go before anything is quoted: afterwards a quote could go with them. */
function spell(content: Content, redact: Redactor, most: number): { bytes: Buffer; all: number } {
  const json = (value: unknown) => JSON.stringify(mapStrings(value, redact));
  if (content.kind === "text") {
    const clean = asText(redact(content.text));
    return { bytes: Buffer.from(clip(clean, most).text), all: Buffer.byteLength(clean) };
  }
  if (content.kind === "json") {
    const bytes = Buffer.from(json(content.value));
    return { bytes: bytes.length <= most ? bytes : Buffer.alloc(0), all: bytes.length };
  }
  const lines: Buffer[] = [];
  let [all, kept] = [0, 0];
  for (const value of content.values) {
    const line = Buffer.from(`${json(value)}\n`);
    all += line.length;
    if (all > most) continue;
    kept += line.length;
    lines.push(line);
  }
  return { bytes: Buffer.concat(lines, kept), all };
}

function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  fsyncSync(fd);
  closeSync(fd);
}

/** Written under another name and then renamed: a crash never leaves half an artifact under its own. */
function writeArtifact(folder: string, name: string, bytes: Buffer): void {
  const path = join(folder, name);
  const part = join(folder, `.${randomBytes(8).toString("hex")}`);
  const fd = openSync(part, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done, bytes.length - done);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(part, path);
  syncFolder(folder);
}

/** Opens a run's store, and records through `append` what is put into it. */
export function openArtifacts({
  folder,
  append,
  redact,
  limits = ARTIFACT_LIMITS,
}: {
  folder: string;
  append(event: string, data: Record<string, Json>): void;
  redact: Redactor;
  limits?: { each: number; all: number };
}): Artifacts {
  const cuts: string[] = [];
  let held = 0;
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
  return {
    put({ kind, class: type, content, derivedFrom = [], cut = 0 }) {
      const room = limits.all * (RESERVED.has(kind) ? 1 : 1 - RESERVED_SHARE) - held;
      const { bytes, all } = spell(content, redact, Math.min(limits.each, Math.max(0, room)));
      const missing = cut + all - bytes.length;
      const words = kind.replace("_", " ");
      if (missing > 0) cuts.push(`${missing} bytes of the ${words} were not kept`);
      if (all > 0 && bytes.length === 0) {
        append("artifact.omitted", { kind, class: type, bytes: missing });
        return undefined;
      }
      const sha256 = createHash("sha256").update(bytes).digest("hex");
      if (readArtifact(folder, sha256) === undefined) {
        writeArtifact(folder, sha256, bytes);
        held += bytes.length;
      }
      const ref: ArtifactRef = {
        ...{ kind, class: type, sha256, bytes: bytes.length, cut: missing },
        derived_from: [...new Set(derivedFrom.map((from) => from.sha256))],
      };
      append("artifact.stored", ref);
      return ref;
    },
    cuts: () => [...cuts],
  };
}

/** What an artifact holds; undefined when it is not there, is no plain file, or is not what its name says. */
export function readArtifact(folder: string, name: string): Buffer | undefined {
  if (!isArtifactName(name)) return undefined;
  let fd: number;
  try {
    fd = openSync(join(folder, name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined; // not there, or a link: then it is not the artifact
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.size > ARTIFACT_LIMITS.each) return undefined;
    const bytes = readFileSync(fd);
    return createHash("sha256").update(bytes).digest("hex") === name ? bytes : undefined;
  } finally {
    closeSync(fd);
  }
}
