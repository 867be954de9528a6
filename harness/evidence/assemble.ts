// Puts a run's evidence packet together from its ledger and its artifacts. Pure: records and a reader in, one object out, bounded throughout; what
// was left out is said in `cut`.

import * as v from "valibot";
import { type Json, parseJson } from "#src/core/json.ts";
import { type ArtifactRef, type ArtifactKind, artifactRefSchema } from "../artifacts/artifact.ts";
import type { LedgerRecord } from "../record.ts";
import {
  changeSchema,
  commandSchema,
  type EvidencePacket,
  type ExplainedChange,
  type TracedCommand,
} from "./packet.ts";

const SHOWN = { commands: 200, policy: 200, egress: 100, retries: 50, backends: 50 } as const;
const MAX_EVENT_BYTES = 4096;

const POLICY_EVENTS: ReadonlySet<string> = new Set([
  ...["command.denied", "permission.answered", "workspace.swept", "allowed.inventory", "limit.reached"],
  ...["authority.expansion_denied", "credential_lease.issued", "events.omitted", "command.omitted"],
  ...["verification.failed", "session.interrupted", "artifact.omitted"],
  ...[
    "governor.mode",
    "governor.intervened",
    "governor.unproven",
    "operator.interrupted",
    "operator.resumed",
    "operator.killed",
    "operator.forced_verification",
    "operator.cleared",
    "operator.refused",
  ],
]);
const RETRY_EVENTS: ReadonlySet<string> = new Set(["run.continues", "attempt.started", "attempt.ended"]);

const text = (value: Json | undefined): string => (typeof value === "string" ? value : "");
const nullableText = (value: Json | undefined) => (typeof value === "string" ? value : null);
const number = (value: Json | undefined): number => (typeof value === "number" ? value : 0);
const nullableNumber = (value: Json | undefined) => (typeof value === "number" ? value : null);
const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);

/** The ledger's own words for an event, or, of one that is large, that it is. */
const bounded = (data: LedgerRecord["data"]): Record<string, Json> => {
  const size = JSON.stringify(data).length;
  return size <= MAX_EVENT_BYTES ? data : { cut: true, bytes: size };
};

/** Reads the attribution and the command trace, which are artifacts in JSON; one that is not there, or is damaged, is an empty list. */
function readList<Item>(
  ref: ArtifactRef | undefined,
  read: (sha256: string) => string | undefined,
  item: v.GenericSchema<unknown, Item>,
): Item[] | undefined {
  const stored = ref === undefined ? undefined : read(ref.sha256);
  const parsed = v.safeParse(v.array(item), stored === undefined ? undefined : parseJson(stored));
  return parsed.success ? parsed.output : undefined;
}

type Requests = EvidencePacket["requests"][number];

/** What failed cost nothing; one answer without a price leaves the sum unknown. */
const costOf = (sum: number | null, status: number, cost: number | null) =>
  cost === null ? (status >= 400 || status === 0 ? sum : null) : sum === null ? null : sum + cost;

function countRequest(by: Map<string, Requests>, data: LedgerRecord["data"]): void {
  const [slot, backend] = [nullableText(data.slot), nullableText(data.backend)];
  const key = JSON.stringify([slot, backend]);
  const known = by.get(key) ?? {
    ...{ slot, backend, requests: 0, failed: 0, attempts: 0 },
    ...{ input_tokens: 0, output_tokens: 0, cost_usd: 0 },
  };
  const status = number(data.status);
  by.set(key, {
    ...known,
    requests: known.requests + 1,
    failed: known.failed + (status >= 400 || status === 0 ? 1 : 0),
    attempts: known.attempts + number(data.attempts),
    input_tokens: known.input_tokens + number(data.inputTokens),
    output_tokens: known.output_tokens + number(data.outputTokens),
    cost_usd: costOf(known.cost_usd, status, nullableNumber(data.costUsd)),
  });
}

/** Everything of `records` that bears on a verdict. `read` gives an artifact's text by its name; `cuts` is what else is known to be missing. */
export function evidencePacket(
  records: Iterable<LedgerRecord>,
  read: (sha256: string) => string | undefined,
  cuts: readonly string[] = [],
): EvidencePacket {
  const artifacts = new Map<ArtifactKind, ArtifactRef>();
  const byBackend = new Map<string, Requests>();
  const policy: LedgerRecord[] = [];
  const egress: LedgerRecord[] = [];
  const retries: LedgerRecord[] = [];
  const verification: EvidencePacket["verification"] = [];
  const trees: EvidencePacket["tree"] = { before: null, after: null };
  let registered: LedgerRecord["data"] = {};
  let inventory: LedgerRecord["data"] = {};
  let end: EvidencePacket["end"] = null;
  let run = "";
  let head = { seq: 0, hash: "" };
  for (const record of records) {
    const { event, data, seq } = record;
    run = record.run;
    head = { seq, hash: record.hash };
    if (event === "run.registered") registered = data;
    else if (event === "workspace.inventory") inventory = data;
    else if (event === "tree.hashed") {
      if (data.when === "before" && trees.before === null) trees.before = nullableText(data.sha256);
      if (data.when === "after") trees.after = nullableText(data.sha256);
    } else if (event === "agent.exited")
      end = {
        ...{ code: nullableNumber(data.code), signal: nullableNumber(data.signal) },
        unobserved: nullableText(data.unobserved),
      };
    else if (event === "model.request" && data.role === undefined) countRequest(byBackend, data);
    else if (event === "egress.attempt") egress.push(record);
    else if (event === "verification.ran" || event === "verification.baseline") verification.push(verified(record));
    else if (event === "artifact.stored") {
      const ref = v.safeParse(artifactRefSchema, data);
      if (ref.success) artifacts.set(ref.output.kind, ref.output);
    }
    if (POLICY_EVENTS.has(event)) policy.push(record);
    if (RETRY_EVENTS.has(event)) retries.push(record);
  }
  const missing = [...cuts];
  const shown = <Item>(items: Item[], most: number, what: string): Item[] => {
    if (items.length > most) missing.push(`${items.length - most} ${what} are not listed`);
    return items.slice(0, most);
  };
  const changes: ExplainedChange[] = readList(artifacts.get("attribution"), read, changeSchema) ?? [];
  const commands: TracedCommand[] = readList(artifacts.get("commands"), read, commandSchema) ?? [];
  const total = number(inventory.total);
  if (changes.length < total) missing.push(`${total - changes.length} changed paths are not listed`);
  const told = (items: LedgerRecord[], most: number, what: string) =>
    shown(items, most, what).map(({ seq, event, data }) => ({ seq, event, data: bounded(data) }));
  return {
    ...{ kind: "evidence", v: 1, run, head },
    contract: {
      sha256: nullableText(registered.contract_sha256),
      client: text(registered.client),
      profile: text(registered.profile),
      mode: text(registered.mode),
      policy: text(registered.policy),
      risk: text(registered.risk),
      task: registered.task ?? null,
      verification: list(registered.verification).map(text),
    },
    tree: trees,
    end,
    changes: {
      ...{ total, in_repositories: number(inventory.inRepositories), complete: inventory.complete === true },
      unattributed: changes.filter(({ by }) => by.command === null).length,
      listed: changes,
    },
    diff: artifacts.get("diff") ?? null,
    commands: {
      total: commands.length,
      failed: commands.filter(({ code, signal }) => (code ?? 0) !== 0 || (signal ?? 0) !== 0).length,
      listed: shown(commands, SHOWN.commands, "commands"),
      all: artifacts.get("commands") ?? null,
    },
    verification,
    policy_events: told(policy, SHOWN.policy, "events of the policy"),
    requests: shown([...byBackend.values()], SHOWN.backends, "backends"),
    egress: told(egress, SHOWN.egress, "attempts to get out").map(({ seq, data }) => ({ seq, data })),
    retries: told(retries, SHOWN.retries, "retries"),
    transcript: artifacts.get("transcript") ?? null,
    cut: missing,
  };
}

function verified({ seq, event, data }: LedgerRecord): EvidencePacket["verification"][number] {
  return {
    ...{ seq, baseline: event === "verification.baseline", command: text(data.command) },
    ...{ tree_sha256: nullableText(data.tree_sha256), code: nullableNumber(data.code) },
    ...{ failure: nullableText(data.failure), ms: number(data.ms), output: nullableText(data.output) },
    results: list(data.results).map((result) => result as Record<string, Json>),
  };
}

/** What a reviewer may point at: `ledger:<seq>` of what the packet lists, `artifact:<sha256>`, `path:<changed path>`. */
export function evidenceRefs(packet: EvidencePacket): ReadonlySet<string> {
  const seqs = [packet.commands.listed, packet.verification, packet.policy_events, packet.egress, packet.retries]
    .flat()
    .map(({ seq }) => `ledger:${seq}`);
  const artifacts = [
    ...[packet.diff, packet.commands.all, packet.transcript].flatMap((ref) => (ref === null ? [] : [ref.sha256])),
    ...packet.verification.flatMap(({ output }) => (output === null ? [] : [output])),
  ].map((sha256) => `artifact:${sha256}`);
  return new Set([...seqs, ...artifacts, ...packet.changes.listed.map(({ path }) => `path:${path}`)]);
}
