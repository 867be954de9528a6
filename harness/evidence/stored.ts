// Finds a run's artifacts by their kind, as its ledger names them.

import * as v from "valibot";
import { type ArtifactKind, type ArtifactRef, artifactRefSchema } from "../artifacts/artifact.ts";
import { readArtifact } from "../artifacts/store.ts";
import { ledgerRecords } from "../ledger-lines.ts";

/** The last artifact of a kind; `text` undefined: it is not on the disk any more, or not what it was. */
export function findArtifact(
  paths: { ledger: string; artifacts: string },
  kind: ArtifactKind,
): { ref: ArtifactRef; text: string | undefined } | undefined {
  let found: ArtifactRef | undefined;
  for (const { event, data } of ledgerRecords(paths.ledger)) {
    if (event !== "artifact.stored" || data.kind !== kind) continue;
    const parsed = v.safeParse(artifactRefSchema, data);
    if (parsed.success) found = parsed.output;
  }
  return found && { ref: found, text: readArtifact(paths.artifacts, found.sha256)?.toString("utf8") };
}
