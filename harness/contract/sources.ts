// Where a task comes from: words, a file of the operator's, a CI event, GSD's planning folder. What others wrote is bounded, reached without a
// link, and only ever quoted. GSD: https://github.com/gsd-build/get-shit-done, `.planning/` as its 1.x lays it out.
// Does not stop: text that persuades; see prompt.ts.

import { closeSync, readdirSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { clip } from "#src/core/text.ts";
import { fdPath, openBeneath, readBeneath } from "#sandbox/open.ts";
import { readBounded } from "./files.ts";
import { MAX_TASK_BYTES, type Quoted, type Task, type TaskSource } from "./terms.ts";

const MAX_QUOTED_BYTES = 32 * 1024;
const MAX_FILE_BYTES = 1024 * 1024;
const MAX_EVENT_BYTES = 8 * 1024 * 1024;
const MAX_PHASES = 256;

function quoted(name: string, text: string): Quoted {
  return { name, ...clip(text, MAX_QUOTED_BYTES) };
}

// Events differ; of each only what a person wrote about the task is taken (GitHub's webhook payloads: issue, pull_request, comment).
const written = v.optional(
  v.nullable(v.object({ title: v.optional(v.string()), body: v.optional(v.nullable(v.string())) })),
);
const eventSchema = v.object({ issue: written, pull_request: written, comment: written });
/** What else says where the job stands; none of it is run or put into a path. */
const CI_NAMES = [
  "GITHUB_EVENT_NAME",
  "GITHUB_REPOSITORY",
  "GITHUB_REF",
  "GITHUB_BASE_REF",
  "GITHUB_HEAD_REF",
  "GITHUB_SHA",
];

function fromCi(env: Record<string, string | undefined>): Quoted[] {
  const path = env["GITHUB_EVENT_PATH"];
  if (path === undefined || !isAbsolute(path))
    throw new BrokeError("missing", "there is no CI event here", "--source ci is for a job that has GITHUB_EVENT_PATH");
  const parsed = v.safeParse(eventSchema, parseJson(readBounded(path, "CI event", MAX_EVENT_BYTES)));
  if (!parsed.success) throw new BrokeError("usage", "the CI event is none that is known");
  const job = CI_NAMES.flatMap((name) => (env[name] ? [`${name}=${env[name]}`] : []));
  const events = Object.entries(parsed.output).flatMap(([kind, said]) =>
    said ? [quoted(kind, [said.title, said.body].filter(Boolean).join("\n\n"))] : [],
  );
  return [...(job.length === 0 ? [] : [quoted("job", job.join("\n"))]), ...events];
}

function namesIn(workspace: string, folder: string): string[] {
  let fd: number;
  try {
    fd = openBeneath(workspace, folder);
  } catch {
    return []; // not there, or behind a link
  }
  try {
    return readdirSync(fdPath(fd)).sort().slice(0, MAX_PHASES);
  } catch {
    return []; // no folder
  } finally {
    closeSync(fd);
  }
}

const PLAN = /^(.*?)-?PLAN\.md$/;

/** The first plan of the first phase that has one without a summary: what GSD would do next. */
function nextPlan(workspace: string): string | undefined {
  const folder = ".planning/phases";
  for (const phase of namesIn(workspace, folder)) {
    const names = new Set(namesIn(workspace, `${folder}/${phase}`));
    const open = [...names].find((name) => {
      const [, stem] = PLAN.exec(name) ?? [];
      return stem !== undefined && !names.has(stem === "" ? "SUMMARY.md" : `${stem}-SUMMARY.md`);
    });
    if (open !== undefined) return `${folder}/${phase}/${open}`;
  }
  return undefined;
}

const GSD_FILES = ["PROJECT.md", "REQUIREMENTS.md", "ROADMAP.md", "STATE.md"].map((name) => `.planning/${name}`);

/** GSD's artifacts in a workspace, as far as they are there; the next plan last. */
export function readPlanning(workspace: string): Quoted[] {
  const plan = nextPlan(workspace);
  return [...GSD_FILES, ...(plan === undefined ? [] : [plan])].flatMap((path) => {
    const bytes = readBeneath(workspace, path, MAX_FILE_BYTES);
    return bytes === undefined ? [] : [quoted(path, bytes.toString("utf8"))];
  });
}

function fromGsd(workspace: string): Quoted[] {
  const found = readPlanning(workspace);
  if (found.length === 0)
    throw new BrokeError("missing", "there is no .planning here that can be read", "--source gsd is for a GSD project");
  return found;
}

const usual: Record<"ci" | "gsd", string> = {
  ci: "Do in this workspace what the event quoted below asks for, and nothing else.",
  gsd: "Carry out the next plan of this project, the last one quoted below, and nothing else.",
};

/** The operator's words: as written, or from a file (`@FILE`). */
function ownWords(written: string, cwd: string): { source: TaskSource; text: string } {
  if (!written.startsWith("@")) return { source: "manual", text: written };
  const text = readBounded(resolve(cwd, written.slice(1)), "task file", MAX_TASK_BYTES).trim();
  if (text === "") throw new BrokeError("usage", "the task file is empty");
  return { source: "file", text };
}

/** The task, read from where it is said to be. Throws `missing` or `usage`. */
export function readTask(
  { task, source }: { task?: string | undefined; source?: TaskSource | undefined },
  at: { workspace: string; env: Record<string, string | undefined> },
): Task | null {
  const own = task === undefined ? undefined : ownWords(task, at.workspace);
  if (source === "ci" || source === "gsd")
    return {
      source,
      text: own?.text ?? usual[source],
      quoted: source === "ci" ? fromCi(at.env) : fromGsd(at.workspace),
    };
  if (own === undefined) {
    if (source === undefined) return null;
    throw new BrokeError(
      "usage",
      `--source ${source} needs a task`,
      source === "file" ? "--task @FILE" : "--task TEXT",
    );
  }
  if (source !== undefined && source !== own.source)
    throw new BrokeError(
      "usage",
      `the task is not from --source ${source}`,
      "--task @FILE is a file, --task TEXT words",
    );
  return { ...own, quoted: [] };
}
