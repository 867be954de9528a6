// Gemini CLI by single commands: what an editor would ask of `broke acp-server`, asked in this process of the same server, in the same sandboxes and on the
// same records. Sessions live on between commands in the server's store.

import { realpathSync } from "node:fs";
import type { InsideClient } from "#acp/inside.ts";
import { BrokeError, type ErrorKind, exitCodeOf, isErrorKind, publicMessage } from "#src/core/errors.ts";
import type { State } from "./compose.ts";
import type { Invocation, Verb } from "./front.ts";
import { answer, answerJson, note } from "./output.ts";

/** One asks again so often when the client does not come up. */
const STARTS = 3;
const COMES_UP_ANEW: ReadonlySet<unknown> = new Set(["start_failed", "start_timeout"]);
const kinds: Record<number, ErrorKind> = { [-32602]: "usage", [-32002]: "missing" };

type Opened = { client: InsideClient; state: State; cwd: string; said: string[]; greeting: unknown };
/** `text` is for people, the rest for `--json`; `code`: the process's own. */
type Told = { text: string; json: Record<string, unknown>; code?: number };

type Data = { reason?: unknown; hint?: unknown; kind?: unknown } | undefined;
const dataOf = (error: unknown): Data => (error as { data?: Data } | undefined)?.data;

/** The server's error as one of ours: its words are. */
function ours(error: unknown): unknown {
  const { code, message } = error as { code?: unknown; message?: unknown };
  if (typeof code !== "number" || typeof message !== "string") return error;
  const { reason, hint, kind: named } = dataOf(error) ?? {};
  const kind =
    typeof named === "string" && isErrorKind(named)
      ? named
      : (kinds[code] ?? (reason === "folder_busy" ? "busy" : "upstream"));
  const said = typeof reason === "string" ? `${message} (${reason})` : message;
  return new BrokeError(kind, said, typeof hint === "string" ? hint : undefined);
}

async function open(folder: string | undefined): Promise<Opened & AsyncDisposable> {
  const { dropToOwner } = await import("#harness/identity.ts");
  const { connectInside } = await import("#acp/inside.ts");
  const { openState } = await import("./compose.ts");
  const { serveOver } = await import("./acp.ts");
  let cwd: string;
  try {
    cwd = realpathSync(folder ?? process.cwd());
  } catch {
    throw new BrokeError("usage", "that folder is not there", "--cwd <folder>");
  }
  dropToOwner(cwd, process.env);
  const state = openState();
  const said: string[] = [];
  const { client, peer } = connectInside({
    update(update) {
      if (update.sessionUpdate === "agent_message_chunk" && update.content.type === "text")
        said.push(update.content.text);
    },
    permit(title) {
      note(`refused: ${title}; --mode accept_edits or auto asks nobody`);
      return undefined;
    },
  });
  const server = serveOver(peer, state, { lane: "gemini" });
  const greeting = await client.request("initialize", { protocolVersion: 1 });
  return {
    ...{ client, state, cwd, said, greeting },
    async [Symbol.asyncDispose]() {
      client.close();
      await server.close();
    },
  };
}

type Session = { sessionId: string; modes: { currentModeId: string } };

/** Makes a session Gemini's and gives it a mode, where one is said; told as it then is. */
async function settle(client: InsideClient, sessionId: string, mode: string | undefined): Promise<Session> {
  await client.request("session/set_config_option", { sessionId, configId: "lane", value: "gemini" });
  if (mode !== undefined) await client.request("session/set_mode", { sessionId, modeId: mode });
  const { choices } = (await client.request("_broke/state", { sessionId })) as { choices: { mode: string } };
  return { sessionId, modes: { currentModeId: choices.mode } };
}

async function create({ client, cwd }: Opened, mode?: string): Promise<Session> {
  const { sessionId } = (await client.request("session/new", { cwd, mcpServers: [] })) as { sessionId: string };
  return settle(client, sessionId, mode);
}

/** `how`: with all that was said in it, or without. */
async function comeBack({ client, cwd }: Opened, how: "load" | "resume", sessionId: string, mode?: string) {
  await client.request(`session/${how}`, { sessionId, cwd, mcpServers: [] });
  return settle(client, sessionId, mode);
}

/** Asks until the client comes up; `restarts`: how often it had to be started anew. */
async function ask({ client }: Opened, sessionId: string, text: string) {
  const params = { sessionId, prompt: [{ type: "text", text }] };
  for (let restarts = 0; ; restarts++) {
    try {
      const { stopReason } = (await client.request("session/prompt", params)) as { stopReason: string };
      return { stopReason, restarts };
    } catch (error) {
      if (restarts + 1 === STARTS || !COMES_UP_ANEW.has(dataOf(error)?.reason)) throw error;
      note("the client did not come up; it is started anew");
    }
  }
}

async function prompt(opened: Opened, { values }: Invocation): Promise<Told> {
  const { holdSession } = await import("#acp/hold.ts");
  const { verdictExit, verdicts } = await import("#harness/verdict/words.ts");
  const { parseTimeout } = await import("#sandbox/limits.ts");
  const { sessionStore } = await import("./acp.ts");
  const { client, state, said } = opened;
  const [id, mode, timeout] = [values["session-id"]?.[0], values.mode?.[0], values.timeout?.[0]];
  const limitMs = timeout === undefined ? undefined : parseTimeout(timeout);
  const session = id === undefined ? await create(opened, mode) : await comeBack(opened, "resume", id, mode);
  const { sessionId } = session;
  const cancel = () => client.notify("session/cancel", { sessionId });
  using _held = await holdSession(state.home, sessionId, cancel);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, cancel);
  const late = limitMs === undefined ? undefined : setTimeout(cancel, limitMs);
  note(`session ${sessionId}`);
  const { stopReason, restarts } = await ask(opened, sessionId, values.text![0]!).finally(() => clearTimeout(late));
  // Its run ends with it, and is judged.
  await client.request("session/close", { sessionId });
  const run = sessionStore(state)
    .read(sessionId)
    ?.lines.findLast((line) => line.kind === "run" && line.verdict !== null);
  const judged = run?.kind === "run" ? { run: run.run, verdict: run.verdict } : { run: null, verdict: null };
  const text = said.join("");
  const word = verdicts.find((known) => known === judged.verdict);
  return {
    text,
    json: { session, prompt: { stopReason, text, restarts, ...judged } },
    code: stopReason === "end_turn" && word !== undefined ? verdictExit[word] : 1,
  };
}

const acts = {
  initialize: async ({ greeting }: Opened): Promise<Told> => ({ text: JSON.stringify(greeting, null, 2), json: {} }),
  async "new-session"(opened: Opened, { values }: Invocation): Promise<Told> {
    const session = await create(opened, values.mode?.[0]);
    return { text: session.sessionId, json: { session } };
  },
  async "load-session"(opened: Opened, { values }: Invocation): Promise<Told> {
    const session = await comeBack(opened, "load", values["session-id"]![0]!);
    const text = opened.said.join("");
    return { text, json: { session: { ...session, text } } };
  },
  prompt,
  async cancel({ state }: Opened, { values }: Invocation): Promise<Told> {
    const { cancelHeld } = await import("#acp/hold.ts");
    const cancelled = await cancelHeld(state.home, values["session-id"]![0]!);
    const text = cancelled ? "cancelled" : "no prompt is going on in that session";
    return { text, json: { cancel: { cancelled } }, code: cancelled ? 0 : 1 };
  },
  async "set-mode"(opened: Opened, { values }: Invocation): Promise<Told> {
    const session = await comeBack(opened, "resume", values["session-id"]![0]!, values.mode![0]!);
    return { text: session.modes.currentModeId, json: { session, mode: session.modes.currentModeId } };
  },
};

/** The verb that does this. */
export const geminiVerb = (act: keyof typeof acts, description: string, args: Verb["args"] = {}): Verb => ({
  description,
  args: {
    ...args,
    cwd: { type: "string", description: "the folder to work in; this one if left out", valueHint: "folder" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run(invocation) {
    const asJson = invocation.flags.has("json");
    try {
      await using opened = await open(invocation.values.cwd?.[0]);
      const { text, json, code = 0 } = await acts[act](opened, invocation);
      if (asJson) answerJson({ ok: true, initialize: opened.greeting, ...json });
      else answer(text);
      return code;
    } catch (thrown) {
      const error = ours(thrown);
      if (!asJson) throw error;
      answerJson({ ok: false, error: publicMessage(error) });
      return exitCodeOf(error);
    }
  },
});

export const sessionArg: Verb["args"] = {
  "session-id": { type: "string", required: true, description: "a session's id", valueHint: "id" },
};
export const modeArg: Verb["args"] = {
  mode: { type: "string", description: "ask (nobody is there: what asks is refused), accept_edits, plan, auto" },
};
