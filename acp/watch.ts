// What a turn is held to: a client that takes no notice of a cancel is ended, one that is gone in the middle is said to be, one that shows nothing for
// too long is ended with the turn. While a person is asked nobody is hurried.
// Does not stop: a client that stirs for ever.

import { acpError } from "./errors.ts";
import type { AgentRuntime, Turn } from "./runtime.ts";
import type { StopReason } from "./schema.ts";

/** So long a client may take to end a turn that was cancelled; then it is ended itself. */
const CANCEL_GRACE_MS = 5_000;

export type TurnWatch = {
  /** Something was seen of it. */
  stir(): void;
  /** Until it is disposed of nothing has to be seen. */
  pause(): Disposable;
  /** What the prompt comes to, at most so long; `end` ends the client. Rejects with why the client cannot go on. */
  bound(
    runtime: AgentRuntime,
    turn: Pick<Turn, "signal">,
    prompt: () => Promise<StopReason>,
    end: () => Promise<void>,
  ): Promise<StopReason>;
};

/** Watches one turn, which may be quiet for so long. */
export function watchTurn(quietMs: number): TurnWatch {
  let seen = performance.now();
  let paused = 0;
  const stir = () => void (seen = performance.now());
  return {
    stir,
    pause() {
      paused += 1;
      return {
        [Symbol.dispose]() {
          paused -= 1;
          stir();
        },
      };
    },
    async bound(runtime, { signal }, prompt, end) {
      stir();
      const given = Promise.withResolvers<StopReason>();
      let timer: ReturnType<typeof setTimeout> | undefined;
      const onAbort = () => {
        timer = setTimeout(() => {
          void end();
          given.resolve("cancelled");
        }, CANCEL_GRACE_MS);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      const looking = setInterval(
        () => {
          if (paused > 0 || signal.aborted || performance.now() - seen < quietMs) return;
          given.reject(
            acpError("internal", "nothing was seen of the client for too long", { reason: "runtime_quiet" }),
          );
          void end();
        },
        Math.min(1000, Math.max(10, quietMs / 4)),
      );
      void runtime.ended.then(() => {
        if (signal.aborted) given.resolve("cancelled");
        else
          given.reject(
            acpError("internal", "the client ended in the middle of the turn", { reason: "runtime_exited" }),
          );
      });
      given.promise.catch(() => {});
      try {
        return await Promise.race([prompt(), given.promise]);
      } finally {
        clearTimeout(timer);
        clearInterval(looking);
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
}
