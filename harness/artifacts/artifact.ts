// What one artifact of a run is: its kind, whether it was seen or concluded, what it was made from, and how much of it is missing. Pure; the ledger's
// `artifact.stored` is one of these.

import * as v from "valibot";

/** `observation`: what the supervisor saw. `inference`: what was concluded from it, by us or by a model. */
export const artifactClasses = ["observation", "inference"] as const;
export type ArtifactClass = (typeof artifactClasses)[number];

export const artifactKinds = [
  "verification_output",
  "inventory",
  "diff",
  "commands",
  "attribution",
  "transcript",
  "evidence",
  "review",
  "objections",
  "judged",
  "outcome",
] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

const hash = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** `sha256` is its name too; `bytes` what is stored, `cut` how many bytes are not. */
export const artifactRefSchema = v.strictObject({
  kind: v.picklist(artifactKinds),
  class: v.picklist(artifactClasses),
  sha256: hash,
  bytes: count,
  cut: count,
  derived_from: v.array(hash),
});
export type ArtifactRef = v.InferOutput<typeof artifactRefSchema>;

/** Whether the text can be an artifact's name, and so never a path. */
export const isArtifactName = (name: string): boolean => /^[0-9a-f]{64}$/.test(name);
