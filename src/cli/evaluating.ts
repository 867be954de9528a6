// `broke harness evaluate` at work: what was typed, or what a run was judged by, to one evaluation; a verdict given before on the very same is used again.

import type { Evaluation } from "#harness/evaluate.ts";
import type { Judged } from "#harness/verdict/decide.ts";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";

export type Asked = { option(name: string): string | undefined; run: string | undefined };

/** What a run was judged by, from its intact ledger. Throws `denied` where that cannot be believed, `missing` where it was not kept. */
async function judgedRun(id: string): Promise<{ judged: Judged; evidence: string | null }> {
  const { openState } = await import("./compose.ts");
  const { readArtifact } = await import("#harness/artifacts/store.ts");
  const { judgedOf, judgedSchema } = await import("#harness/judged.ts");
  const { readRun } = await import("#harness/view.ts");
  const { runPaths } = await import("#src/state/paths.ts");
  const { signingKeys } = await import("#src/state/secrets.ts");
  const v = await import("valibot");
  const { home, runs } = openState();
  const { records, verification } = readRun(home, runs, signingKeys(home).verify, id);
  if (verification.state !== "intact")
    throw new BrokeError("denied", `the run's ledger is ${verification.state}`, "`broke harness verify` says where");
  const stored = (kind: string) =>
    records.findLast(({ event, data }) => event === "artifact.stored" && data.kind === kind)?.data.sha256;
  const [name, evidence] = [stored("judged"), stored("evidence")];
  const text =
    typeof name === "string" ? readArtifact(runPaths(home, id).artifacts, name)?.toString("utf8") : undefined;
  const parsed = v.safeParse(judgedSchema, text === undefined ? undefined : parseJson(text));
  if (!parsed.success)
    throw new BrokeError(
      "missing",
      "what the run was judged by is not on record",
      "`broke harness show` says how it ended",
    );
  return { judged: judgedOf(parsed.output), evidence: typeof evidence === "string" ? evidence : null };
}

/** Evaluates. Throws `usage`. */
export async function evaluate({ option, run }: Asked): Promise<Evaluation> {
  const { openState } = await import("./compose.ts");
  const ask = await import("#harness/verdict/ask.ts");
  const { decide } = await import("#harness/verdict/decide.ts");
  const { describeEvaluation, evidenceNames, typedArtifacts, typedFindings, verdictKey } =
    await import("#harness/evaluate.ts");
  const state = openState();
  const given = option("finding");
  const more = given === undefined ? [] : ask.parseFindings(given);
  const words = (name: string) => option(name) ?? (name === "policy" ? state.settings.get("harness") : undefined);
  const typed = Object.fromEntries(
    evidenceNames.flatMap((name) => {
      const text = option(name);
      return text === undefined ? [] : [[name, text]];
    }),
  );
  if (run !== undefined) {
    if (Object.keys(typed).length > 0)
      throw new BrokeError("usage", "a run has evidence of its own", "leave out what is typed, or the run");
    const { judged: before, evidence } = await judgedRun(run);
    const asked = ask.askedVerdict(option, more);
    const judged: Judged = {
      ...before,
      ...(option("policy") === undefined ? {} : { policy: asked.policy }),
      ...(option("risk") === undefined ? {} : { risk: asked.risk }),
      ...(option("retries") === undefined ? {} : { retries: asked.retries }),
      findings: [...before.findings, ...more],
      roles: { ...before.roles, ...asked.roles },
    };
    const manual = more.length > 0 || Object.keys(asked.roles).length > 0;
    const source = manual ? "run, manual" : "run";
    return describeEvaluation(judged, decide(judged), {
      source,
      run,
      reused: false,
      checkpoint: { evidence_sha256: evidence },
    });
  }
  const { observations, checkpoint } = typedArtifacts(
    typed,
    option("checkpoint-kind") ?? "completion_proposal",
    option("model-family") ?? "generic",
  );
  const judged = ask.askedVerdict(words, [...typedFindings(typed), ...more]);
  const key = verdictKey(judged, checkpoint.checkpoint_evidence_hash);
  const spoken = ask.roleNames.some((role) => option(role) !== undefined);
  const known = spoken ? undefined : state.verdicts.get(key);
  const earlier = known === undefined ? undefined : (parseJson(known) as Pick<Judged, "roles">);
  const final: Judged = { ...judged, roles: { ...earlier?.roles, ...judged.roles } };
  if (spoken) state.verdicts.put(key, JSON.stringify({ roles: judged.roles }));
  const about = { source: "manual", run: null, reused: earlier !== undefined };
  return describeEvaluation(final, decide(final), { ...about, checkpoint: { ...checkpoint, artifacts: observations } });
}
