// Doctrines: what kinds of work are held to, as data (data/*.toml, part of the installation). Each says the least it wants and the most it allows.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { parseTimeout } from "#sandbox/limits.ts";
import { policyNames, reviewers, risks } from "../verdict/policies.ts";

/** In this order one is laid on another: core, then at most one code, then overlays. */
export const doctrineLayers = ["core", "code", "overlay"] as const;

const words = v.pipe(v.array(v.pipe(v.string(), v.minLength(1))), v.minLength(1));

export const doctrineSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z][a-z_]{0,63}$/)),
  /** Goes up with every change of what it says. */
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
  layer: v.picklist(doctrineLayers),
  summary: v.string(),
  /** At least. */
  policy: v.optional(v.picklist(policyNames)),
  risk: v.optional(v.picklist(risks)),
  /** Reviewers that must answer. */
  roles: v.optional(v.array(v.picklist(reviewers))),
  /** Whether there must be a verification command. */
  verification: v.optional(v.boolean()),
  /** At most. */
  retries: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0))),
  "max-turns": v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  "max-tokens": v.optional(v.pipe(v.number(), v.integer(), v.minValue(1))),
  "max-cost": v.optional(v.pipe(v.number(), v.minValue(0))),
  timeout: v.optional(v.pipe(v.string(), v.transform(parseTimeout))),
  "allowed-paths": v.optional(words),
  "forbidden-paths": v.optional(words),
  /** Whether the worker is given GSD's artifacts, quoted. */
  planning: v.optional(v.boolean(), false),
  /** What the worker is told. */
  instructions: v.pipe(v.string(), v.trim()),
});
export type Doctrine = v.InferOutput<typeof doctrineSchema>;

const DATA = join(import.meta.dir, "data");
export const CORE = "core";

function readDoctrine(name: string): Doctrine {
  const parsed = v.safeParse(doctrineSchema, Bun.TOML.parse(readFileSync(join(DATA, `${name}.toml`), "utf8")));
  if (parsed.success && parsed.output.name === name) return parsed.output;
  throw new BrokeError("config", `the doctrine ${name} of this installation is damaged`, "install broke anew");
}

/** All there are: core, then code, then overlays, each by name. */
export function listDoctrines(): Doctrine[] {
  const names = readdirSync(DATA).flatMap((file) => (file.endsWith(".toml") ? [file.slice(0, -5)] : []));
  const place = ({ layer }: Doctrine) => doctrineLayers.indexOf(layer);
  return names
    .sort()
    .map(readDoctrine)
    .sort((a, b) => place(a) - place(b));
}

/** The doctrine of that name. Throws `usage` for any other word. */
export function doctrineOf(name: string): Doctrine {
  const all = listDoctrines();
  const found = all.find((doctrine) => doctrine.name === name);
  if (found !== undefined) return found;
  const names = all.map((doctrine) => doctrine.name);
  const guess = nearest(name, names);
  const hint = guess === undefined ? `there are ${names.join(", ")}` : `did you mean ${guess}?`;
  throw new BrokeError("usage", "there is no doctrine of that name", hint);
}
