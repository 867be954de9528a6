// What a run is held to beside its permissions: the task, how strictly it is judged, what is verified, which paths its work may change, who
// reviews it. Each layer says some of it; `terms` is all of it. Pure.

import { createHash } from "node:crypto";
import * as v from "valibot";
import { canonicalJson, type Json } from "#src/core/json.ts";
import { policyNames, reviewers, risks } from "../verdict/policies.ts";
import type { Strictness } from "../verdict/observed.ts";

/** Where a task comes from: the operator's words, their file, a CI event, GSD's planning folder. What the last two hold is quoted. */
export const taskSources = ["manual", "file", "ci", "gsd"] as const;
export type TaskSource = (typeof taskSources)[number];

/** How the worker reaches its models, and whose credential that takes. */
export const routes = ["broke_router", "provider_direct", "client_direct"] as const;
export const credentialSources = ["broke_managed", "provider_managed"] as const;

export const MAX_TASK_BYTES = 64 * 1024;
export const MAX_RETRIES = 100;
const MAX_WORDS = 64;

const text = (most: number) => v.pipe(v.string(), v.minLength(1), v.maxLength(most));
const words = v.pipe(v.array(text(4096)), v.maxLength(MAX_WORDS));

const whole = v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0)));

/** Text by somebody else that goes with a task; `cut`: there was more. */
export const quotedSchema = v.strictObject({ name: v.string(), text: v.string(), cut: v.boolean() });
export type Quoted = v.InferOutput<typeof quotedSchema>;

export const taskSchema = v.strictObject({
  source: v.picklist(taskSources),
  /** The operator's own words. */
  text: text(MAX_TASK_BYTES),
  quoted: v.array(quotedSchema),
});
export type Task = v.InferOutput<typeof taskSchema>;

/** The terms as they are stored with the run. */
export const termsSchema = v.strictObject({
  task: v.nullable(taskSchema),
  policy: v.picklist(policyNames),
  risk: v.picklist(risks),
  /** How often the worker may be sent back, at most; null: as often as the policy says. */
  retries: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(MAX_RETRIES))),
  /** Commands that the supervisor runs on the resulting tree, each by sh(1). */
  verification: words,
  /** Whether a run without such a command is not verified at all. */
  mustVerify: v.boolean(),
  /** Patterns of workspace paths: what changes must be allowed by each of the lists, and forbidden by none. */
  allowed: v.array(words),
  forbidden: words,
  /** Reviewers that must answer, beside those of the policy, and the slots they are asked by. */
  required: v.array(v.picklist(reviewers)),
  roles: v.strictObject({ verifier: v.nullable(v.string()), adversary: v.nullable(v.string()) }),
  /** What the worker may spend on models at most; null: as much as it likes. */
  budget: v.strictObject({ turns: whole, tokens: whole }),
  route: v.picklist(routes),
  credential: v.picklist(credentialSources),
  /** The operator's word for lending a key; null: there is none. */
  lease: v.nullable(v.strictObject({ by: v.picklist(["terminal", "environment"]), untilMs: v.number() })),
  /** What the worker is held to by, core first, and what it is told of it. */
  doctrines: v.array(v.strictObject({ name: v.string(), version: v.number(), instructions: v.string() })),
});
export type Terms = v.InferOutput<typeof termsSchema>;

export const noTerms: Terms = {
  ...{ task: null, policy: "off", risk: "normal", retries: null },
  ...{ verification: [], mustVerify: false, allowed: [], forbidden: [] },
  ...{ required: [], roles: { verifier: null, adversary: null }, doctrines: [] },
  ...{ budget: { turns: null, tokens: null }, route: "broke_router", credential: "broke_managed", lease: null },
};

/** How strictly the run is judged; `used`: how often the worker was sent back already. */
export function strictnessOf({ policy, risk, retries, required }: Terms, used = 0): Strictness {
  return { policy, risk, retries: used, retryBudget: retries, required };
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

/** The one spelling of a contract: what is stored and hashed. */
export const spellContract = (contract: object) => canonicalJson(contract as Json);
export const hashContract = (contract: object) => sha256(spellContract(contract));

/** The task as the ledger keeps it: what it is, never what it says. */
export function taskRecord(task: Task | null): Json {
  if (task === null) return null;
  const { source, text, quoted } = task;
  const measured = (name: string, text: string) => ({ name, bytes: Buffer.byteLength(text), sha256: sha256(text) });
  return {
    ...{ source, ...measured("task", text) },
    quoted: quoted.map(({ name, text, cut }) => ({ ...measured(name, text), cut })),
  };
}
