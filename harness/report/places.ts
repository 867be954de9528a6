// Where reports of a run go: named and opened before the run, so that nothing the worker makes of those paths leads us elsewhere, and written when
// it is over. A report appears whole, in place of what had its name: where the path then leads to another folder of the workspace, that one is written to,
// or what the worker put there would be taken for it; where it leads out, the launch fails.
// Does not stop: the worker from changing a report that lies in its workspace, in a later run.

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { randomUUID } from "node:crypto";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import { visibleJson } from "#src/core/text.ts";
import { fdPath, openBeneath } from "#sandbox/open.ts";
import { isWithin } from "#sandbox/protected.ts";
import { junitReport } from "./junit.ts";
import { markdownReport } from "./markdown.ts";
import type { RunReport } from "./report.ts";
import { sarifReport } from "./sarif.ts";

/** Each form by its name in `--report`. */
export const reportForms = {
  json: (report: RunReport) => `${visibleJson(report, 2)}\n`,
  junit: junitReport,
  sarif: sarifReport,
  md: markdownReport,
} as const;
export type ReportForm = keyof typeof reportForms;
export const reportNames = Object.keys(reportForms) as ReportForm[];

/** The form a word names. Throws `usage`. */
export function reportForm(word: string): ReportForm {
  const form = reportNames.find((name) => name === word);
  if (form !== undefined) return form;
  const guess = nearest(word, reportNames);
  const hint = guess === undefined ? `use one of: ${reportNames.join(", ")}` : `did you mean ${guess}?`;
  throw new BrokeError("usage", "there is no report of that form", hint);
}

export type WantedReport = { form: ReportForm; path: string };

/** Parses `json=out.json,junit=out.xml`. Throws `usage` on anything unknown or given twice. */
export function parseReports(words: readonly string[]): WantedReport[] {
  const wanted = words
    .flatMap((word) => word.split(","))
    .map((item) => {
      const at = item.indexOf("=");
      const path = at === -1 ? "" : item.slice(at + 1);
      if (path === "")
        throw new BrokeError("usage", "--report takes form=file", "as in --report junit=report.xml,md=report.md");
      return { form: reportForm(item.slice(0, at)), path };
    });
  const twice = wanted.some(({ path }, index) => wanted.findIndex((other) => other.path === path) !== index);
  if (twice) throw new BrokeError("usage", "two reports have the same file");
  return wanted;
}

/** A descriptor of the folder a report goes to; within the workspace no link leads there. */
function openParent(cwd: string, path: string): number {
  const folder = dirname(path);
  if (isWithin(cwd, folder)) return openBeneath(cwd, relative(cwd, folder) || ".");
  return openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
}

function put(folder: number, name: string, text: string): void {
  const fresh = `${fdPath(folder)}/.${randomUUID()}`;
  writeFileSync(fresh, text, { mode: 0o644, flag: "wx" });
  // Nothing that has its name keeps it.
  if (lstatSync(`${fdPath(folder)}/${name}`, { throwIfNoEntry: false })?.isDirectory())
    renameSync(`${fdPath(folder)}/${name}`, `${fdPath(folder)}/.${randomUUID()}`);
  renameSync(fresh, `${fdPath(folder)}/${name}`);
}

/** The folder a report's path leads to now; undefined where that is none of the workspace's, nor the one it was. */
function whereNow(cwd: string, file: string, folder: number): number | undefined {
  let now: number;
  try {
    now = openParent(cwd, file);
  } catch {
    return undefined;
  }
  const { ino, dev } = fstatSync(folder);
  const stat = fstatSync(now);
  if (stat.isDirectory() && (isWithin(cwd, file) || (stat.ino === ino && stat.dev === dev))) return now;
  closeSync(now);
  return undefined;
}

/** Throws `usage` where no new file can be made in a folder: that is better known before a run than after it. */
export function requireRoom(folder: number, what: string): void {
  const probe = `${fdPath(folder)}/.${randomUUID()}`;
  try {
    writeFileSync(probe, "", { flag: "wx" });
    unlinkSync(probe);
  } catch {
    throw new BrokeError(
      "usage",
      `${what} cannot be written there`,
      "give a folder that you may write to, with room left",
    );
  }
}

/** Two spellings of one file are one. */
function requireApart(held: readonly { folder: number; file: string }[]): void {
  const places = held.map(({ folder, file }) => {
    const { dev, ino } = fstatSync(folder);
    return `${dev} ${ino} ${basename(file)}`;
  });
  if (new Set(places).size < places.length) throw new BrokeError("usage", "two reports have the same file");
}

/** `write` throws `denied` where a report's path leads somewhere else now; all that can be written is, even then. */
export type HeldReports = Disposable & { write(report: RunReport): void };

const AGAIN = "`broke harness report` makes it again";

/** Opens the folders. Throws `usage` for one that is not there. */
export function holdReports(wanted: readonly WantedReport[], cwd: string): HeldReports {
  const held: { form: ReportForm; folder: number; file: string }[] = [];
  const close = () => {
    for (const { folder } of held) closeSync(folder);
  };
  try {
    for (const { form, path } of wanted) {
      const file = resolve(cwd, path);
      // It is put in the place of what is there: of a device, that would be the machine's.
      if (statSync(file, { throwIfNoEntry: false })?.isFile() === false) throw new Error("no file");
      if (!statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory()) throw new Error("no folder");
      const folder = openParent(cwd, file);
      held.push({ form, folder, file });
      requireRoom(folder, `the report ${path}`);
    }
    requireApart(held);
  } catch (error) {
    close();
    if (error instanceof BrokeError) throw error;
    throw new BrokeError(
      "usage",
      "a report has no folder to go to",
      "it goes to a plain file, in a folder that is there and that you may write to",
    );
  }
  return {
    write(report) {
      const lost: string[] = [];
      for (const { form, folder, file } of held) {
        const now = whereNow(cwd, file, folder);
        if (now === undefined) lost.push(relative(cwd, file));
        try {
          put(now ?? folder, basename(file), reportForms[form](report));
        } catch (error) {
          const { code } = error as NodeJS.ErrnoException;
          if (now !== undefined)
            throw new BrokeError("missing", `the report ${relative(cwd, file)} could not be written (${code})`, AGAIN);
          // Gone, with whoever took it away.
        } finally {
          if (now !== undefined) closeSync(now);
        }
      }
      if (lost.length > 0)
        throw new BrokeError(
          "denied",
          `a report is not where it was to be: ${lost.join(", ")}`,
          `what stands there now is not broke's; ${AGAIN}`,
        );
    },
    [Symbol.dispose]: close,
  };
}

/** A file of the CI's that text is added to, opened before the run; undefined where there is none. */
export function openAppend(path: string | undefined): number | undefined {
  if (path === undefined || path === "") return undefined;
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (fstatSync(fd).isFile()) return fd;
    closeSync(fd);
  } catch {
    // Not there, or not ours to write: the run goes on without it.
  }
  return undefined;
}
