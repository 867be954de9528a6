// The contract's commands, run by the supervisor on what the worker left: on a copy of it, each in a fresh strict sandbox with a home of its own,
// no gateway and no network but what was allowed by name. What a command does to the copy is nobody's work and goes.
// Does not stop: a tree that was made to pass: the commands run what is in it.

import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { newSecret } from "#src/core/ids.ts";
import { pathsBelow, type RunPaths } from "#src/state/paths.ts";
import type { LimitGroup } from "#sandbox/cgroup.ts";
import { launchSandbox, type SandboxEnd } from "#sandbox/launch.ts";
import { amountWords, type Reached } from "#sandbox/limits.ts";
import { type FilePermission, resolveFilePermission } from "#sandbox/path-permission.ts";
import { bareFlags, noAskFlags, noListFlags, type PermissionFlags } from "#sandbox/permission-flags.ts";
import { GATEWAY, planSandbox } from "#sandbox/plan.ts";
import { profileOf } from "#sandbox/profile.ts";
import { findProtected } from "#sandbox/protected.ts";
import type { Artifacts } from "./artifacts/store.ts";
import { removeTree } from "./client-home.ts";
import { openedOf, type RunContract } from "./contract/contract.ts";
import { copyTree } from "./copy-tree.ts";
import { recordAttempts, superviseEgress } from "./egress.ts";
import { NOTHING_HELD } from "./hold.ts";
import { takeInventory } from "./inventory.ts";
import type { Ledger } from "./ledger.ts";
import { spareInit, watchFolders, watchRun } from "./limits.ts";
import { prepareRun } from "./prepare.ts";
import type { RunDeps } from "./run.ts";
import { makeRecorder } from "./recorder.ts";
import { junitSince } from "./results/junit-files.ts";
import { parseTestOutput } from "./results/parse.ts";
import type { TestResults } from "./results/results.ts";
import { listingWord, suspicionsOf, unheeded } from "./results/suspicion.ts";
import { forwardSignals } from "./signals.ts";
import { hashTree } from "./tree-hash.ts";
import { brokeHomes } from "./unprotected.ts";
import type { Finding } from "./verdict/categories.ts";
import type { WorkTree } from "./work-tree.ts";

/** A command that says nothing of its end is ended after this. */
const MAX_MS = 10 * 60_000;
const MAX_OUTPUT_BYTES = 1024 * 1024;
/** The end of an output, where every runner says what it came to. */
const READ_CHARS = 128 * 1024;
const SHOWN_COMMAND = 200;

type Ran = { end: SandboxEnd; reached: Reached | undefined; output: Output; ms: number };
type Output = { tail: string; bytes: number; sha256: string };

/** The worker's files, none of them to be written to: what outlives a verification would be nobody's. */
const readOnly = (files: FilePermission): FilePermission => ({
  ...files,
  ...{ anyRead: files.anyRead || files.anyWrite, anyWrite: false },
  ...{ read: [...files.read, ...files.write], write: [] },
});

/** What a command is given: the worker's files (to read) and network as they were allowed by name; any program; nobody to ask. */
export function verificationContract(contract: RunContract, command: string, homes: string[]): RunContract {
  const open = profileOf(contract.profile).root === "host";
  const held = (flags: PermissionFlags): PermissionFlags => ({
    ...flags,
    ...{ run: noListFlags, ask: { net: noAskFlags, run: noAskFlags } },
    ...(open ? { read: bareFlags, write: noListFlags } : {}),
  });
  return {
    ...contract,
    ...{ client: "exec", task: null, route: "broke_router", credential: "broke_managed", lease: null },
    ...{ profile: "strict", home: "run", args: ["/bin/sh", "-c", command] },
    permissions: held(contract.permissions),
    bounds: contract.bounds && held(contract.bounds),
    files: open
      ? resolveFilePermission(bareFlags, noListFlags, { workspace: contract.workspace, brokeHomes: homes })
      : readOnly(contract.files),
  };
}

/** Reads both outputs to their ends; keeps the last of them. */
async function readOutput(streams: number[], onBytes: (bytes: number) => void): Promise<Output> {
  const hash = createHash("sha256");
  let tail = Buffer.alloc(0);
  let bytes = 0;
  const read = async (fd: number) => {
    for await (const piece of Bun.file(fd).stream()) {
      hash.update(piece);
      bytes += piece.length;
      onBytes(piece.length);
      const both = Buffer.concat([tail, piece]);
      tail = both.subarray(Math.max(0, both.length - MAX_OUTPUT_BYTES));
    }
  };
  await Promise.all(streams.map(read));
  return { tail: tail.toString("utf8"), bytes, sha256: hash.digest("hex") };
}

type Work = {
  deps: RunDeps;
  contract: RunContract;
  /** The copy, and the folders its repository borrows. */
  tree: Pick<WorkTree, "path" | "objects">;
  ledger: Ledger;
  group: LimitGroup | undefined;
  /** Ends it; then nothing of it runs any more. */
  over?: AbortSignal;
};

async function runCommand({ deps, contract, tree, ledger, group, over }: Work, paths: RunPaths): Promise<Ran> {
  const began = performance.now();
  mkdirSync(paths.root, { mode: 0o700 });
  const prepared = prepareRun({
    ...{ contract, paths, tree, token: newSecret("brokerun"), terminal: false },
    ...{ brokeHome: deps.home.root, identities: join(deps.home.live, "identities.json") },
    ...{ env: deps.env, slots: [], keyNames: deps.keyNames, secrets: deps.secrets },
    // Secrets stay masked; the rest of the copy is nobody's, so there is nothing to protect.
    protect: { ...NOTHING_HELD.protect, masked: findProtected(tree.path, openedOf(contract)).masked },
  });
  const { ANTHROPIC_BASE_URL: _url, ANTHROPIC_AUTH_TOKEN: _token, ...env } = prepared.input.env;
  const socketDir = prepared.net === undefined ? undefined : paths.socketDir;
  const input = { ...prepared.input, env, socketDir, shims: undefined, events: undefined };
  const refuse = () => new Response(null, { status: 401 });
  const gateway =
    socketDir === undefined ? undefined : Bun.serve({ unix: join(socketDir, GATEWAY.socket), fetch: refuse });
  const timeoutMs = Math.min(contract.limits.timeoutMs ?? MAX_MS, MAX_MS);
  const limits = { ...contract.limits, timeoutMs };
  try {
    const growth = await watchFolders(prepared, takeInventory(tree.path), limits);
    const recorder = makeRecorder(ledger);
    const attempt = recordAttempts({
      ...recorder,
      append: (event, data) => recorder.append(event, { ...data, verification: true }),
    });
    return await superviseEgress(prepared.net, paths.socketDir, attempt, async () => {
      const plan = planSandbox({ ...input, ignored: [] });
      const run = await launchSandbox(plan, input.host.arch, { kind: "pipes", stdin: "empty" }, {}, group?.prefix);
      let output: Output;
      spareInit(run, group);
      // Beside a client, signals are the client's.
      using _signals =
        over === undefined
          ? forwardSignals(run, (signal) => ledger.append("session.interrupted", { signal }), run.kill)
          : undefined;
      using watch = watchRun(run, prepared, { limits, group, growth }, () => {});
      over?.addEventListener("abort", run.kill);
      try {
        if (over?.aborted) run.kill();
        output = await readOutput([run.streams!.stdout, run.streams!.stderr], watch.countOutput);
      } finally {
        run.kill();
      }
      const end = await run.ended;
      return { end, reached: watch.reached(), output, ms: Math.round(performance.now() - began) };
    });
  } finally {
    await gateway?.stop(true);
  }
}

/** In words, what kept a command from ending with 0; undefined: nothing did. */
function failureOf({ end, reached }: Ran): string | undefined {
  if (reached !== undefined) return `reached its limit: ${reached.which} ${amountWords(reached.which, reached.limit)}`;
  if (end.kind !== "exited") return end.reason;
  if (end.signal !== null) return `was ended by signal ${end.signal}`;
  return end.code === 0 ? undefined : `exited with ${end.code}`;
}

const finding = (category: Finding["category"], reason: string): Finding => ({
  ...{ category, grade: "finding", source: "observation" },
  reason,
});

/** A command that by its own words tests nothing proves nothing. */
function ofWords(command: string, shown: string): Finding[] {
  const word = listingWord(command.split(/\s+/));
  return word === undefined
    ? []
    : [finding("suspicious_tests", `verification: \`${shown}\` tests nothing, or passes without tests: ${word}`)];
}

/** What to find of a run that names no command: nothing where nobody wants one, or nothing was changed that could be verified. */
function unverified({ policy, mustVerify }: RunContract, changed: boolean): Finding[] {
  if (!changed || (policy === "off" && !mustVerify)) return [];
  return [finding("verification", "no verification command was given, so nothing was verified")];
}

/** One command as it came out; `failure` in words. */
type Verified = {
  command: string;
  shown: string;
  failure: string | undefined;
  seen: boolean;
  results: TestResults[];
  output: string;
};

const ended = () => new BrokeError("denied", "it was ended");

type Verification = Omit<Work, "ledger"> & { ledger: Ledger; artifacts: Artifacts; paths: RunPaths };

/** Runs the contract's commands on a copy of the tree, one after the other, and records each. Throws what kept one from being run at all. */
async function runCommands(work: Verification, event: string): Promise<Verified[]> {
  const { deps, contract, paths, ledger, artifacts } = work;
  const copy = join(paths.verification, "tree");
  const verified: Verified[] = [];
  try {
    mkdirSync(paths.verification, { mode: 0o700 });
    copyTree(work.tree.path, copy);
    for (const [index, command] of contract.verification.entries()) {
      if (work.over?.aborted) throw ended();
      const shown = command.length > SHOWN_COMMAND ? `${command.slice(0, SHOWN_COMMAND)}…` : command;
      const tree = hashTree(copy);
      const beganMs = Date.now();
      const ran = await runCommand(
        {
          ...work,
          contract: verificationContract(contract, command, brokeHomes(deps.home.root)),
          tree: { path: copy, objects: work.tree.objects },
        },
        pathsBelow(join(paths.verification, String(index))),
      );
      // What was cut off says nothing of the tree.
      if (work.over?.aborted) throw ended();
      const failure = failureOf(ran);
      const printed = parseTestOutput(ran.output.tail.slice(-READ_CHARS));
      const written = junitSince(copy, beganMs);
      const results =
        written === undefined ? printed : [...printed.filter(({ runner }) => runner !== "junit"), written];
      const output = artifacts.put({
        ...{ kind: "verification_output", class: "observation" },
        content: { kind: "text", text: ran.output.tail },
        cut: Math.max(0, ran.output.bytes - MAX_OUTPUT_BYTES),
      });
      ledger.append(event, {
        ...{ command, tree_sha256: tree, ms: ran.ms, failure: failure ?? null, results },
        code: ran.end.kind === "exited" ? ran.end.code : null,
        output: output?.sha256 ?? null,
        ...{ output_bytes: ran.output.bytes, output_sha256: ran.output.sha256 },
      });
      verified.push({ command, shown, failure, seen: ran.end.kind !== "unobserved", results, output: ran.output.tail });
    }
  } finally {
    removeTree(Buffer.from(paths.verification));
  }
  return verified;
}

/** What a proof came to: `green` when every command held. `ran`: a runner among them said that tests ran, and none failed. */
export type Proof = { green: boolean; ran: boolean };

/** Runs these commands on a copy of the tree while the client goes on, each recorded as `verification.proof`. Throws what kept one from being run. */
export async function proveTree(work: Verification & { over: AbortSignal }, commands: string[]): Promise<Proof> {
  const verified = await runCommands(
    { ...work, contract: { ...work.contract, verification: commands } },
    "verification.proof",
  );
  const results = verified.flatMap((each) => each.results);
  return {
    green: verified.every(({ failure }) => failure === undefined),
    ran:
      results.some(({ state, passed }) => state === "ran" && passed !== 0) &&
      results.every(({ failed }) => failed === 0),
  };
}

/** What the same commands came to before the worker's turn, in their order; a command that is not in it has no measure. */
export type Baseline = readonly TestResults[][];

/**
 * Runs the commands before the worker's turn, where the policy compares: only then is it known that tests are fewer, or that one which failed is gone.
 * What could not be run leaves nothing to compare with, which is recorded.
 */
export async function verifyBefore(work: Verification): Promise<Baseline> {
  const { contract, ledger } = work;
  if (contract.policy !== "balanced" && contract.policy !== "high_assurance") return [];
  if (contract.verification.length === 0) return [];
  try {
    return (await runCommands(work, "verification.baseline")).map(({ results }) => results);
  } catch (error) {
    if (!(error instanceof BrokeError)) throw error;
    ledger.append("verification.failed", { reason: error.message, baseline: true });
    return [];
  }
}

/**
 * Verifies the tree a run left. `changed`: whether the run changed anything. What could not be run is a finding too; nothing is thrown but what
 * could not be recorded.
 */
export async function verifyTree(work: Verification & { changed: boolean; baseline: Baseline }): Promise<Finding[]> {
  const { contract, ledger, changed, baseline } = work;
  if (contract.verification.length === 0) return unverified(contract, changed);
  let verified: Verified[];
  try {
    verified = await runCommands(work, "verification.ran");
  } catch (error) {
    if (!(error instanceof BrokeError)) throw error;
    ledger.append("verification.failed", { reason: error.message });
    return [finding("verification", `the result could not be verified: ${error.message}`)];
  }
  return verified.flatMap(({ command, shown, failure, seen, results, output }, index) => [
    ...suspicionsOf(results, baseline[index]),
    ...ofWords(command, shown),
    ...(failure === undefined ? unheeded(results) : []),
    ...(failure === undefined
      ? []
      : [
          {
            ...finding(seen ? "correctness" : "verification", `verification: \`${shown}\` ${failure}`),
            ...(output === "" ? {} : { detail: output }),
          },
        ]),
  ]);
}
