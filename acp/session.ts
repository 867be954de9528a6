// One session: its prompts one after the other, each to its end; what it chose; the client that answers, started when it is needed and again when it
// is gone. What is shown is stored first, and what comes when no prompt is going on is shown to nobody.

import type { SessionConfigOption, SessionModeState } from "@agentclientprotocol/sdk";
import { acpError } from "./errors.ts";
import { type Choices, type Mode, needsRestart } from "./modes.ts";
import type { Mediator } from "./permission.ts";
import type { AgentRuntime, StartRuntime, Turn } from "./runtime.ts";
import type { PromptBlock, SessionUpdate, StopReason } from "./schema.ts";
import type { Transcript } from "./store.ts";
import { streamUpdates } from "./stream.ts";
import { trackTools } from "./tools.ts";

/** So long a client may take to end a turn that was cancelled; then it is ended itself. */
const CANCEL_GRACE_MS = 5_000;

export type SessionDeps = {
  start: StartRuntime;
  mediator: Mediator;
  transcript: Transcript;
  /** What was said before the last prompt, in words. */
  said(): string;
  /** Sends an update to the editor. */
  notify(update: SessionUpdate): Promise<void>;
};

export type Session = {
  readonly id: string;
  readonly cwd: string;
  readonly choices: Choices;
  /** Answers a prompt once those before it are over. `signal`: the request was withdrawn. */
  prompt(blocks: readonly PromptBlock[], signal: AbortSignal): Promise<StopReason>;
  /** Ends what is going on, and what waits. */
  cancel(): void;
  choose(change: Partial<Choices>): void;
  /** Ends it all; what waits is answered as cancelled. */
  close(): Promise<void>;
};

export type SessionState = { modes: SessionModeState; configOptions: SessionConfigOption[] };

/** Opens a session. */
export function openSession(
  { id, cwd, choices: chosen }: { id: string; cwd: string; choices: Choices },
  { start, mediator, transcript, said, notify }: SessionDeps,
): Session {
  let choices = chosen;
  let running: { runtime: AgentRuntime; choices: Choices } | undefined;
  let queue: Promise<unknown> = Promise.resolve();
  let closed = false;
  const going = new Set<AbortController>();

  const show = async (update: SessionUpdate) => {
    transcript.append({ kind: "update", update });
    await notify(update);
  };
  const stop = async () => {
    const gone = running?.runtime;
    running = undefined;
    await gone?.close();
  };
  const ready = async (): Promise<AgentRuntime> => {
    const other = running !== undefined && isOther(running.choices, choices);
    if (other) await stop();
    if (running !== undefined) return running.runtime;
    const { lane, mode, model, sandbox } = choices;
    const runtime = await start({ cwd, lane, model, sandbox, mode, transcript: said() });
    const mine = { runtime, choices };
    running = mine;
    void runtime.ended.then(() => {
      if (running === mine) running = undefined;
    });
    return runtime;
  };

  const take = async (blocks: readonly PromptBlock[], controller: AbortController): Promise<StopReason> => {
    const { signal } = controller;
    if (signal.aborted) return "cancelled";
    transcript.append({ kind: "prompt", blocks });
    const tools = trackTools();
    const stream = streamUpdates(show);
    let over = false;
    const turn: Turn = {
      signal,
      async update(update) {
        if (over) return transcript.append({ kind: "quarantined", why: "late", what: update.sessionUpdate });
        tools.see(update);
        await stream.send(update);
      },
      async permit(ask) {
        await stream.flush();
        if (over) return false;
        const { allowed, by } = await mediator.answer(ask, choices.mode, signal);
        transcript.append({ kind: "permission", tool: ask.toolCall.title ?? ask.kind, allowed, by });
        return allowed && !over;
      },
    };
    try {
      const runtime = await ready();
      // It may have been cancelled while its client started.
      if (signal.aborted) return "cancelled";
      const reason = await bounded(runtime, blocks, turn);
      return signal.aborted ? "cancelled" : reason;
    } finally {
      over = true;
      await stream.flush();
      for (const update of tools.close()) await show(update);
    }
  };

  /** A client that does not end a cancelled turn in time is ended; one that is gone in the middle is said to be. */
  const bounded = async (runtime: AgentRuntime, blocks: readonly PromptBlock[], turn: Turn): Promise<StopReason> => {
    const late = Promise.withResolvers<StopReason>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const onAbort = () => {
      timer = setTimeout(() => {
        void stop();
        late.resolve("cancelled");
      }, CANCEL_GRACE_MS);
    };
    turn.signal.addEventListener("abort", onAbort, { once: true });
    const gone = runtime.ended.then(() => {
      if (turn.signal.aborted) return "cancelled" as const;
      throw acpError("internal", "the client ended in the middle of the turn", { reason: "runtime_exited" });
    });
    gone.catch(() => {});
    try {
      return await Promise.race([runtime.prompt(blocks, turn), late.promise, gone]);
    } finally {
      clearTimeout(timer);
      turn.signal.removeEventListener("abort", onAbort);
    }
  };

  return {
    id,
    cwd,
    get choices() {
      return choices;
    },
    prompt(blocks, withdrawn) {
      if (closed) throw acpError("notFound", "the session is closed", { sessionId: id });
      const controller = new AbortController();
      going.add(controller);
      const abort = () => controller.abort();
      withdrawn.addEventListener("abort", abort, { once: true });
      const answered = queue.then(() => take(blocks, controller));
      queue = answered
        .then(
          (reason) => transcript.append({ kind: "stop", reason }),
          () => transcript.append({ kind: "stop", reason: "error" }),
        )
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
    },
    async close() {
      closed = true;
      for (const controller of going) controller.abort();
      await queue.catch(() => {});
      await stop();
      transcript[Symbol.dispose]();
    },
  };
}

const isOther = (a: Choices, b: Choices) =>
  a.lane !== b.lane || a.model !== b.model || a.sandbox !== b.sandbox || needsRestart(a.mode as Mode, b.mode as Mode);
