// The shape of an evidence packet: all that is known of a run as one typed object, which reviewers are shown, reports are made from and a replay
// tells. What the worker said of itself is not in it.

import * as v from "valibot";
import { artifactRefSchema } from "../artifacts/artifact.ts";

const hash = v.nullable(v.string());
const seq = v.pipe(v.number(), v.integer(), v.minValue(1));
const data = v.record(v.string(), v.unknown());

/** How a change came about, as far as that can be told: the narrowest command during which it was made last. */
export const explanationSchema = v.strictObject({
  /** Ledger record of the command; null: no command was going on then. */
  command: v.nullable(seq),
  /** Its words, cut short; whether it is the client itself, whose own tools need no command. */
  argv: v.array(v.string()),
  client: v.boolean(),
  /** How many other commands were going on at the same time. */
  others: v.number(),
});

export const changeSchema = v.strictObject({
  path: v.string(),
  change: v.picklist(["created", "modified", "deleted"]),
  kind: v.picklist(["file", "dir", "link", "other"]),
  size: v.number(),
  sha256: hash,
  target: v.nullable(v.string()),
  mode: v.strictObject({ before: v.nullable(v.number()), after: v.nullable(v.number()) }),
  by: explanationSchema,
});
export type ExplainedChange = v.InferOutput<typeof changeSchema>;

/** `code` and `signal` null: not seen. `ms` null: it went on until the end of the sandbox, or its end was not seen. */
export const commandSchema = v.strictObject({
  seq,
  at: v.number(),
  pid: v.number(),
  path: v.nullable(v.string()),
  argv: v.array(v.string()),
  outcome: v.string(),
  code: v.nullable(v.number()),
  signal: v.nullable(v.number()),
  ms: v.nullable(v.number()),
});
export type TracedCommand = v.InferOutput<typeof commandSchema>;

export const packetSchema = v.strictObject({
  kind: v.literal("evidence"),
  v: v.literal(1),
  run: v.string(),
  /** The last ledger record that is in it. */
  head: v.strictObject({ seq: v.number(), hash: v.string() }),
  contract: v.strictObject({
    sha256: hash,
    client: v.string(),
    profile: v.string(),
    mode: v.string(),
    policy: v.string(),
    risk: v.string(),
    task: v.unknown(),
    verification: v.array(v.string()),
  }),
  tree: v.strictObject({ before: hash, after: hash }),
  end: v.nullable(
    v.strictObject({
      code: v.nullable(v.number()),
      signal: v.nullable(v.number()),
      unobserved: v.nullable(v.string()),
    }),
  ),
  changes: v.strictObject({
    total: v.number(),
    in_repositories: v.number(),
    complete: v.boolean(),
    unattributed: v.number(),
    listed: v.array(changeSchema),
  }),
  diff: v.nullable(artifactRefSchema),
  commands: v.strictObject({
    total: v.number(),
    failed: v.number(),
    listed: v.array(commandSchema),
    all: v.nullable(artifactRefSchema),
  }),
  /** Each `output` is an artifact's name. */
  verification: v.array(
    v.strictObject({
      seq,
      baseline: v.boolean(),
      command: v.string(),
      tree_sha256: hash,
      code: v.nullable(v.number()),
      failure: v.nullable(v.string()),
      ms: v.number(),
      results: v.array(data),
      output: v.nullable(v.string()),
    }),
  ),
  /** What was refused, asked, swept, reached, left out: each as the ledger has it. */
  policy_events: v.array(v.strictObject({ seq, event: v.string(), data })),
  requests: v.array(
    v.strictObject({
      slot: v.nullable(v.string()),
      backend: v.nullable(v.string()),
      requests: v.number(),
      failed: v.number(),
      attempts: v.number(),
      input_tokens: v.number(),
      output_tokens: v.number(),
      /** US dollars; null: not all of it can be told. */
      cost_usd: v.nullable(v.number()),
    }),
  ),
  egress: v.array(v.strictObject({ seq, data })),
  /** Earlier turns of the worker, and what each was sent back with. */
  retries: v.array(v.strictObject({ seq, event: v.string(), data })),
  transcript: v.nullable(artifactRefSchema),
  /** In words, all that is missing: each counts as missing evidence. */
  cut: v.array(v.string()),
});
export type EvidencePacket = v.InferOutput<typeof packetSchema>;
