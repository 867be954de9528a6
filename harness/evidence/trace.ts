// The commands of a run as the supervisor saw them begin and end, and the times during which each could have changed something. Pure over ledger
// records. A process that forks without running another program counts as the command it was forked from, for as long as that one goes on; what it
// does afterwards is the client's, whose sandbox it lives in.

import * as v from "valibot";
import type { Json } from "#src/core/json.ts";
import type { LedgerRecord } from "../record.ts";
import type { TracedCommand } from "./packet.ts";

const MAX_TRACED = 20_000;
const SHOWN_CHARS = 480;
/** Of a command's words so many are looked through for a path. */
const NAMING_CHARS = 4096;

/** Milliseconds since the epoch. `client`: it is the client's own process. `argv` is cut short, `words` less so. */
export type CommandWindow = {
  seq: number;
  argv: string[];
  words: readonly string[];
  client: boolean;
  fromMs: number;
  toMs: number;
};
export type Trace = { commands: TracedCommand[]; windows: CommandWindow[]; omitted: number };

/** A part of a text that does not keep the whole of it in memory. */
const part = (text: string, most: number) => Buffer.from(text.slice(0, most)).toString();

/** The first words, as many as fit into so many characters. */
function words(argv: Json | undefined, most: number): string[] {
  let left = most;
  const shown: string[] = [];
  for (const word of Array.isArray(argv) ? argv.map(String) : []) {
    if (left <= 0) return [...shown, "…"];
    shown.push(word.length > left ? `${part(word, left)}…` : part(word, left));
    left -= word.length;
  }
  return shown;
}

const number = (value: Json | undefined) => (typeof value === "number" ? value : null);

const endSchema = v.looseObject({
  pid: v.number(),
  at: v.number(),
  code: v.nullable(v.number()),
  signal: v.nullable(v.number()),
});
const endsIn = (ends: Json | undefined) => {
  const parsed = v.safeParse(v.array(endSchema), ends);
  return parsed.success ? parsed.output : [];
};

type Going = { command: TracedCommand | undefined; window: CommandWindow };

/** Follows the records, in their order. */
export function traceCommands(records: Iterable<LedgerRecord>): Trace {
  const commands: TracedCommand[] = [];
  const windows: CommandWindow[] = [];
  const going = new Map<number, Going>();
  let client: number | undefined;
  let omitted = 0;
  const end = (pid: number, atMs: number, how?: { code: number | null; signal: number | null }) => {
    const open = going.get(pid);
    // The end of one that had the number before is recorded later than it came.
    if (open === undefined || atMs < open.window.fromMs) return;
    going.delete(pid);
    open.window.toMs = Math.max(open.window.fromMs, atMs);
    if (open.command === undefined || how === undefined) return;
    Object.assign(open.command, {
      code: how.code,
      signal: how.signal,
      ms: Math.round(open.window.toMs - open.window.fromMs),
    });
  };
  const begin = ({ seq, ts, data }: LedgerRecord) => {
    const [pid, atMs] = [number(data.pid) ?? 0, number(data.at) ?? Date.parse(ts)];
    const started = data.outcome === "started" || data.outcome === "unknown";
    const argv = words(data.argv, SHOWN_CHARS);
    const path = typeof data.path === "string" ? data.path : null;
    const command: TracedCommand | undefined =
      commands.length < MAX_TRACED
        ? { seq, at: atMs, pid, path, argv, outcome: String(data.outcome), code: null, signal: null, ms: null }
        : undefined;
    if (command === undefined) omitted += 1;
    else commands.push(command);
    if (!started) return;
    // One program runs another in its place: the process goes on, the command ends.
    end(pid, atMs);
    client ??= pid;
    const window = {
      seq,
      argv,
      words: words(data.argv, NAMING_CHARS),
      client: pid === client,
      fromMs: atMs,
      toMs: Infinity,
    };
    windows.push(window);
    going.set(pid, { command, window });
  };
  for (const record of records) {
    const { event, data, ts } = record;
    if (event === "command.observed") begin(record);
    else if (event === "command.ended") for (const each of endsIn(data.ends)) end(each.pid, each.at, each);
    else if (event === "agent.exited") {
      for (const pid of [...going.keys()]) end(pid, Date.parse(ts));
      client = undefined;
    }
  }
  return { commands, windows, omitted };
}
