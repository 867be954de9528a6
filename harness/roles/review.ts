// Asks the reviewers of a run for their opinion on its evidence, one after the other: one question, at most one more to mend an answer, then what is left is a
// degraded review with its reason. Every step is an event; what they say is an artifact.

import type { Json } from "#src/core/json.ts";
import { readArtifact } from "../artifacts/store.ts";
import type { RunContract } from "../contract/contract.ts";
import { evidenceRefs } from "../evidence/assemble.ts";
import type { EvidencePacket } from "../evidence/packet.ts";
import type { ModelReply, ModelRequest } from "../ports.ts";
import type { Ground } from "../run/ground.ts";
import type { OpenRun } from "../run/open.ts";
import type { Finding } from "../verdict/categories.ts";
import type { Judged, Opinion } from "../verdict/decide.ts";
import { policies, type Reviewer, reviewers } from "../verdict/policies.ts";
import { type LaneResult, opinionOf, readAnswer } from "./answer.ts";
import { chooseSlot } from "./choose.ts";
import { contractHash, ROLE_CONTRACT_VERSION, roleContract } from "./contract.ts";
import { repairQuestion, reviewQuestion } from "./question.ts";

const MAX_MS = 5 * 60_000;
const MAX_TOKENS = 4096;
const MAX_REASON = 300;

/** The reviewers a run has: those its policy or its contract wants, and those it gives a slot. */
export const reviewersOf = ({ policy, required, roles }: Pick<RunContract, "policy" | "required" | "roles">) =>
  reviewers.filter(
    (role) => policies[policy].required.includes(role) || required.includes(role) || roles[role] !== null,
  );

type Reply = { result: LaneResult; repaired: boolean } | { why: string; repaired: boolean };

const refusal = ({ status, reason }: Extract<ModelReply, { kind: "refused" }>) =>
  `${status === null ? "no answer" : `status ${status}`}: ${reason}`.slice(0, MAX_REASON);

/** Asks, and once more where the answer cannot be used. */
async function converse(
  ask: (messages: { role: "user" | "assistant"; text: string }[]) => Promise<ModelReply>,
  question: string,
  known: ReadonlySet<string>,
): Promise<Reply> {
  const first = await ask([{ role: "user", text: question }]);
  if (first.kind === "refused") return { why: refusal(first), repaired: false };
  const read = readAnswer(first.text, known);
  if ("result" in read) return { ...read, repaired: false };
  const again = await ask([
    { role: "user", text: question },
    { role: "assistant", text: first.text === "" ? "(nothing)" : first.text },
    { role: "user", text: repairQuestion(read.why) },
  ]);
  if (again.kind === "refused") return { why: refusal(again), repaired: true };
  const mended = readAnswer(again.text, known);
  return { ...mended, repaired: true };
}

type Review = { packet: EvidencePacket; evidence: string | null; taken: Set<string>; findings: Finding[] };

const note = (reason: string): Finding => ({
  ...{ category: "review_degraded", grade: "note", reason, source: "observation" },
});

async function reviewBy(role: Reviewer, run: OpenRun, ground: Ground, review: Review): Promise<Opinion> {
  const { deps, contract, ledger, artifacts, paths } = run;
  const { packet, evidence, taken } = review;
  const degrade = (why: string, more: Record<string, Json> = {}, slot: string | null = null): Opinion => {
    ledger.append("role.degraded", { role, reason: why, ...more });
    deps.roles.record({ role, slot, backend: null, run: ledger.run, verdict: null, contribution: null, reason: why });
    return { state: "absent", reason: `the ${role} gave no opinion: ${why}` };
  };
  const chosen = chooseSlot(role, contract.roles[role], deps.gateway.servedSlots(), taken);
  if (chosen === undefined) return degrade("no slot it could be asked by is answered");
  const { slot, backends, warning } = chosen;
  if (warning !== undefined) review.findings.push(note(warning));
  const system = roleContract(role, contract.policy);
  ledger.append("role.asked", {
    ...{ role, slot, backends, version: ROLE_CONTRACT_VERSION, contract_sha256: contractHash(system) },
    ...{ evidence_sha256: evidence, same_backend: warning !== undefined },
  });
  let backend: string | null = null;
  const onRequest = (request: ModelRequest) => {
    backend = request.backend;
    ground.requests.record("model.request", { ...request, ms: Math.round(request.ms), role });
  };
  const read = (sha256: string) => readArtifact(paths.artifacts, sha256)?.toString("utf8");
  const signal = AbortSignal.any([ground.ending, AbortSignal.timeout(MAX_MS)]);
  const ask = (messages: { role: "user" | "assistant"; text: string }[]) =>
    deps.gateway.ask({ slot, system, messages, maxTokens: MAX_TOKENS, signal, onRequest });
  const question = reviewQuestion(contract.task, packet, read);
  const reply = await converse(ask, question.text, evidenceRefs(packet));
  const { repaired } = reply;
  if ("why" in reply) return degrade(reply.why, { repaired, slot, backend }, slot);
  const { result } = reply;
  const value = { role, slot, backend, ...result };
  const ref = artifacts.put({ kind: "review", class: "inference", content: { kind: "json", value } });
  const { recommended_verdict: verdict, confidence, objections } = result;
  ledger.append("role.answered", {
    ...{ role, slot, backend, verdict, confidence, objections: objections.length, repaired },
    review_sha256: ref?.sha256 ?? null,
  });
  deps.roles.record({ role, slot, backend, run: ledger.run, verdict, contribution: ref?.sha256 ?? null, reason: null });
  if (backend !== null) taken.add(backend);
  // What nobody looked at is missing from what is known.
  const known = new Set(review.findings.map(({ reason }) => reason));
  for (const reason of question.cut)
    if (!known.has(reason))
      review.findings.push({ category: "evidence", grade: "finding", reason, source: "observation" });
  return opinionOf(result);
}

/** Backends that answered the worker. */
const ofWorker = ({ requests }: EvidencePacket) =>
  requests.flatMap(({ backend }) => (backend === null ? [] : [backend]));

/** What the run's reviewers say, and what was found in asking them. Throws what could not be recorded. */
export async function reviewRun(
  run: OpenRun,
  ground: Ground,
  { packet, sha256 }: { packet: EvidencePacket; sha256: string | null },
): Promise<{ roles: NonNullable<Judged["roles"]>; findings: Finding[] }> {
  const roles: Judged["roles"] = {};
  const review: Review = { packet, evidence: sha256, taken: new Set(ofWorker(packet)), findings: [] };
  for (const role of reviewersOf(run.contract)) roles[role] = await reviewBy(role, run, ground, review);
  return { roles, findings: review.findings };
}
