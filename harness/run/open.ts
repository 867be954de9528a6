// A run begun: its folder, the lock its supervisor holds, the contract it was given, its row in the table, its ledger, its place in the launch
// audit. From here on every end of it is on record.

import { closeSync, constants, mkdirSync, openSync, writeFileSync } from "node:fs";
import { BrokeError } from "#src/core/errors.ts";
import { newRunId, newSecret } from "#src/core/ids.ts";
import type { Json } from "#src/core/json.ts";
import type { RedactStream } from "#src/core/redact-stream.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type RunPaths, runPaths } from "#src/state/paths.ts";
import * as libc from "#sandbox/libc.ts";
import { profileOf } from "#sandbox/profile.ts";
import { type Artifacts, openArtifacts } from "../artifacts/store.ts";
import { auditLaunch, type LaunchAudit, permissionsOf } from "../audit.ts";
import { registered, type RunContract } from "../contract/contract.ts";
import { spellContract } from "../contract/terms.ts";
import { countByClass } from "../environment.ts";
import { Ledger } from "../ledger.ts";
import { makeRecorder } from "../recorder.ts";
import { isReserved } from "../overlay-view.ts";
import { type Direct, secretsOf } from "../routes.ts";
import type { RunDeps } from "../run.ts";
import { recordProcesses } from "../supervision/processes.ts";
import { openSupervision, type Supervision } from "../supervision/supervision.ts";
import type { Turn } from "./turn.ts";

/** A run for as long as it goes on. `token` is its nonce, `direct` what its worker is lent, `notes` what its operator is told at the end. */
export type OpenRun = Disposable & {
  deps: RunDeps;
  contract: RunContract;
  paths: RunPaths;
  ledger: Ledger;
  artifacts: Artifacts;
  launch: LaunchAudit;
  token: string;
  direct: Direct | undefined;
  supervision: Supervision;
  notes: string[];
  continued: Continued | undefined;
  /** A redactor for a text that comes in pieces. */
  pieces(): RedactStream;
  /** Keeps a secret that became known out of everything that is recorded from now on. */
  hide(secret: string): void;
};

/** A run that goes on where another ended: with which turn, and the other's head at that moment. */
export type Continued = {
  of: string;
  head: { seq: number; hash: string };
  turn: Turn;
  /** When its worker, and those before it, worked, in milliseconds since the epoch: what they changed is explained by that. */
  worked: { fromMs: number; toMs: number }[];
};

/** `lock` is a descriptor, the caller's to close. Throws `busy` when somebody else holds it. */
function register(
  deps: Pick<RunDeps, "home" | "runs" | "clock" | "reserved">,
  contract: RunContract,
): { runId: string; paths: RunPaths; lock: number } {
  const reserved = contract.mode === "overlay" ? deps.reserved : undefined;
  const runId = reserved ?? newRunId(deps.clock());
  const paths = runPaths(deps.home, runId);
  if (reserved === undefined) mkdirSync(paths.root, { mode: 0o700 });
  else if (!isReserved(paths))
    throw new BrokeError("denied", "what was reserved for the run is gone", "launch it anew");
  const lock = openSync(paths.lock, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600);
  if (!libc.tryLock(lock)) throw new BrokeError("busy", "the run is held by another process");
  writeFileSync(paths.contract, spellContract(contract), { mode: 0o600, flag: "wx" });
  deps.runs.add({
    id: runId,
    createdMs: deps.clock(),
    client: contract.client,
    profile: contract.profile,
    workspace: contract.workspace,
  });
  recordProcesses(paths.processes, null);
  return { runId, paths, lock };
}

/** Begins a run; disposed of, it gives up its lock. `installation` is what was found of our own. */
export function openRun(
  deps: RunDeps,
  contract: RunContract,
  {
    installation,
    direct,
    continued,
  }: { installation: string; direct: Direct | undefined; continued: Continued | undefined },
): OpenRun {
  const { runId, paths, lock } = register(deps, contract);
  const token = newSecret("brokerun");
  const redact = makeRedactor([...deps.secrets, token, ...secretsOf(direct)]);
  const ledger = new Ledger({
    file: paths.ledger,
    run: runId,
    key: deps.keys.sign,
    clock: deps.clock,
    redact,
    saveHead: (head) => deps.runs.saveHead(runId, head),
  });
  let supervision: Supervision | undefined;
  const close = () => {
    supervision?.[Symbol.dispose]();
    ledger[Symbol.dispose]();
    closeSync(lock);
  };
  try {
    const append = (event: string, data: Record<string, Json>) => void ledger.append(event, data);
    const artifacts = openArtifacts({ folder: paths.artifacts, append, redact });
    ledger.append("run.registered", registered(contract));
    if (continued !== undefined)
      ledger.append("run.continues", {
        ...{ of: continued.of, head: continued.head, kind: continued.turn.kind, worked: continued.worked },
      });
    ledger.append("checkpoint.opened", { reason: "registered" });
    ledger.append("preflight.passed", { installation });
    const launch = auditLaunch(deps.audit, runId, {
      client: contract.client,
      profile: contract.profile,
      permissions: permissionsOf(contract, profileOf(contract.profile)),
      variables_dropped: countByClass(deps.env),
      ...deps.launchedAs,
    });
    supervision = openSupervision(deps, runId, makeRecorder(ledger).append);
    return {
      ...{ deps, contract, paths, ledger, artifacts, launch, token, direct, supervision, continued, notes: [] },
      pieces: () => redact.stream(),
      hide: (secret) => redact.add(secret),
      [Symbol.dispose]: close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
