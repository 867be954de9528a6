// One session: its prompts one after the other, each to its end; what it chose; the client that answers (keep.ts). What is shown is stored first, and
// what comes when no prompt is going on is shown to nobody.

import type { AvailableCommand, McpServerStdio, SessionConfigOption, SessionModeState } from "@agentclientprotocol/sdk";
import { JSONRPCErrorException } from "json-rpc-2.0";
import type { Reviewed } from "#harness/review-work.ts";
import { BrokeError } from "#src/core/errors.ts";
import { type CommandContext, commandIn, type Commands, type Permitted } from "./commands.ts";
import { acpError } from "./errors.ts";
import { type Keep, type KeepDeps, keepRuntime } from "./keep.ts";
import { laneContract, laneOpinion, type LaneResult, laneResultOf, type LaneRole } from "./lane-result.ts";
import type { Choices } from "./modes.ts";
import type { Mediator } from "./permission.ts";
import type { PutQuestion } from "./question.ts";
import type { Turn } from "./runtime.ts";
import type { PromptBlock, SessionUpdate, StopReason } from "./schema.ts";
import { titleFrom } from "./store.ts";
import { streamUpdates } from "./stream.ts";
import { showTerminals, type TerminalStyle } from "./terminals.ts";
import { trackTools } from "./tools.ts";
import type { Usage } from "./usage.ts";
import { watchTurn } from "./watch.ts";

export type SessionDeps = Omit<KeepDeps, "onCommands" | "onStir"> & {
  mediator: Mediator;
  commands: Commands;
  /** Sends an update to the editor. */
  notify(update: SessionUpdate): Promise<void>;
  /** Told of the client's own commands. */
  onCommands(own: readonly AvailableCommand[]): void;
  /** How many tokens a lane's models take. */
  windowOf(lane: string): number;
  terminalStyle(): TerminalStyle;
  /** Said before anything else in the first turn; undefined: nothing. */
  preface?: string | undefined;
};

/** Why a turn ended, and what it took; of a review what it came to. */
export type Answered = { stopReason: StopReason; usage: Usage } & Review;

/** What a review came to, and whose work it was about where that is another run's. */
type Review = { result?: LaneResult; reviewed?: Reviewed };
type Ended = { reason: StopReason } & Review;

export type Session = {
  readonly id: string;
  readonly cwd: string;
  readonly choices: Choices;
  readonly keep: Keep;
  readonly permitted: readonly Permitted[];
  /** Whether a prompt is being answered, or waits. */
  readonly isBusy: boolean;
  /** Answers a prompt once those before it are over. `signal`: the request was withdrawn; `role`: it is a review. */
  prompt(blocks: readonly PromptBlock[], signal: AbortSignal, role?: LaneRole): Promise<Answered>;
  /** Ends what is going on, and what waits. */
  cancel(): void;
  choose(change: Partial<Choices>): void;
  /** The editor's MCP servers from the next client on. */
  serve(servers: readonly McpServerStdio[]): void;
  /** Ends it all; what waits is answered as cancelled. */
  close(): Promise<void>;
};

export type SessionState = { modes: SessionModeState; configOptions: SessionConfigOption[] };

const MOST_PERMITTED = 100;

/** What of a client's failure says that another one is needed. */
const reasonOf = (error: unknown): string | undefined =>
  error instanceof JSONRPCErrorException && typeof error.data?.reason === "string" ? error.data.reason : undefined;

/** Opens a session; `titled`: it has a name already. */
export function openSession(
  { id, cwd, choices: chosen, titled }: { id: string; cwd: string; choices: Choices; titled: boolean },
  deps: SessionDeps,
): Session {
  const { mediator, transcript, commands, notify, patience, onCommands, windowOf } = deps;
  let choices = chosen;
  let servers: readonly McpServerStdio[] = [];
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;
  let named = titled;
  let onStir = () => {};
  let preface = deps.preface;
  let now: { signal: AbortSignal; pause(): Disposable } | undefined;
  const going = new Set<AbortController>();
  const permitted: Permitted[] = [];
  /** Of the turn that is going on: with it the question is over, and while it stands nobody is hurried. */
  const question: PutQuestion = async (asked, over) => {
    using _waiting = now?.pause();
    const answer = await deps.question(asked, now === undefined ? over : AbortSignal.any([over, now.signal]));
    note({
      tool: asked.title,
      allowed: answer === "once" || answer === "run",
      by: answer === undefined ? "nobody" : "editor",
    });
    return answer;
  };
  const keep = keepRuntime(id, cwd, { ...deps, onCommands, question, onStir: () => onStir() });

  const show = async (update: SessionUpdate) => {
    transcript.append({ kind: "update", update });
    await transcript.synced();
    await notify(update);
  };
  const name = async (blocks: readonly PromptBlock[]) => {
    const title = named ? null : titleFrom(blocks);
    if (title === null) return;
    named = true;
    await notify({ sessionUpdate: "session_info_update", title, updatedAt: new Date().toISOString() });
  };
  const note = (noted: Permitted) => {
    permitted.push(noted);
    if (permitted.length > MOST_PERMITTED) permitted.shift();
    transcript.append({ kind: "permission", ...noted });
    keep.record("tool.answered", { ...noted, for_session: noted.by === "session" });
  };

  const obey = async (given: NonNullable<ReturnType<typeof commandIn>>): Promise<StopReason> => {
    const context: CommandContext = {
      ...{ cwd, choices, runs: keep.runs, permitted, endRun: keep.stop },
      clearLane: deps.quarantine.clear,
    };
    let text: string;
    try {
      text = await given.command.run(given.words, context);
    } catch (error) {
      if (!(error instanceof BrokeError)) throw error;
      text = [error.message, error.hint ?? ""].join("\n").trim();
    }
    await show({ sessionUpdate: "agent_message_chunk", content: { type: "text", text: text.toWellFormed() } });
    return "end_turn";
  };

  const take = async (
    blocks: readonly PromptBlock[],
    controller: AbortController,
    role: LaneRole | undefined,
  ): Promise<Ended> => {
    const { signal } = controller;
    const { lane, model } = choices;
    let said = "";
    let tree: string | null = null;
    const ended = async (reason: StopReason): Promise<Ended> => {
      if (role === undefined) return { reason };
      const result = laneResultOf(role, said, { lane, model, run: keep.runs.at(-1)?.id ?? "" }, reason);
      const reviewed = await keep.opine(role, laneOpinion(result), tree);
      return { reason, result, ...(reviewed === undefined ? {} : { reviewed }) };
    };
    if (signal.aborted) return ended("cancelled");
    transcript.append({ kind: "prompt", blocks });
    await name(blocks);
    if (preface !== undefined)
      await show({ sessionUpdate: "agent_message_chunk", content: { type: "text", text: `${preface}\n\n` } });
    preface = undefined;
    const given = commandIn(blocks, commands);
    if (given !== undefined) return { reason: await obey(given) };
    const tools = trackTools();
    const stream = streamUpdates(show, transcript.pieces);
    const terminals = showTerminals(deps.terminalStyle(), cwd, transcript.pieces, (update) => void stream.send(update));
    let over = false;
    const watch = watchTurn(patience.quietMs);
    onStir = watch.stir;
    now = { signal, pause: watch.pause };
    const turn: Turn = {
      signal,
      async update(update) {
        if (over) return transcript.append({ kind: "quarantined", why: "late", what: update.sessionUpdate });
        watch.stir();
        tools.see(update);
        // An answer is what is said after the last tool.
        if (update.sessionUpdate === "tool_call") said = "";
        if (update.sessionUpdate === "agent_message_chunk" && update.content.type === "text")
          said += update.content.text;
        for (const each of terminals.shown(update)) await stream.send(each);
      },
      printed(id, text) {
        if (over) return;
        watch.stir();
        terminals.printed(id, text);
      },
      async permit(ask) {
        await stream.flush();
        if (over) return false;
        using _waiting = watch.pause();
        const { allowed, by } = await mediator.answer(ask, choices.mode, signal);
        note({ tool: ask.toolCall.title ?? ask.kind, allowed, by });
        return allowed && !over;
      },
    };
    let failed: string | undefined;
    try {
      const runtime = await keep.take(choices, servers, signal);
      // It may have been cancelled while its client started.
      if (signal.aborted) return await ended("cancelled");
      if (role !== undefined) tree = keep.treeNow();
      const contract: PromptBlock[] = role === undefined ? [] : [{ type: "text", text: laneContract(role) }];
      const asked = [...blocks, ...contract];
      const reason = await watch.bound(runtime, turn, () => runtime.prompt(asked, turn), keep.stop);
      return await ended(signal.aborted ? "cancelled" : reason);
    } catch (error) {
      if (signal.aborted) return await ended("cancelled");
      const reason = reasonOf(error);
      failed = reason === "runtime_exited" || reason === "runtime_quiet" ? reason : undefined;
      throw error;
    } finally {
      over = true;
      onStir = () => {};
      now = undefined;
      keep.rest(failed);
      terminals.close();
      await stream.flush();
      for (const update of tools.close()) await show(update);
    }
  };
  /** With what it took, which is shown before it is answered. */
  const counted = async ({ reason, ...review }: Ended): Promise<Answered> => {
    const usage = await keep.meter.takeTurn();
    const update = usage.requests > 0 ? keep.meter.update(windowOf(choices.lane)) : undefined;
    // No part of what is shown again: it was true then.
    if (update !== undefined) await notify(update);
    return { stopReason: reason, usage, ...review };
  };

  return {
    ...{ id, cwd, keep, permitted },
    get choices() {
      return choices;
    },
    get isBusy() {
      return going.size > 0;
    },
    prompt(blocks, withdrawn, role) {
      if (closed) throw acpError("notFound", "the session is closed", { sessionId: id });
      const controller = new AbortController();
      going.add(controller);
      const abort = () => controller.abort();
      withdrawn.addEventListener("abort", abort, { once: true });
      const answered = queue.then(async () => counted(await take(blocks, controller, role)));
      queue = answered
        .then(
          ({ stopReason }) => transcript.append({ kind: "stop", reason: stopReason }),
          () => transcript.append({ kind: "stop", reason: "error" }),
        )
        .then(() => transcript.synced())
        .finally(() => {
          going.delete(controller);
          withdrawn.removeEventListener("abort", abort);
        });
      // Answered when it is on record.
      return queue.then(() => answered);
    },
    cancel() {
      for (const controller of going) controller.abort();
    },
    choose(change) {
      choices = { ...choices, ...change };
      transcript.append({ kind: "chose", choices });
    },
    serve(given) {
      servers = given;
    },
    async close() {
      closed = true;
      for (const controller of going) controller.abort();
      await queue.catch(() => {});
      await keep.stop();
      transcript[Symbol.dispose]();
    },
  };
}
