// What was said in each session, in a file of its own: appended and on disk before an editor sees it, so that a session can be shown again whatever
// became of the client that answered in it. One writer: the server that has the session open.
// Does not stop: two servers with the same session open, whose lines would stand among one another, each whole. Of a text whose end may begin a secret,
// that end is written with what comes next, or at its own end.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  existsSync,
  fsync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import type { Clock } from "#src/core/clock.ts";
import { isoTime } from "#src/core/clock.ts";
import { parseJson } from "#src/core/json.ts";
import type { RedactStream } from "#src/core/redact-stream.ts";
import { mapStrings, type StreamRedactor } from "#src/core/text.ts";
import { readPrivate } from "#src/state/files.ts";
import type { Home } from "#src/state/paths.ts";
import { isSessionId, type PromptBlock, type SessionUpdate } from "./schema.ts";
import { chunkOf } from "./stream.ts";

const line = v.variant("kind", [
  v.object({ kind: v.literal("opened"), at: v.string(), cwd: v.string() }),
  v.object({ kind: v.literal("prompt"), at: v.string(), blocks: v.array(v.looseObject({ type: v.string() })) }),
  v.object({ kind: v.literal("update"), at: v.string(), update: v.looseObject({ sessionUpdate: v.string() }) }),
  v.object({ kind: v.literal("stop"), at: v.string(), reason: v.string() }),
  v.object({ kind: v.literal("run"), at: v.string(), run: v.string(), verdict: v.nullable(v.string()) }),
  v.object({
    ...{ kind: v.literal("permission"), at: v.string(), tool: v.string(), allowed: v.boolean(), by: v.string() },
  }),
  v.object({ kind: v.literal("chose"), at: v.string(), choices: v.record(v.string(), v.string()) }),
  v.object({ kind: v.literal("quarantined"), at: v.string(), why: v.string(), what: v.string() }),
]);
type Line = v.InferOutput<typeof line>;
/** An entry as it is told; the time is the store's. */
export type Entry =
  | { kind: "opened"; cwd: string }
  | { kind: "prompt"; blocks: readonly PromptBlock[] }
  | { kind: "update"; update: SessionUpdate }
  | { kind: "stop"; reason: string }
  | { kind: "run"; run: string; verdict: string | null }
  | { kind: "permission"; tool: string; allowed: boolean; by: string }
  | { kind: "chose"; choices: Record<string, string> }
  | { kind: "quarantined"; why: string; what: string };

export type StoredSession = { id: string; cwd: string; lines: Line[] };
export type Summary = { id: string; cwd: string; title: string | null; updatedAt: string };

export type Transcript = Disposable & {
  append(entry: Entry): void;
  /** Resolves when all that was appended is on disk; meanwhile other sessions go on. */
  synced(): Promise<void>;
  /** A redactor for a text that is shown in pieces: what is certainly a secret goes from the editor's eyes too. */
  pieces(): RedactStream;
};

export type SessionStore = {
  /** A new session. */
  create(cwd: string): { id: string; transcript: Transcript };
  /** One that was there; undefined when it is not, or is none. */
  read(id: string): StoredSession | undefined;
  reopen(id: string): Transcript;
  list(): Summary[];
  /** Takes it away; one that is not there is gone already. */
  remove(id: string): void;
};

const TITLE_LENGTH = 80;

function titleOf(lines: readonly Line[]): string | null {
  const prompt = lines.find((entry) => entry.kind === "prompt");
  return prompt === undefined ? null : titleFrom(prompt.blocks as PromptBlock[]);
}

/** What a session that begins with this prompt is called. */
export function titleFrom(blocks: readonly PromptBlock[]): string | null {
  const first = blocks.find(({ type }) => type === "text")?.["text"];
  if (typeof first !== "string") return null;
  const title = first.trim().split("\n")[0]!.toWellFormed();
  return title.length > TITLE_LENGTH ? `${title.slice(0, TITLE_LENGTH - 1)}…` : title;
}

type ChunkKind = NonNullable<ReturnType<typeof chunkOf>>["kind"];
const chunkIn = (entry: Entry) => (entry.kind === "update" ? chunkOf(entry.update) : undefined);
const chunkEntry = (sessionUpdate: ChunkKind, text: string): Entry => ({
  kind: "update",
  update: { sessionUpdate, content: { type: "text", text } },
});

/** The runs of a session that have ended, each with its last verdict and its lane, which at first is `lane`. */
export function endedRuns(lines: readonly Line[], lane: string): { id: string; lane: string; verdict: string }[] {
  const ended = new Map<string, { id: string; lane: string; verdict: string }>();
  let of = lane;
  const begun = new Map<string, string>();
  for (const entry of lines) {
    if (entry.kind === "chose") of = entry.choices["lane"] ?? of;
    if (entry.kind !== "run") continue;
    const { run: id, verdict } = entry;
    if (!begun.has(id)) begun.set(id, of);
    if (verdict !== null) ended.set(id, { id, lane: begun.get(id)!, verdict });
  }
  return [...ended.values()];
}

/** The sessions below a home. What a redactor takes out is never written; a new one is asked for with each session that is opened. */
export function openSessionStore(home: Home, clock: Clock, redactor: () => StreamRedactor): SessionStore {
  const folder = join(home.root, "acp");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const fileOf = (id: string) => join(folder, `${id}.jsonl`);
  const open = (id: string, flags: number): Transcript => {
    const fd = openSync(fileOf(id), constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | flags, 0o600);
    const redact = redactor();
    const told = redact.stream();
    /** Whose text is being told, of which the end may be held until it shows whether it is a secret's beginning. */
    let telling: ChunkKind | undefined;
    let closed = false;
    let dirty = false;
    let syncing: Promise<void> | undefined;
    const write = (entry: Entry) => {
      const bytes = Buffer.from(`${JSON.stringify({ at: isoTime(clock()), ...entry })}\n`);
      for (let done = 0; done < bytes.length;) done += writeSync(fd, bytes, done);
      dirty = true;
    };
    const tellRest = () => {
      const rest = told.end();
      if (rest !== "") write(chunkEntry(telling!, rest));
      telling = undefined;
    };
    return {
      append(entry) {
        // Its number may be another file's by now.
        if (closed) return;
        const chunk = chunkIn(entry);
        if (telling !== undefined && telling !== chunk?.kind) tellRest();
        if (chunk === undefined) return write(mapStrings(entry, redact));
        telling = chunk.kind;
        const text = told.push(chunk.text);
        if (text !== "") write(chunkEntry(chunk.kind, text));
      },
      pieces: () => redact.stream("certain"),
      async synced() {
        while (syncing !== undefined) await syncing;
        if (!dirty || closed) return;
        dirty = false;
        const done = Promise.withResolvers<void>();
        syncing = done.promise;
        fsync(fd, (error) => {
          syncing = undefined;
          if (closed) closeSync(fd);
          if (error === null) done.resolve();
          else done.reject(error);
        });
        await done.promise;
      },
      [Symbol.dispose]() {
        if (closed) return;
        if (telling !== undefined) tellRest();
        closed = true;
        if (syncing !== undefined) return;
        if (dirty) fsyncSync(fd);
        closeSync(fd);
      },
    };
  };
  const read = (id: string): StoredSession | undefined => {
    if (!isSessionId(id)) return undefined;
    const text = readPrivate(fileOf(id));
    if (text === undefined) return undefined;
    // A line that was torn by a crash was never shown.
    const lines = text.split("\n").flatMap((each) => {
      const parsed = v.safeParse(line, parseJson(each));
      return parsed.success ? [parsed.output] : [];
    });
    const first = lines[0];
    return first?.kind === "opened" ? { id, cwd: first.cwd, lines } : undefined;
  };
  return {
    create(cwd) {
      const id = `sess_${clock()}_${randomBytes(4).toString("hex")}`;
      const transcript = open(id, constants.O_CREAT | constants.O_EXCL);
      transcript.append({ kind: "opened", cwd });
      return { id, transcript };
    },
    read,
    reopen: (id) => open(id, 0),
    list() {
      const ids = readdirSync(folder).flatMap((name) => (name.endsWith(".jsonl") ? [name.slice(0, -6)] : []));
      return ids
        .flatMap((id) => read(id) ?? [])
        .map(({ id, cwd, lines }) => ({ id, cwd, title: titleOf(lines), updatedAt: lines.at(-1)!.at }))
        .sort((a, b) => b.updatedAt.localeCompare(a.updatedAt) || b.id.localeCompare(a.id));
    },
    remove(id) {
      if (isSessionId(id) && existsSync(fileOf(id))) rmSync(fileOf(id));
    },
  };
}
