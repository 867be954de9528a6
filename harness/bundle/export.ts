// Writes a run as a bundle that another machine can check: its ledger, the artifacts that names, the public key, and where the ledger ended as the
// database has it. The same run gives the same bytes. Never overwrites a file.
// Does not stop: whoever may read the bundle from reading what the ledger and the artifacts hold; both were redacted when they were written.

import { closeSync, constants, fsyncSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";
import type { KeyObject } from "node:crypto";
import { BrokeError } from "#src/core/errors.ts";
import { canonicalJson } from "#src/core/json.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import type { RunStore } from "#src/state/runs.ts";
import { readArtifact } from "../artifacts/store.ts";
import { filePieces, ledgerRecords } from "../ledger-lines.ts";
import { holdEnded } from "../lock.ts";
import { fingerprint, type Manifest, names } from "./bundle.ts";
import { END, padding, tarHeader } from "./tar.ts";

/** `missing` are artifacts that the ledger names and that are not, or not whole, on the disk. */
export type Exported = { run: string; key: string; bytes: number; artifacts: number; missing: string[] };

function create(out: string): number {
  try {
    return openSync(out, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === "EEXIST";
    throw new BrokeError("usage", taken ? "--out: the file is there already" : "--out: the file cannot be made");
  }
}

/** The artifacts a ledger names, in the order of their names. */
function referenced(ledger: string): string[] {
  const found = new Set<string>();
  for (const { event, data } of ledgerRecords(ledger))
    if (event === "artifact.stored" && typeof data.sha256 === "string") found.add(data.sha256);
  return [...found].sort();
}

/** Exports one run. Throws `missing` for an unknown one, `busy` while it goes on, `usage` when the file is there. */
export function exportRun(
  { home, runs, key }: { home: Home; runs: RunStore; key: KeyObject },
  runId: string,
  out: string,
): Exported {
  const paths = runPaths(home, runId);
  const row = runs.get(runId);
  if (row === undefined) throw new BrokeError("missing", "no such run", "`broke harness list` shows the runs");
  using _ended = holdEnded(home, runId);
  const manifest: Manifest = { kind: "broke-run", v: 1, run: runId, head: row.head, key: fingerprint(key) };
  const fd = create(out);
  let bytes = 0;
  const write = (piece: Uint8Array) => {
    for (let done = 0; done < piece.length;) done += writeSync(fd, piece, done, piece.length - done);
    bytes += piece.length;
  };
  const member = (name: string, content: Uint8Array) => {
    write(tarHeader({ name, bytes: content.length }));
    write(content);
    write(Buffer.alloc(padding(content.length)));
  };
  try {
    member(names.manifest, Buffer.from(canonicalJson(manifest)));
    member(names.key, Buffer.from(key.export({ type: "spki", format: "pem" }).toString()));
    const size = statSync(paths.ledger).size;
    write(tarHeader({ name: names.ledger, bytes: size }));
    for (const piece of filePieces(paths.ledger)) write(piece);
    write(Buffer.alloc(padding(size)));
    const missing: string[] = [];
    let artifacts = 0;
    for (const name of referenced(paths.ledger)) {
      const content = readArtifact(paths.artifacts, name);
      if (content === undefined) {
        missing.push(name);
        continue;
      }
      member(`${names.artifacts}${name}`, content);
      artifacts += 1;
    }
    write(END);
    fsyncSync(fd);
    return { run: runId, key: manifest.key, bytes, artifacts, missing };
  } catch (error) {
    unlinkSync(out);
    throw error;
  } finally {
    closeSync(fd);
  }
}
