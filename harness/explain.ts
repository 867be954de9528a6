// A launch in words: what the run would be shown, may change, reach and use, and what that does not stop. Everything is read from the very
// plan and contract a launch works with. Pure.

import type { Json } from "#src/core/json.ts";
import { describePrograms } from "./command.ts";
import { openedOf, programsOf } from "./contract/contract.ts";
import { describeNetwork } from "./egress.ts";
import { limitOptions } from "#sandbox/limits.ts";
import { type Mount, type MountKind, readMounts } from "#sandbox/mount-list.ts";
import type { OwnCode } from "#sandbox/own-code.ts";
import { profileNotes, wideNotes } from "#sandbox/profile-notes.ts";
import type { Preview } from "./preview.ts";

export type Explanation = {
  profile: string;
  summary: string;
  client: string;
  /** The permission set that was named. */
  set: string | null;
  workspace: string;
  /** What stands there inside: the workspace itself, or a tree made from it. */
  mode: string;
  /** Protected names of the workspace that are opened. */
  opened: string[];
  /** Every mount of the plan, in its order. */
  mounts: Mount[];
  network: Record<string, Json>;
  unix_sockets: "closed" | "open";
  /** Names of variables: broke's own, and yours that are passed on. */
  variables: { own: string[]; given: string[] };
  /** `run`: which may run; null: every one that is shown. */
  programs: { first: string; path: string; run: Json };
  limits: Record<string, number | null>;
  umask: string;
  warnings: string[];
  /** Ways to BROKE_HOME that stay open. */
  unprotected_ledger: string[];
  stops: string[];
  does_not_stop: string[];
};

/** The launch as one object. */
export function explainLaunch({ contract, prepared, plan, warnings, unprotected }: Preview): Explanation {
  const { profile, shown, programs } = prepared.input;
  // What stands over a program that may not run.
  const mask = programs?.mask ?? "";
  const notes = profileNotes[profile.name];
  const { anyRead, anyWrite } = shown.permission;
  const wide = anyWrite ? [wideNotes.write] : anyRead ? [wideNotes.read] : [];
  const given = Object.keys(prepared.given).sort();
  const { timeoutMs } = contract.limits;
  const byOption = Object.entries(limitOptions).map(([name, { field }]) => [name, contract.limits[field]] as const);
  return {
    profile: profile.name,
    summary: notes.summary,
    client: contract.client,
    set: contract.set,
    workspace: contract.workspace,
    mode: contract.mode,
    opened: openedOf(contract),
    mounts: readMounts(plan).map((mount) => (mount.from === mask ? { ...mount, kind: "masked" } : mount)),
    network: describeNetwork(profile, prepared.net),
    unix_sockets: profile.closeUnix ? "closed" : "open",
    variables: {
      own: Object.keys(plan.order.env)
        .filter((name) => !given.includes(name))
        .sort(),
      given,
    },
    programs: {
      first: plan.order.argv[0]!,
      path: plan.order.env.PATH ?? "",
      run: describePrograms(programsOf(contract)).run ?? null,
    },
    limits: { timeout_seconds: timeoutMs === null ? null : timeoutMs / 1000, ...Object.fromEntries(byOption) },
    umask: profile.umask.toString(8).padStart(3, "0"),
    warnings,
    unprotected_ledger: unprotected,
    stops: notes.stops,
    does_not_stop: [...notes.doesNotStop, ...wide],
  };
}

const headings: [MountKind, string][] = [
  ["write", "may be written"],
  ["read", "may be read"],
  ["closed", "is there, but closed"],
  ["masked", "is masked"],
  ["empty", "is empty"],
  ["ours", "is broke's own"],
  ["link", "is a link"],
  ["kernel", "is the kernel's, made anew"],
];

function mountLines(mounts: Mount[], workspace: string): string[] {
  // The last at a path is what stands there.
  const standing = [...new Map(mounts.map((mount) => [mount.path, mount])).values()];
  const inWorkspace = ({ path }: Mount) => path.startsWith(`${workspace}/`);
  const shown = standing.filter((mount) => !mount.path.startsWith("/proc/") && !inWorkspace(mount));
  const lines = headings.flatMap(([kind, words]) => {
    const paths = shown.filter((mount) => mount.kind === kind).map(({ path }) => path);
    return paths.length === 0 ? [] : [`${words}: ${paths.join(", ")}`];
  });
  const inside = headings.slice(1).flatMap(([kind, words]) => {
    const found = standing.filter((mount) => mount.kind === kind && inWorkspace(mount));
    const names = found.map(({ path }) => path.slice(workspace.length + 1));
    return names.length === 0 ? [] : [`${words}, in the workspace, where it is there: ${names.join(", ")}`];
  });
  return [...lines, ...inside];
}

/** The same for a person. */
export function explanationText(told: Explanation): string {
  const list = (items: string[]) => (items.length === 0 ? "none" : items.join(", "));
  const limits = Object.entries(told.limits).flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`]));
  return [
    `${told.profile}: ${told.summary}`,
    `client: ${told.client}, beginning with ${told.programs.first}`,
    ...(told.set === null ? [] : [`permission set: ${told.set}`]),
    `workspace: ${told.workspace}, ${modeWords[told.mode] ?? told.mode}`,
    `protected names opened: ${list(told.opened)}`,
    "",
    "files; what lies in something else that is named is as its own line says",
    ...mountLines(told.mounts, told.workspace).map((line) => `  ${line}`),
    "",
    `network: ${networkWords(told.network)}; unix sockets ${told.unix_sockets}`,
    `variables of yours: ${list(told.variables.given)}`,
    `variables of broke's: ${list(told.variables.own)}`,
    `programs: ${programWords(told.programs.run)}; PATH ${told.programs.path}`,
    `limits: ${list(limits)}; umask ${told.umask}`,
    ...(told.warnings.length === 0 ? [] : ["", "weaker than it reads:", ...told.warnings.map((line) => `  ${line}`)]),
    ...told.unprotected_ledger.map((way) => `  unprotected ledger: ${way}`),
    "",
    "stops:",
    ...told.stops.map((line) => `  ${line}`),
    "does not stop:",
    ...told.does_not_stop.map((line) => `  ${line}`),
  ].join("\n");
}

const modeWords: Record<string, string> = {
  direct: "the folder itself",
  worktree: "as a clone of its own, landed as a ref",
  copy: "as a copy, landed when you say so",
};

const isObject = (value: Json | undefined): value is Record<string, Json> =>
  value !== undefined && value !== null && typeof value === "object" && !Array.isArray(value);
const words = (list: Json | undefined) => (Array.isArray(list) ? list.join(", ") : "");
/** `label` in front of what there is; nothing where there is nothing. */
const part = (label: string, said: string) => (said === "" ? [] : [`${label} ${said}`]);
const hosts = (open: Json | undefined, rules: Json | undefined) =>
  [open === true ? "any public host" : "", words(rules)].filter(Boolean).join(", ");

function reachWords(net: Record<string, Json>): string {
  const asked = isObject(net.ask) ? hosts(net.ask.any_public, net.ask.rules) : "";
  const said = [
    ...part("to", hosts(net.any_public, net.allow)),
    ...part("asking about", asked),
    ...part("never", words(net.deny)),
    ...(isObject(net.within) ? [`and within that only ${reachWords(net.within)}`] : []),
  ];
  return said.length === 0 ? "to no host" : said.join(", ");
}

const networkWords = ({ network, net }: Record<string, Json>) =>
  isObject(net) ? `${String(network)} ${reachWords(net)}` : String(network);

const others: Record<string, string> = {
  allow: "those that are shown",
  deny: "the client's own and no others",
  ask: "the client's own, asking about every other",
};

function programWords(run: Json): string {
  if (!isObject(run)) return others.allow!;
  const said = [
    others[String(run.others)] ?? "",
    ...(run.others === "allow" ? [] : part("with", words(run.allow))),
    ...part("asking about", words(run.ask)),
    ...part("never", words(run.deny)),
  ];
  return said.join(", ");
}

/** Exactly what bwrap and init would be told, with names in place of descriptors, ports and secrets. Bytes are in base64. */
export function dryRun(
  { plan }: Preview,
  code: OwnCode,
  bwrap: { program: string; options: string[]; command: string[] },
): Record<string, unknown> {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const files = plan.files.map((file) => {
    const { kind, token } = file;
    if (kind === "data") return { token, base64: base64(file.bytes) };
    if (kind === "code") return { token, base64: base64(code[file.program]) };
    const beneath = kind === "path" ? file.beneath : undefined;
    return { token, path: beneath === undefined ? file.path : `${beneath}/${file.path}` };
  });
  return {
    argv: [bwrap.program, "--args", "{args}", ...bwrap.command],
    args: bwrap.options,
    descriptors: [...files, { token: "{seccomp}", base64: base64(plan.seccomp) }],
    environment: {},
    order: plan.order,
  };
}
