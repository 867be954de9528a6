// The agent an editor talks to: ACP's methods over sessions. It answers at once about itself and touches no client before the first prompt.
// Does not stop: what an editor allows.

import type { AvailableCommand, InitializeResponse, RequestPermissionRequest } from "@agentclientprotocol/sdk";
import { isWithin } from "#sandbox/protected.ts";
import { visible } from "#src/core/text.ts";
import { type Commands, commandsUpdate } from "./commands.ts";
import { editorFilesOf } from "./editor-files.ts";
import { acpError } from "./errors.ts";
import { type ExtraDeps, metaOf, serveExtras } from "./extras.ts";
import { folderOf, placeOf } from "./folders.ts";
import type { Patience } from "./keep.ts";
import { LANE_RESULT, LANE_ROLE, laneRoleOf, REVIEWED } from "./lane-result.ts";
import { serversOf } from "./mcp-servers.ts";
import { type Available, type Choices, chosen, chosenAgain, configOptions, modeOf, modeState } from "./modes.ts";
import type { Peer } from "./peer.ts";
import { makeMediator } from "./permission.ts";
import { makeQuestioner } from "./question.ts";
import { makeQuarantine } from "./quarantine.ts";
import { replayed } from "./replay.ts";
import type { StartRuntime } from "./runtime.ts";
import { PROTOCOL_VERSION, readParams, requests, type SessionUpdate } from "./schema.ts";
import { openSession, type Session, type SessionDeps, type SessionState } from "./session.ts";
import { endedRuns, type SessionStore, type StoredSession, type Transcript } from "./store.ts";
import { terminalStyleOf, type TerminalStyle } from "./terminals.ts";
import { wordsOf } from "./transcript.ts";

export type ServerDeps = {
  store: SessionStore;
  start: StartRuntime;
  available: Available;
  /** What a new session begins with. */
  usual: Choices;
  version: string;
  patience: Patience;
  /** Answered without a model. */
  commands: Commands;
  artifactsOf: ExtraDeps["artifactsOf"];
  reviewWork: SessionDeps["reviewWork"];
  windowOf: (lane: string) => number;
  /** Tells the operator what an editor is not told. */
  log: (text: string) => void;
  /** What every session is told of itself first; undefined: nothing. */
  warning?: string | undefined;
};

export type Server = {
  /** Ends every session; resolves when nothing of them is left. */
  close(): Promise<void>;
};

const PAGE = 50;

/** Serves a peer. */
export function serveAcp(
  peer: Peer,
  {
    store,
    start,
    available,
    usual,
    version,
    patience,
    commands,
    artifactsOf,
    reviewWork,
    windowOf,
    log,
    warning,
  }: ServerDeps,
): Server {
  const sessions = new Map<string, Session>();
  const quarantine = makeQuarantine();
  const ownCommands = new Map<string, readonly AvailableCommand[]>();
  let greeted = false;
  let takesNotices = false;
  let showsForms = false;
  let terminalStyle: TerminalStyle;
  let hasFiles = { read: false, write: false };

  /** Ends the clients that do nothing in that folder. Throws where one does something. */
  const claim = async (id: string, cwd: string): Promise<void> => {
    const others = [...sessions.values()].filter(
      (other) => other.id !== id && (isWithin(other.cwd, cwd) || isWithin(cwd, other.cwd)),
    );
    const busy = others.find(({ keep, choices }) => ["starting", "busy"].includes(keep.state(choices.lane)));
    if (busy !== undefined)
      throw acpError("internal", "another session works in this folder: wait for it, or cancel it", {
        ...{ reason: "folder_busy", sessionId: busy.id },
      });
    await Promise.all(others.map(({ keep }) => keep.stop()));
  };

  const unknown = (sessionId: string) => acpError("notFound", "there is no such session", { sessionId });
  const open = (
    id: string,
    cwd: string,
    transcript: Transcript,
    choices = usual,
    before: StoredSession["lines"] = [],
  ): Session => {
    const titled = before.some(({ kind }) => kind === "prompt");
    const ended = endedRuns(before, usual.lane);
    const notify = (update: SessionUpdate) => peer.notify("session/update", { sessionId: id, update });
    const ask = (params: RequestPermissionRequest, signal: AbortSignal) =>
      peer.request("session/request_permission", params, signal);
    const said = () => {
      const lines = store.read(id)?.lines ?? [];
      return wordsOf(
        lines.slice(
          0,
          lines.findLastIndex(({ kind }) => kind === "prompt"),
        ),
      );
    };
    const onCommands = (own: readonly AvailableCommand[]) => {
      ownCommands.set(id, own);
      void notify(commandsUpdate(commands, own));
    };
    const session = openSession(
      { id, cwd, choices, titled },
      {
        ...{ start, quarantine, transcript, patience, said, notify, commands, onCommands, windowOf, reviewWork, ended },
        log,
        ...{ preface: takesNotices ? undefined : warning },
        ...{ claim: () => claim(id, cwd), mediator: makeMediator(id, ask) },
        question: makeQuestioner(id, peer.request, () => showsForms),
        terminalStyle: () => terminalStyle,
        files: editorFilesOf(id, peer.request, () => hasFiles),
      },
    );
    sessions.set(id, session);
    return session;
  };
  /** After the answer: before it an editor does not know the session. */
  const tellFirst = (id: string) =>
    setImmediate(() => {
      const tell = (update: SessionUpdate) => void peer.notify("session/update", { sessionId: id, update });
      tell(commandsUpdate(commands, ownCommands.get(id) ?? []));
      if (warning !== undefined && takesNotices)
        tell({ sessionUpdate: "notice", severity: "warning", title: warning } as SessionUpdate);
    });
  const stateOf = (session: Session): SessionState & { _meta: Record<string, unknown> } => ({
    modes: modeState(session.choices.mode),
    configOptions: configOptions(session.choices, available),
    _meta: { ...metaOf(session), ...(warning === undefined ? {} : { "brokellm/warning": warning }) },
  });
  const find = (id: string): Session => {
    const session = sessions.get(id);
    if (session === undefined) throw unknown(id);
    return session;
  };
  /** A session from the store, open already or not. */
  const reopen = (id: string): { session: Session; stored: StoredSession } => {
    const stored = store.read(id);
    if (stored === undefined) throw unknown(id);
    const last = stored.lines.findLast((entry) => entry.kind === "chose");
    const choices = () => (last === undefined ? usual : chosenAgain(usual, available, last.choices));
    return { session: sessions.get(id) ?? open(id, stored.cwd, store.reopen(id), choices(), stored.lines), stored };
  };
  const comeBack = (params: unknown): { session: Session; stored: StoredSession } => {
    const { sessionId, cwd, mcpServers } = readParams(requests.openSession, params);
    const known = store.read(sessionId);
    if (known === undefined) throw unknown(sessionId);
    if (placeOf(cwd) !== placeOf(known.cwd))
      throw acpError("invalidParams", "cwd is not the folder of this session", {
        ...{ path: "cwd", hint: `it works in ${visible(known.cwd)}` },
      });
    const servers = serversOf(mcpServers);
    const found = reopen(sessionId);
    found.session.serve(servers);
    tellFirst(sessionId);
    return found;
  };
  const replay = async ({ id, lines }: StoredSession, isGoingOn: boolean): Promise<void> => {
    for (const update of replayed(lines, terminalStyle, isGoingOn))
      await peer.notify("session/update", { sessionId: id, update });
  };
  const choose = (session: Session, what: string, value: unknown): void => {
    const next = chosen(session.choices, available, what, value);
    if (next === undefined) throw acpError("invalidParams", "there is no such option or value", { path: "configId" });
    session.choose(next);
  };
  const tellMode = (session: Session) => {
    const { mode } = session.choices;
    const send = (update: SessionUpdate) => void peer.notify("session/update", { sessionId: session.id, update });
    send({ sessionUpdate: "current_mode_update", currentModeId: mode });
    send({ sessionUpdate: "config_option_update", configOptions: configOptions(session.choices, available) });
  };

  const on = (method: string, handler: (params: unknown, signal: AbortSignal) => unknown) =>
    peer.onRequest(method, (params, signal) => {
      if (!greeted) throw acpError("invalidRequest", "initialize comes first");
      return handler(params, signal);
    });

  peer.onRequest("initialize", (params): InitializeResponse => {
    const { clientCapabilities } = readParams(requests.initialize, params);
    takesNotices = clientCapabilities?.session?.notices != null;
    const { fs, _meta: meta } = clientCapabilities ?? {};
    terminalStyle = terminalStyleOf(meta);
    hasFiles = { read: fs?.readTextFile === true, write: fs?.writeTextFile === true };
    showsForms = clientCapabilities?.elicitation?.form != null;
    greeted = true;
    return {
      protocolVersion: PROTOCOL_VERSION,
      agentInfo: { name: "broke", title: "broke", version },
      authMethods: [],
      agentCapabilities: {
        loadSession: true,
        promptCapabilities: { image: true, audio: false, embeddedContext: true },
        mcpCapabilities: { http: false, sse: false },
        sessionCapabilities: { list: {}, resume: {}, close: {}, delete: {} },
      },
    };
  });
  on("authenticate", (params) => {
    readParams(requests.authenticate, params);
    throw acpError("invalidParams", "there is nothing to log in to", { path: "methodId" });
  });
  on("session/new", async (params) => {
    const { cwd, mcpServers } = readParams(requests.newSession, params);
    const servers = serversOf(mcpServers);
    const folder = folderOf(cwd);
    const { id, transcript } = store.create(folder);
    const session = open(id, folder, transcript);
    session.serve(servers);
    await transcript.synced();
    tellFirst(id);
    return { sessionId: id, ...stateOf(session) };
  });
  on("session/load", async (params) => {
    const { session, stored } = comeBack(params);
    await replay(stored, session.isBusy);
    return stateOf(session);
  });
  on("session/resume", (params) => stateOf(comeBack(params).session));
  on("session/list", (params) => {
    const { cwd, cursor } = readParams(requests.listSessions, params);
    const from = cursor == null ? 0 : Number(/^\d{1,9}$/.exec(cursor)?.[0] ?? Number.NaN);
    if (Number.isNaN(from)) throw acpError("invalidParams", "there is no such cursor", { path: "cursor" });
    const place = cwd == null ? undefined : placeOf(cwd);
    const all = store.list().filter((session) => place === undefined || placeOf(session.cwd) === place);
    const page = all.slice(from, from + PAGE);
    const more = from + PAGE < all.length;
    return {
      sessions: page.map(({ id, ...rest }) => ({ sessionId: id, ...rest })),
      ...(more ? { nextCursor: String(from + PAGE) } : {}),
    };
  });
  on("session/close", async (params) => {
    const { sessionId } = readParams(requests.oneSession, params);
    const session = find(sessionId);
    sessions.delete(sessionId);
    ownCommands.delete(sessionId);
    await session.close();
    return {};
  });
  on("session/delete", async (params) => {
    const { sessionId } = readParams(requests.oneSession, params);
    const session = sessions.get(sessionId);
    sessions.delete(sessionId);
    await session?.close();
    store.remove(sessionId);
    return {};
  });
  on("session/prompt", async (params, signal) => {
    const { sessionId, prompt, _meta: meta } = readParams(requests.prompt, params);
    const session = find(sessionId);
    if (prompt.length === 0) throw acpError("invalidParams", "a prompt says something", { path: "prompt" });
    const role = laneRoleOf(meta);
    if (role === null) throw acpError("invalidParams", "there is no such role", { path: `_meta.${LANE_ROLE}` });
    const { stopReason, usage, result, reviewed } = await session.prompt(prompt, signal, role);
    const about = reviewed === undefined ? {} : { [REVIEWED]: reviewed };
    const review = result === undefined ? {} : { [LANE_RESULT]: result, ...about };
    return { stopReason, _meta: { ...metaOf(session), "brokellm/usage": usage, ...review } };
  });
  on("session/set_mode", (params) => {
    const { sessionId, modeId } = readParams(requests.setMode, params);
    const session = find(sessionId);
    const mode = modeOf(modeId);
    if (mode === undefined) throw acpError("invalidParams", "there is no such mode", { path: "modeId" });
    session.choose({ mode });
    tellMode(session);
    return {};
  });
  on("session/set_config_option", (params) => {
    const { sessionId, configId, value } = readParams(requests.setOption, params);
    const session = find(sessionId);
    choose(session, configId, value);
    if (configId === "mode") tellMode(session);
    return { configOptions: configOptions(session.choices, available) };
  });
  serveExtras(on, {
    ...{ find, quarantine, artifactsOf, sessions: () => [...sessions.values()] },
    now: () => new Date().toISOString(),
  });
  peer.onNotification("session/cancel", (params) => {
    const id = (params as { sessionId?: unknown } | undefined)?.sessionId;
    if (typeof id === "string") sessions.get(id)?.cancel();
  });
  return {
    async close() {
      const all = [...sessions.values()];
      sessions.clear();
      await Promise.all(all.map((session) => session.close()));
    },
  };
}
