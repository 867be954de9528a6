// What a CI's job keeps of a run: files of fixed names in one folder, which is made and opened before the run. Each appears whole, in place of what had
// its name: where the path then leads to another folder of the workspace, in that one, or what the worker put there would be taken for ours; where it
// leads out, in the folder it was, and the launch fails. Files of these names that are not from an earlier run are somebody's own: that folder is refused.
// Does not stop: the worker from changing them in a later run, where the folder lies in its workspace; nor from making a folder there look as if it were
// an earlier run's.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { randomUUID } from "node:crypto";
import * as v from "valibot";
import { relative, resolve } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import type { RunPaths } from "#src/state/paths.ts";
import { fdPath, openBeneath } from "#sandbox/open.ts";
import { isWithin } from "#sandbox/protected.ts";
import { readArtifact } from "../artifacts/store.ts";
import { findArtifact } from "../evidence/stored.ts";
import { filePieces, ledgerRecords } from "../ledger-lines.ts";
import { recordSchema } from "../record.ts";
import { reportForms, requireRoom } from "./places.ts";
import type { RunReport } from "./report.ts";

const LEDGER_NAME = "ledger.jsonl";
const NAMES = [
  LEDGER_NAME,
  "patch.diff",
  "session.cast",
  "verification.log",
  "report.json",
  "report.xml",
  "report.sarif",
  "report.md",
] as const;

/** `write` throws `denied` where the path leads somewhere else now. */
export type HeldFolder = Disposable & { write(report: RunReport, paths: RunPaths): void };

/**
 * Makes the folder, where it is missing, and opens it. Throws `usage` for the workspace itself and for a folder with such files of somebody else's,
 * `denied` behind a link of the workspace.
 */
export function holdFolder(path: string, cwd: string): HeldFolder {
  const folder = resolve(cwd, path);
  const fd = openFolder(folder, cwd);
  try {
    checkOurs(fd, cwd);
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  return {
    write(report, paths) {
      const now = whereNow(folder, cwd, fd);
      try {
        for (const { name, pieces } of jobFiles(report, paths)) put(now ?? fd, name, pieces);
      } finally {
        if (now !== undefined) closeSync(now);
      }
      if (now !== undefined) return;
      throw new BrokeError("denied", "--artifacts leads somewhere else now", "see what the run made of that path");
    },
    [Symbol.dispose]: () => closeSync(fd),
  };
}

function openFolder(folder: string, cwd: string): number {
  try {
    if (statSync(folder, { throwIfNoEntry: false }) === undefined) mkdirSync(folder);
    if (isWithin(cwd, folder) && folder !== cwd) return openBeneath(cwd, relative(cwd, folder));
    return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (error instanceof BrokeError) throw error;
    throw new BrokeError(
      "usage",
      "--artifacts is no folder, and none can be made there",
      "give a folder in one that is there",
    );
  }
}

function checkOurs(fd: number, cwd: string): void {
  requireRoom(fd, "what --artifacts keeps");
  const [folder, workspace] = [fstatSync(fd), statSync(cwd)];
  if (folder.dev === workspace.dev && folder.ino === workspace.ino)
    throw new BrokeError("usage", "--artifacts is the workspace itself", "give a folder of its own, as in broke-run");
  const taken = NAMES.filter((name) => lstatSync(`${fdPath(fd)}/${name}`, { throwIfNoEntry: false }) !== undefined);
  if (taken.length > 0 && !isRunLedger(`${fdPath(fd)}/${LEDGER_NAME}`))
    throw new BrokeError(
      "usage",
      `--artifacts has files that are not from a run: ${taken.join(", ")}`,
      "give a folder of its own, as in broke-run",
    );
}

/** Whether a file begins as the ledger of a run does. */
function isRunLedger(file: string): boolean {
  try {
    for (const record of ledgerRecords(file)) return v.is(recordSchema, record) && record.event === "run.registered";
  } catch {
    // Not there, a link, or no lines: not ours.
  }
  return false;
}

/** The folder its path leads to now; undefined where that is none of the workspace's, nor the one it was. */
function whereNow(folder: string, cwd: string, held: number): number | undefined {
  let now: number;
  try {
    now = openFolder(folder, cwd);
  } catch {
    return undefined;
  }
  const [before, after] = [fstatSync(held), fstatSync(now)];
  if (after.isDirectory() && (isWithin(cwd, folder) || (before.ino === after.ino && before.dev === after.dev)))
    return now;
  closeSync(now);
  return undefined;
}

function put(folder: number, name: string, pieces: Iterable<Uint8Array>): void {
  const fresh = `${fdPath(folder)}/.${randomUUID()}`;
  const fd = openSync(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644);
  try {
    for (const piece of pieces) for (let done = 0; done < piece.length;) done += writeSync(fd, piece, done);
  } finally {
    closeSync(fd);
  }
  // Nothing that has its name keeps it.
  if (lstatSync(`${fdPath(folder)}/${name}`, { throwIfNoEntry: false })?.isDirectory())
    renameSync(`${fdPath(folder)}/${name}`, `${fdPath(folder)}/.${randomUUID()}`);
  renameSync(fresh, `${fdPath(folder)}/${name}`);
}

type JobFile = { name: (typeof NAMES)[number]; pieces: Iterable<Uint8Array> };

/** The outputs of the last turn's verification, one after the other, each under its command. */
function verificationLog({ ledger, artifacts }: RunPaths): string {
  let log = "";
  for (const { event, data } of ledgerRecords(ledger)) {
    if (event === "attempt.started") log = "";
    if (event !== "verification.ran") continue;
    const output = typeof data.output === "string" ? readArtifact(artifacts, data.output)?.toString("utf8") : undefined;
    log += `$ ${String(data.command)}\n${output ?? "(not kept)"}\n`;
  }
  return log;
}

function* jobFiles(report: RunReport, paths: RunPaths): Generator<JobFile> {
  const text = (name: JobFile["name"], content: string | undefined): JobFile[] =>
    content === undefined ? [] : [{ name, pieces: [Buffer.from(content)] }];
  yield { name: LEDGER_NAME, pieces: filePieces(paths.ledger) };
  yield* text("patch.diff", findArtifact(paths, "diff")?.text);
  yield* text("session.cast", findArtifact(paths, "transcript")?.text);
  yield* text("verification.log", verificationLog(paths));
  yield* text("report.json", reportForms.json(report));
  yield* text("report.xml", reportForms.junit(report));
  yield* text("report.sarif", reportForms.sarif(report));
  yield* text("report.md", reportForms.md(report));
}
