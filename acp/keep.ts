// The client of one session: started when it is needed, within a deadline and only where no other works in its folder; ended when it has been idle for
// a while; started anew when it is gone or another was chosen. It knows the run it lives in.
// Does not stop: another server, or a run beside it, that holds the folder; the harness refuses the second.

import type { AvailableCommand, McpServerStdio } from "@agentclientprotocol/sdk";
import type { JSONRPCErrorException } from "json-rpc-2.0";
import type { Review, Reviewed } from "#harness/review-work.ts";
import { hardest, type Roles } from "#harness/roles/told.ts";
import type { WatchedTree } from "#harness/supervise.ts";
import type { Opinion } from "#harness/verdict/decide.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import type { EditorFiles } from "./editor-files.ts";
import { acpError } from "./errors.ts";
import { requireFolder } from "./folders.ts";
import type { LaneRole } from "./lane-result.ts";
import { type Choices, isOther } from "./modes.ts";
import type { PutQuestion } from "./question.ts";
import type { Quarantine } from "./quarantine.ts";
import type { AgentRuntime, StartRuntime } from "./runtime.ts";
import type { Transcript } from "./store.ts";
import { makeMeter, type Meter } from "./usage.ts";

/** Times in milliseconds: what a client may take to answer at all, to do nothing between two prompts, to show nothing within one. */
export type Patience = { startMs: number; idleMs: number; quietMs: number };
export const usualPatience: Patience = { startMs: 60_000, idleMs: 10 * 60_000, quietMs: 15 * 60_000 };

/** A run of the session's; `verdict` is null while it goes on. */
export type KeptRun = { id: string; lane: string; verdict: string | null };

export type LaneState = "none" | "starting" | "idle" | "busy" | "quarantined";

export type KeepDeps = {
  start: StartRuntime;
  quarantine: Quarantine;
  transcript: Transcript;
  /** Runs of the session's that are over, from before we served it. */
  ended: readonly KeptRun[];
  patience: Patience;
  said(): string;
  /** Makes room in the folder. Throws where somebody works in it. */
  claim(): Promise<void>;
  onCommands(commands: AvailableCommand[]): void;
  question: PutQuestion;
  files: EditorFiles;
  /** Takes what was said of work to the run that did it, one of those that are over. */
  reviewWork(ended: readonly string[], review: Review): Promise<Reviewed>;
  /** A model was asked, or answered. */
  onStir(): void;
  /** Tells the operator what an editor is not told. The whole text: it is cut after secrets are taken out, for half a secret is known by nothing. */
  log(text: string): void;
};

export type Keep = {
  readonly meter: Meter;
  readonly runs: readonly KeptRun[];
  state(lane: string): LaneState;
  /** The client for these choices, held until `rest`. Throws where there can be none now. */
  take(choices: Choices, servers: readonly McpServerStdio[], signal: AbortSignal): Promise<AgentRuntime>;
  /** The turn is over; `failed` says what was wrong with the client, if anything was. */
  rest(failed?: string): void;
  /** The tree of the run that is going on, as it is now; null where that is not known. */
  treeNow(): string | null;
  /**
   * What a lane says of work it has reviewed, its tree having been `before` when it began. It is for the verdict of the run that did the work: one that
   * is over, where this run has changed nothing itself; else this one. Resolves with which.
   */
  opine(role: LaneRole, opinion: Opinion, before: string | null): Promise<Reviewed | undefined>;
  /** Writes into the ledger of the run that is going on. */
  record(event: string, data: Record<string, Json>): void;
  stop(): Promise<void>;
};

const MOST_RUNS = 100;

type Running = {
  runtime: AgentRuntime;
  choices: Choices;
  record: Keep["record"];
  opinions: Roles;
  run(): string | undefined;
  tree(): WatchedTree;
};
const UNKNOWN: WatchedTree = { before: null, now: () => null };

/** Keeps none yet. */
export function keepRuntime(session: string, cwd: string, deps: KeepDeps): Keep {
  const { start, quarantine, transcript, patience, said, claim, onCommands, onStir, question, files } = deps;
  const meter = makeMeter();
  const runs: KeptRun[] = [...deps.ended];
  let running: Running | undefined;
  let doing: "starting" | "busy" | undefined;
  let idle: ReturnType<typeof setTimeout> | undefined;
  let lane = "";

  const stop = async () => {
    clearTimeout(idle);
    const gone = running?.runtime;
    running = undefined;
    await gone?.close();
  };
  const noted = (run: string, verdict: string | null, of: string) => {
    const known = runs.find((each) => each.id === run);
    if (known === undefined) runs.push({ id: run, lane: of, verdict });
    else known.verdict = verdict;
    if (runs.length > MOST_RUNS) runs.shift();
    transcript.append({ kind: "run", run, verdict });
  };
  const launch = async (choices: Choices, servers: readonly McpServerStdio[], withdrawn: AbortSignal) => {
    requireFolder(cwd);
    await claim();
    const late = AbortSignal.timeout(patience.startMs);
    // Once it is there it is nobody's to end by these.
    const starting = new AbortController();
    const giveUp = () => starting.abort();
    for (const signal of [late, withdrawn]) signal.addEventListener("abort", giveUp, { once: true });
    // It may have been cancelled while the one before it was ended, or the folder was claimed.
    if (withdrawn.aborted) giveUp();
    const { lane: of, mode, model, sandbox, policy } = choices;
    let record: Keep["record"] = () => {};
    let run: string | undefined;
    let tree: WatchedTree = UNKNOWN;
    const opinions: Roles = {};
    const effort = choices.thought_level === "default" ? undefined : choices.thought_level;
    const runtime = await start({
      ...{
        cwd,
        lane: of,
        model,
        sandbox,
        policy,
        mode,
        effort,
        servers,
        transcript: said(),
        onCommands,
        question,
        files,
      },
      opinions: () => opinions,
      signal: starting.signal,
      watch: {
        began(id, into, watched) {
          record = into;
          run = id;
          tree = watched;
          noted(id, null, of);
          into("session.served", { session, lane: of, mode });
        },
        asking() {
          meter.begin();
          onStir();
        },
        asked(request) {
          meter.count(request);
          onStir();
        },
        ended(id, verdict) {
          record = () => {};
          tree = { ...tree, now: UNKNOWN.now };
          noted(id, verdict, of);
        },
      },
    })
      .catch((error: unknown) => {
        if (late.aborted) throw acpError("internal", "the client did not answer in time", { reason: "start_timeout" });
        if (error instanceof BrokeError) throw error;
        if (!withdrawn.aborted) deps.log(`the client of the lane ${of} could not be started: ${String(error)}`);
        throw acpError("internal", "the client could not be started", { reason: "start_failed" });
      })
      .finally(() => {
        for (const signal of [late, withdrawn]) signal.removeEventListener("abort", giveUp);
      });
    const into: Keep["record"] = (event, data) => record(event, data);
    const mine: Running = {
      ...{ runtime, choices, record: into, opinions },
      run: () => run,
      tree: () => tree,
    };
    running = mine;
    void runtime.ended.then(() => {
      if (running === mine) running = undefined;
    });
    return runtime;
  };

  return {
    ...{ meter, runs },
    state: (of) => doing ?? (running ? "idle" : quarantine.heldFor(of) === undefined ? "none" : "quarantined"),
    async take(choices, servers, signal) {
      clearTimeout(idle);
      lane = choices.lane;
      const held = quarantine.heldFor(lane);
      if (held !== undefined)
        throw acpError(
          "internal",
          "this agent failed again and again and is held back: /unquarantine lets it try again",
          {
            ...{ reason: "lane_quarantined", lane, last: held },
          },
        );
      doing = "starting";
      try {
        if (running !== undefined && isOther(running.choices, choices)) await stop();
        const runtime = running?.runtime ?? (await launch(choices, servers, signal));
        doing = "busy";
        return runtime;
      } catch (error) {
        doing = undefined;
        const reason = (error as JSONRPCErrorException | undefined)?.data?.reason;
        if (typeof reason === "string" && reason !== "folder_busy" && !signal.aborted) quarantine.failed(lane, reason);
        throw error;
      }
    },
    rest(failed) {
      if (doing === undefined) return;
      doing = undefined;
      if (failed === undefined) quarantine.worked(lane);
      else quarantine.failed(lane, failed);
      clearTimeout(idle);
      idle = setTimeout(() => void stop(), patience.idleMs);
      idle.unref();
    },
    treeNow: () => running?.tree().now() ?? null,
    async opine(role, opinion, before) {
      const by = running?.run();
      if (running === undefined || by === undefined) return undefined;
      const { opinions, record, choices } = running;
      const tree = running.tree();
      const isOwn = tree.before === null || tree.before !== before;
      const ended = runs.filter(({ verdict }) => verdict !== null).map((each) => each.id);
      if (!isOwn && opinion.state === "given" && ended.length > 0) {
        const review = { role, opinion, by, who: choices.lane, trees: [before, tree.now()] as const };
        const reviewed = await deps.reviewWork(ended, review);
        record("review.taken", { ...reviewed });
        if (reviewed.counted) noted(reviewed.run, reviewed.verdict, choices.lane);
        // About work that is there and is not what was seen, it counts nowhere.
        if (reviewed.run !== null) return reviewed;
      }
      opinions[role] = hardest(opinions[role], opinion);
      return undefined;
    },
    record: (event, data) => running?.record(event, data),
    stop,
  };
}
