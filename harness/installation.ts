// Whether what runs is what was installed. A packed install carries a manifest of its own files; a checkout is held against its lock file: a package that
// is there in another version than the one the lock names is code nobody has chosen.
// Does not stop: somebody who can write here from changing the manifest, or this file, along with the rest.

import { createHash } from "node:crypto";
import { existsSync, lstatSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";

/** What a packed install consists of; everything in these folders is one of our files. */
const PARTS = ["src", "harness", "sandbox", "acp", "shims", "package.json"];
export const MANIFEST = "manifest.json";

const manifestSchema = v.object({ files: v.record(v.string(), v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))) });
const packageSchema = v.object({ version: v.string() });
const ownSchema = v.object({ dependencies: v.record(v.string(), v.string()) });
const lockSchema = v.object({
  packages: v.record(
    v.string(),
    v.object({
      version: v.optional(v.string()),
      integrity: v.optional(v.string()),
      dev: v.optional(v.boolean()),
      optional: v.optional(v.boolean()),
      link: v.optional(v.boolean()),
    }),
  ),
});

function readAs<const Schema extends v.GenericSchema>(path: string, schema: Schema): v.InferOutput<Schema> | undefined {
  // Empty it stands for one that is missing, while a run works here (sandbox/placeholders.ts).
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined;
  const parsed = v.safeParse(schema, parseJson(readFileSync(path, "utf8")));
  if (!parsed.success) throw new BrokeError("config", `${path} is damaged`, "install broke anew");
  return parsed.output;
}

function filesBelow(root: string, path: string): string[] {
  const full = join(root, path);
  const stat = lstatSync(full, { throwIfNoEntry: false });
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [path];
  return readdirSync(full)
    .sort()
    .flatMap((name) => filesBelow(root, join(path, name)));
}

const hashOf = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");

/** The manifest of an installation: SHA-256 of each of its own files. */
export function makeManifest(root: string): v.InferOutput<typeof manifestSchema> {
  const files = PARTS.flatMap((part) => filesBelow(root, part));
  return { files: Object.fromEntries(files.map((path) => [path, hashOf(join(root, path))])) };
}

const REMEDY = "install it anew from where you got it";

function requireManifest(root: string, { files }: v.InferOutput<typeof manifestSchema>): string {
  const now = makeManifest(root).files;
  const changed = Object.keys(files).find((path) => now[path] !== files[path]);
  if (changed !== undefined) {
    const what = now[changed] === undefined ? "is missing" : "was changed";
    throw new BrokeError("denied", `${changed} of this installation of broke ${what}`, REMEDY);
  }
  const added = Object.keys(now).find((path) => files[path] === undefined);
  if (added !== undefined)
    throw new BrokeError("denied", `${added} does not belong to this installation of broke`, REMEDY);
  return `${Object.keys(files).length} files are as they were packed`;
}

const drift = (name: string, found: string | undefined, wanted: string) =>
  new BrokeError(
    "denied",
    `${name} is installed as ${found ?? "nothing"}, and ${wanted} is what was chosen`,
    "run `npm install` in the checkout",
  );

/** Every package that broke itself needs, against the lock file. */
function requireLocked(root: string, { packages }: v.InferOutput<typeof lockSchema>): string {
  const installed = readAs(join(root, "node_modules", ".package-lock.json"), lockSchema)?.packages;
  let checked = 0;
  for (const [path, { version, integrity, dev, optional, link }] of Object.entries(packages)) {
    if (path === "" || dev || optional || link || version === undefined) continue;
    const name = relative("node_modules", path);
    const found = readAs(join(root, path, "package.json"), packageSchema)?.version;
    if (found !== version) throw drift(name, found, version);
    const known = installed?.[path];
    if (known?.integrity !== undefined && known.integrity !== integrity) {
      throw new BrokeError(
        "denied",
        `${name} was installed from another archive than the lock file names`,
        "run `npm ci` in the checkout",
      );
    }
    checked += 1;
  }
  return `${checked} packages are those of the lock file`;
}

/** Without a lock file, as in a packed install: the exact versions that package.json names. */
function requirePinned(root: string, dependencies: Record<string, string>): string {
  for (const [name, version] of Object.entries(dependencies)) {
    const places = [join(root, "node_modules", name), join(root, "..", name)];
    const place = places.find((path) => existsSync(join(path, "package.json")));
    const found = place === undefined ? undefined : readAs(join(place, "package.json"), packageSchema)?.version;
    if (found !== version) throw drift(name, found, version);
  }
  return `${Object.keys(dependencies).length} packages are the pinned ones`;
}

/** What was looked at and found right, in words. Throws `denied` when it is not, `config` when it cannot be read. */
export function requireInstallation(root: string): string {
  const own = readAs(join(root, "package.json"), ownSchema);
  const bun = own?.dependencies["bun"];
  if (own === undefined || bun === undefined)
    throw new BrokeError("config", `${join(root, "package.json")} is damaged`, REMEDY);
  if (bun !== Bun.version) throw drift("the Bun that runs this", Bun.version, bun);
  const lock = readAs(join(root, "package-lock.json"), lockSchema);
  const packages = lock === undefined ? requirePinned(root, own.dependencies) : requireLocked(root, lock);
  const manifest = readAs(join(root, MANIFEST), manifestSchema);
  return manifest === undefined ? packages : `${requireManifest(root, manifest)}; ${packages}`;
}
