// Where contracts are written: a file the operator names (TOML, YAML or JSON), the operator's broke.toml, and the project's, which is read only
// while it is, byte for byte, what the operator trusted, and only narrows.
// Does not stop: a contract file in the workspace from being changed by a run; it is the operator who names it.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { extname, relative, resolve } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { readPrivate } from "#src/state/files.ts";
import type { Home } from "#src/state/paths.ts";
import type { TrustStore } from "#src/state/trust.ts";
import { parseBrokeToml } from "#sandbox/broke-toml.ts";
import { readBeneath } from "#sandbox/open.ts";
import { isWithin } from "#sandbox/protected.ts";
import { SET_FILE, trustedFile } from "../permission-set.ts";
import { type Layer, readLayer } from "./document.ts";
import { type Bounds, boundsOf, layOn, tighten } from "./layers.ts";

const MAX_BYTES = 128 * 1024;
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/**
 * The text of a file the operator names, of at most `most` bytes. One in the workspace is reached without a link: where a path there leads is for
 * others to say. Throws `missing`, or `usage` for what is no such file.
 */
export function readNamed(path: string, what: string, workspace: string, most = MAX_BYTES): string {
  const full = resolve(workspace, path);
  if (isWithin(workspace, full)) {
    const bytes = readBeneath(workspace, relative(workspace, full), most);
    if (bytes !== undefined) return bytes.toString("utf8");
    throw new BrokeError(
      "missing",
      `the ${what} cannot be read`,
      `a plain file of at most ${most} bytes, behind no link`,
    );
  }
  return readBounded(full, what, most);
}

/** The same of any plain file. */
export function readBounded(path: string, what: string, most = MAX_BYTES): string {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch {
    throw new BrokeError("missing", `the ${what} cannot be read`, "is it there, and yours to read?");
  }
  try {
    if (!fstatSync(fd).isFile()) throw new BrokeError("usage", `the ${what} is not a plain file`);
    const bytes = Buffer.alloc(most + 1);
    let length = 0;
    for (let read = -1; read !== 0 && length < bytes.length; length += read)
      read = readSync(fd, bytes, length, bytes.length - length, null);
    if (length > most) throw new BrokeError("usage", `the ${what} is longer than ${most} bytes`);
    return bytes.subarray(0, length).toString("utf8");
  } finally {
    closeSync(fd);
  }
}

const parsers: Record<string, (text: string) => unknown> = {
  ".toml": (text) => Bun.TOML.parse(text),
  ".yaml": (text) => Bun.YAML.parse(text),
  ".yml": (text) => Bun.YAML.parse(text),
  ".json": (text) => JSON.parse(text),
};

/** Parses by what the name ends in. Throws `usage`. */
export function parseContract(text: string, name: string): Layer {
  const kind = extname(name).toLowerCase();
  const parse = parsers[kind];
  if (parse === undefined)
    throw new BrokeError("usage", "a contract file ends in .toml, .yaml, .yml or .json", "name it after what it holds");
  let document: unknown;
  try {
    document = parse(text);
  } catch {
    throw new BrokeError("usage", `the contract file is not ${kind.slice(1)}`, "mend it");
  }
  return readLayer("the contract file", document);
}

const section = v.optional(v.record(v.string(), v.unknown()), {});
const fileSchema = v.looseObject({ harness: section, contracts: section });

type Sections = { harness: Layer; contracts: Map<string, unknown>; where: string };

function readSections(text: string, file: string): Sections {
  const parsed = v.safeParse(fileSchema, parseBrokeToml(text, file));
  if (!parsed.success) throw new BrokeError("usage", `${file}: harness and contracts are tables`);
  const { harness, contracts } = parsed.output;
  return {
    harness: readLayer(`${file}, harness`, harness),
    contracts: new Map(Object.entries(contracts)),
    where: file,
  };
}

const named = ({ contracts, where }: Sections, name: string): Layer | undefined =>
  contracts.has(name) ? readLayer(`${where}, contracts.${name}`, contracts.get(name)) : undefined;

/** `said`: what the files say, the operator's defaults first. `bounds`: what a trusted project holds it to. */
export type Written = { said: Layer; bounds: Bounds | null };

/**
 * What is written for a launch. `asked` is the value of `--contract`: a name from a broke.toml, or a file. `base`: the project's broke.toml as a
 * pull request's base has it, which counts in place of the workspace's and needs no trust, since it only narrows. Throws `missing` or `usage` naming what
 * is wrong, `denied` when the project's file is not what was trusted.
 */
export function writtenContract(
  asked: string | undefined,
  {
    home,
    trust,
    folder,
    base,
  }: { home: Home; trust: TrustStore; folder: string; base?: { text: string | null } | undefined },
): Written {
  const own = readSections(readPrivate(home.permissions) ?? "", home.permissions);
  const text = base === undefined ? trustedFile(folder, trust).file?.text : (base.text ?? undefined);
  const project = text === undefined ? undefined : readSections(text, `${SET_FILE} here`);
  const narrow = (layer: Layer | undefined) => layer && boundsOf(`${SET_FILE} here`, layer);
  const all = narrow(project?.harness) ?? null;
  if (asked === undefined) return { said: own.harness, bounds: all };
  if (!NAME.test(asked))
    return { said: layOn(own.harness, parseContract(readNamed(asked, "contract file", folder), asked)), bounds: all };
  const ours = named(own, asked);
  const theirs = narrow(project && named(project, asked));
  if (ours === undefined && theirs === undefined) {
    const guess = nearest(asked, [...own.contracts.keys(), ...(project?.contracts.keys() ?? [])]);
    const hint =
      guess === undefined ? `contracts are [contracts.NAME] in ${home.permissions}` : `did you mean ${guess}?`;
    throw new BrokeError(
      "usage",
      "there is no contract of that name",
      `${hint}; a file's name ends in .toml, .yaml or .json`,
    );
  }
  return {
    said: layOn(own.harness, ours ?? {}),
    bounds: theirs === undefined ? all : all === null ? theirs : tighten(theirs, all),
  };
}
