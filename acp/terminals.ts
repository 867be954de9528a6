// What commands print, on its way to an editor, within one turn. Never by a terminal of the editor's (`terminal/create` would run the command outside the
// sandbox): as content of the tool call, of which the end is shown while it goes on; or, for editors that say so under `_meta`, as the terminal they draw
// from `terminal_info`, `terminal_output` and `terminal_exit` (Zed's convention, as the vendors' adapters speak it).
// Does not stop: a secret that a command prints around something else.

import * as v from "valibot";
import type { RedactStream } from "#src/core/redact-stream.ts";
import type { SessionUpdate } from "./schema.ts";

/** How an editor wants to be told; undefined: by content alone. */
export type TerminalStyle = "terminal_output" | "terminal_output_delta" | undefined;

const GATHER_MS = 50;
/** From there on nobody looks at it until it is over. */
const MOST_WATCHED = 1024 * 1024;
/** Content is sent whole each time, so it is small, and not often. */
const TAIL = 4 * 1024;
const TAIL_EVERY_MS = 500;
/** Of one command as it goes on; the rest is in the run's own record. */
const MOST_OUTPUT = 64 * 1024;

const metaSchema = v.looseObject({
  terminal_output: v.optional(v.unknown()),
  terminal_output_delta: v.optional(v.unknown()),
});
/** Of `clientCapabilities._meta`. */
export function terminalStyleOf(meta: unknown): TerminalStyle {
  const parsed = v.safeParse(metaSchema, meta);
  if (!parsed.success) return undefined;
  if (parsed.output.terminal_output_delta === true) return "terminal_output_delta";
  return parsed.output.terminal_output === true ? "terminal_output" : undefined;
}

/** What a runtime says of a command's end, in `rawOutput`. */
const exitSchema = v.looseObject({ exit_code: v.nullable(v.number()), signal: v.optional(v.nullable(v.string())) });

export type Terminals = {
  /** What goes out for an update of a runtime's, in order. */
  shown(update: SessionUpdate): SessionUpdate[];
  /** What a command printed. */
  printed(toolCallId: string, text: string): void;
  /** The turn is over: nothing more is sent. */
  close(): void;
};

type Command = {
  stream: RedactStream;
  pending: string;
  tail: string;
  /** As it was printed, as much as is shown. */
  printed: string;
  sent: number;
  atMs: number;
  timer?: ReturnType<typeof setTimeout> | undefined;
};

/** What our own agent says of how a command ended. */
const SAID_FIRST = /^\[[^\n]*\]\n/;

const contentOf = (text: string) => [{ type: "content" as const, content: { type: "text" as const, text } }];

function textIn(update: SessionUpdate): string {
  if (update.sessionUpdate !== "tool_call_update") return "";
  return (update.content ?? [])
    .map((item) => (item.type === "content" && item.content.type === "text" ? item.content.text : ""))
    .join("");
}

/** `send` sends an update of a command that goes on; `pieces` makes a redactor for each. */
export function showTerminals(
  style: TerminalStyle,
  cwd: string,
  pieces: () => RedactStream,
  send: (update: SessionUpdate) => void,
): Terminals {
  const commands = new Map<string, Command>();
  const patch = (toolCallId: string, more: object): SessionUpdate =>
    ({ sessionUpdate: "tool_call_update", toolCallId, ...more }) as SessionUpdate;

  /** What of it is new, as an update; undefined: nothing is to be sent now. */
  const news = (id: string, command: Command, isLast: boolean): SessionUpdate | undefined => {
    clearTimeout(command.timer);
    command.timer = undefined;
    const isTooMuch = command.sent > MOST_WATCHED;
    const text = isTooMuch ? "" : command.stream.push(command.pending) + (isLast ? command.stream.end() : "");
    command.pending = "";
    if (text === "") return undefined;
    const room = MOST_OUTPUT - command.sent;
    command.sent += text.length;
    if (style !== undefined) {
      if (room <= 0) return undefined;
      const data = text.length <= room ? text : `${text.slice(0, room)}\n[cut]\n`;
      return patch(id, { _meta: { [style]: { terminal_id: id, data: data.toWellFormed() } } });
    }
    command.tail = (command.tail + text).slice(-TAIL);
    const now = performance.now();
    if (isLast || now - command.atMs < TAIL_EVERY_MS) return undefined;
    command.atMs = now;
    const before = command.sent > TAIL ? "[…]\n" : "";
    return patch(id, { content: contentOf(`${before}${command.tail}`.toWellFormed()) });
  };
  const begin = (update: Extract<SessionUpdate, { sessionUpdate: "tool_call" }>): SessionUpdate => {
    const { toolCallId: id } = update;
    commands.set(id, { stream: pieces(), pending: "", tail: "", printed: "", sent: 0, atMs: -Infinity });
    if (style === undefined) return update;
    const content = [...(update.content ?? []), { type: "terminal" as const, terminalId: id }];
    return { ...update, content, _meta: { ...update._meta, terminal_info: { terminal_id: id, cwd } } };
  };
  const finish = (update: Extract<SessionUpdate, { sessionUpdate: "tool_call_update" }>): SessionUpdate[] => {
    const { toolCallId: id } = update;
    const command = commands.get(id)!;
    commands.delete(id);
    const exit = v.safeParse(exitSchema, update.rawOutput);
    if (style === undefined) return (news(id, command, true), [update]);
    // What was never run has words about that, and no output.
    if (!exit.success && command.printed === "" && update.status === "failed") return [update];
    const text = textIn(update);
    // Told of whole only where it was not told of as it came; beside it where that was not all (Codex leaves out what came first, of long outputs we the middle).
    const isAll = command.printed === "" || text.replace(SAID_FIRST, "") === command.printed;
    if (command.printed === "") command.pending = text;
    const last = news(id, command, true);
    const { exit_code = null, signal = null } = exit.success ? exit.output : {};
    const { content, ...rest } = update;
    const ended = {
      ...rest,
      content: [{ type: "terminal" as const, terminalId: id }, ...(isAll ? [] : (content ?? []))],
      _meta: { ...update._meta, terminal_exit: { terminal_id: id, exit_code, signal } },
    };
    return [...(last === undefined ? [] : [last]), ended];
  };
  return {
    shown(update) {
      if (update.sessionUpdate === "tool_call" && update.kind === "execute") return [begin(update)];
      const isKnown = update.sessionUpdate === "tool_call_update" && commands.has(update.toolCallId);
      if (!isKnown) return [update];
      return update.status === "completed" || update.status === "failed" ? finish(update) : [update];
    },
    printed(id, text) {
      const command = commands.get(id);
      if (command === undefined || text === "") return;
      if (command.sent > MOST_WATCHED) return;
      command.pending += text;
      if (command.printed.length <= MOST_OUTPUT) command.printed += text;
      command.timer ??= setTimeout(() => {
        const update = news(id, command, false);
        if (update !== undefined) send(update);
      }, GATHER_MS);
    },
    close() {
      for (const { timer } of commands.values()) clearTimeout(timer);
      commands.clear();
    },
  };
}

type Meta = Record<string, { data?: unknown } | undefined>;

/** Stored updates as an editor is shown them that draws no terminals: what was told in pieces is content again. */
export function withoutTerminals(): (update: SessionUpdate) => SessionUpdate[] {
  const printed = new Map<string, string>();
  return (update) => {
    if (update.sessionUpdate !== "tool_call" && update.sessionUpdate !== "tool_call_update") return [update];
    const { toolCallId: id, _meta: meta, ...rest } = update;
    const { terminal_info: info, terminal_output, terminal_output_delta, terminal_exit: exit } = (meta ?? {}) as Meta;
    const piece = terminal_output ?? terminal_output_delta;
    if (piece !== undefined) {
      printed.set(id, (printed.get(id) ?? "") + String(piece.data));
      return [];
    }
    if (info === undefined && exit === undefined) return [update];
    const content = (rest.content ?? []).filter(({ type }) => type !== "terminal");
    const text = printed.get(id) ?? "";
    const shown = exit !== undefined && content.length === 0 && text !== "" ? contentOf(text) : content;
    return [{ ...rest, toolCallId: id, content: shown } as SessionUpdate];
  };
}
