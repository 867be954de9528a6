// Broke's own methods beside the protocol's: what its supervisor knows of a session, and what an operator may do about a lane. The README has the map
// from the first facade's methods and events.

import { acpError } from "./errors.ts";
import type { Quarantine } from "./quarantine.ts";
import { readParams, requests } from "./schema.ts";
import type { Session } from "./session.ts";

/** A thing that is kept of a run. */
export type KeptArtifact = { run: string; kind: string; sha256: string; bytes: number };

export type ExtraDeps = {
  find(sessionId: string): Session;
  sessions(): readonly Session[];
  quarantine: Quarantine;
  artifactsOf(run: string): Promise<KeptArtifact[]>;
  now(): string;
};

/** What is said of a session under `_meta` with what it is about. */
export function metaOf({ keep, choices }: Session): Record<string, unknown> {
  const last = keep.runs.at(-1);
  const judged = keep.runs.findLast(({ verdict }) => verdict !== null);
  return {
    "brokellm/run": last?.id ?? null,
    "brokellm/laneState": keep.state(choices.lane),
    "brokellm/verdict": judged === undefined ? null : { run: judged.id, verdict: judged.verdict },
  };
}

/** Answers them on a peer; `on` registers a method for whoever has said hello. */
export function serveExtras(
  on: (method: string, handler: (params: unknown) => unknown) => void,
  { find, sessions, quarantine, artifactsOf, now }: ExtraDeps,
): void {
  const sessionOf = (params: unknown) => find(readParams(requests.oneSession, params).sessionId);
  on("_broke/state", (params) => {
    const session = sessionOf(params);
    const { choices, keep, cwd } = session;
    return { cwd, choices, state: keep.state(choices.lane), runs: keep.runs, usage: keep.meter.total() };
  });
  on("_broke/run", (params) => {
    const last = sessionOf(params).keep.runs.at(-1);
    return { run: last?.id ?? null, lane: last?.lane ?? null };
  });
  on("_broke/verdict", (params) => {
    const judged = sessionOf(params).keep.runs.findLast(({ verdict }) => verdict !== null);
    return { run: judged?.id ?? null, verdict: judged?.verdict ?? null };
  });
  on("_broke/artifacts", async (params) => {
    const ended = sessionOf(params).keep.runs.filter(({ verdict }) => verdict !== null);
    return { artifacts: (await Promise.all(ended.map(({ id }) => artifactsOf(id)))).flat() };
  });
  on("_broke/approvals", (params) => ({ approvals: sessionOf(params).permitted }));
  on("_broke/heartbeat", (params) => {
    const { sessionId } = readParams(requests.anySession, params ?? {});
    const named = sessionId === undefined ? sessions() : [find(sessionId)];
    const states = named.map(({ id, keep, choices }) => ({ sessionId: id, state: keep.state(choices.lane) }));
    return { at: now(), sessions: states };
  });
  on("_broke/clear", (params) => {
    const { lane } = readParams(requests.clear, params);
    if (!quarantine.clear(lane)) throw acpError("notFound", "nothing is held against that lane", { path: "lane" });
    return {};
  });
}
