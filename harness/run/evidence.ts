// What an attempt left as evidence: hashes of its tree, the diff, the commands and what each explains, and in the end all of it as one packet.
// Looks at the tree before anything of ours is done to it.

import type { Json } from "#src/core/json.ts";
import { showPath } from "#sandbox/tree.ts";
import { readArtifact } from "../artifacts/store.ts";
import { attributeChanges, attributionFindings, type Tree } from "../evidence/attribution.ts";
import { evidencePacket } from "../evidence/assemble.ts";
import type { EvidencePacket } from "../evidence/packet.ts";
import { hashAgain } from "../evidence/snapshot.ts";
import { type CommandWindow, traceCommands } from "../evidence/trace.ts";
import { findDifferences, type Inventory, type InventoryChanges, takeInventory, withoutPlaced } from "../inventory.ts";
import { ledgerRecords } from "../ledger-lines.ts";
import type { Finding } from "../verdict/categories.ts";
import type { Attempt } from "./attempt.ts";
import type { Ground } from "./ground.ts";
import type { OpenRun } from "./open.ts";

const SHOWN = 5;

/** What was found in the tree as the worker left it; `except` are our own placeholders in it, `rootMs` the ctime of its top folder. */
export type LeftTree = Omit<Tree, "sinceMs"> & {
  transcript: { lines: Json[]; cut: number };
  changes: InventoryChanges;
  except: ReadonlySet<string>;
};

/** Records the tree as it is, and says what of it no command explains. Throws what could not be recorded. */
export async function recordTree(run: OpenRun, ground: Ground, attempt: Attempt, left: LeftTree): Promise<Finding[]> {
  const { ledger, artifacts, paths } = run;
  const { before, sinceMs, snapshot } = attempt.start;
  const { path: root } = ground.tree;
  const { after, changes, except } = left;
  ledger.append("tree.hashed", {
    when: "after",
    sha256: hashAgain(root, snapshot, before, withoutPlaced(after, [...except])) ?? null,
  });
  const { found } = findDifferences(before, after, except);
  // Loaded where there is something to compare: it is not small.
  const diff =
    found.length === 0
      ? { text: "", cut: 0, omitted: 0 }
      : (await import("../evidence/diff.ts")).diffTree(root, snapshot, found);
  const { commands, windows, omitted } = traceCommands(ledgerRecords(paths.ledger));
  const json = (value: unknown) => ({ kind: "json", value }) as const;
  const observed = { class: "observation" } as const;
  const { lines, cut } = left.transcript;
  artifacts.put({ ...observed, kind: "transcript", content: { kind: "lines", values: lines }, cut });
  artifacts.put({ ...observed, kind: "diff", content: { kind: "text", text: diff.text }, cut: diff.cut });
  const inventory = artifacts.put({ ...observed, kind: "inventory", content: json(changes) });
  const trace = artifacts.put({ ...observed, kind: "commands", content: json(commands) });
  if (omitted > 0) attempt.warnings.push(`${omitted} commands are not in the trace`);
  const attribution = attributeChanges(found, changes.changes, [...earlierTurns(run), ...windows], {
    ...left,
    sinceMs,
  });
  const derivedFrom = [inventory, trace].filter((ref) => ref !== undefined);
  artifacts.put({ kind: "attribution", class: "inference", content: json(attribution.changes), derivedFrom });
  return [...attributionFindings(attribution), ...diffFindings(diff.omitted)];
}

function diffFindings(omitted: number): Finding[] {
  if (omitted === 0) return [];
  const reason = `the text of ${omitted} changed files is not in the diff: together it is too large, or took too long`;
  return [{ category: "evidence", grade: "finding", reason, source: "observation" }];
}

/** What changed in the tree since everything in it was over: nobody's work, and perhaps not what was verified. */
export function lateChanges({ tree }: Pick<Ground, "tree">, settled: Inventory): Finding[] {
  const { found } = findDifferences(settled, takeInventory(tree.path));
  if (found.length === 0) return [];
  const paths = found.slice(0, SHOWN).map(({ path }) => JSON.stringify(showPath(Buffer.from(path, "latin1"))));
  return [
    {
      ...{ category: "unattributed_mutation", grade: "finding", source: "observation" },
      reason: `${found.length} paths changed after the client was gone: ${paths.join(", ")}`,
    },
  ];
}

/** The second record of a run that goes on from another says when that one's worker worked. */
const CONTINUES_SEQ = 2;

function earlierTurns({ continued }: OpenRun): CommandWindow[] {
  if (continued === undefined) return [];
  const argv = [`the worker of ${continued.of}`];
  return continued.worked.map((worked) => ({ ...worked, seq: CONTINUES_SEQ, argv, words: argv, client: true }));
}

/** All that is known of the run by now; what of it is missing is a finding. Throws what could not be recorded. */
export function packEvidence({ ledger, artifacts, paths }: OpenRun): {
  packet: EvidencePacket;
  /** Its name among the artifacts. */
  sha256: string | null;
  findings: Finding[];
} {
  const read = (sha256: string) => readArtifact(paths.artifacts, sha256)?.toString("utf8");
  const packet = evidencePacket(ledgerRecords(paths.ledger), read, artifacts.cuts());
  const ref = artifacts.put({ kind: "evidence", class: "observation", content: { kind: "json", value: packet } });
  const findings: Finding[] = packet.cut.map((reason) => ({
    ...{ category: "evidence", grade: "finding", source: "observation" },
    reason,
    ...(ref === undefined ? {} : { refs: [`artifact:${ref.sha256}`] }),
  }));
  ledger.append("evidence.packed", { sha256: ref?.sha256 ?? null, cut: packet.cut.length });
  return { packet, sha256: ref?.sha256 ?? null, findings };
}
