// Puts questions to a person, one at a time: what was answered for the run is not asked again, what nobody answers in time is denied, and every
// answer is an event. Holds no terminal itself.
// Does not stop: a person from allowing what they should not; a program that may run and that the worker can write from becoming another.

import type { Json } from "#src/core/json.ts";
import type { Answer, Question } from "./question.ts";

/** What is wanted: `keys` are what an answer for the run holds for. */
export type Wanted = Question & { permission: "run" | "net"; subject: string; keys: string[] };

export type Asker = {
  /** Whether it may be. `gone`: nobody wants it any more. */
  ask(wanted: Wanted, gone?: AbortSignal): Promise<boolean>;
  /** Nothing is asked any more, and what stands is taken back; resolves when all of it is on record. */
  stop(): Promise<void>;
};

export const ASK_TIMEOUT_MS = 60_000;
/** Questions that wait for others; what comes beyond is denied unasked. */
const MAX_WAITING = 32;
/** Shells try the next folder of PATH after a refusal: what nobody answered is not asked again at once. */
const AGAIN_MS = 2000;

/** `put` shows a question until it is answered or the signal ends it (then undefined). */
export function makeAsker(options: {
  put(question: Question, over: AbortSignal): Promise<Answer | undefined>;
  record(event: string, data: Record<string, Json>): void;
  timeoutMs?: number;
}): Asker {
  const { put, record, timeoutMs = ASK_TIMEOUT_MS } = options;
  const granted = new Set<string>();
  const denied = new Set<string>();
  const lapsed = new Map<string, number>();
  const stopped = new AbortController();
  let waiting = 0;
  let turn: Promise<unknown> = Promise.resolve();

  const known = ({ keys }: Wanted): boolean | undefined => {
    if (keys.some((key) => denied.has(key) || performance.now() < (lapsed.get(key) ?? 0))) return false;
    return keys.every((key) => granted.has(key)) ? true : undefined;
  };
  const tell = ({ permission, subject }: Wanted, answer: Answer, by: string, begun: number) => {
    record("permission.answered", { permission, subject, answer, by, ms: Math.round(performance.now() - begun) });
  };
  async function question(wanted: Wanted, gone: AbortSignal | undefined): Promise<boolean> {
    const before = known(wanted);
    if (before !== undefined) return before;
    const begun = performance.now();
    const late = AbortSignal.timeout(timeoutMs);
    const over = AbortSignal.any([late, stopped.signal, ...(gone === undefined ? [] : [gone])]);
    const more = waiting === 0 ? "" : ` (${waiting} more wait)`;
    const answer = over.aborted ? undefined : await put({ title: `${wanted.title}${more}`, rows: wanted.rows }, over);
    if (answer === undefined) {
      tell(wanted, "deny", late.aborted ? "timeout" : over.aborted ? "withdrawn" : "too much output", begun);
      for (const key of wanted.keys) lapsed.set(key, performance.now() + AGAIN_MS);
      return false;
    }
    tell(wanted, answer, "person", begun);
    if (answer === "run") for (const key of wanted.keys) granted.add(key);
    if (answer === "deny") for (const key of wanted.keys) denied.add(key);
    return answer !== "deny";
  }
  return {
    async ask(wanted, gone) {
      const before = known(wanted);
      if (before !== undefined) return before;
      if (waiting >= MAX_WAITING) {
        tell(wanted, "deny", "too many questions", performance.now());
        return false;
      }
      waiting += 1;
      const mine = turn.then(() => {
        waiting -= 1;
        return question(wanted, gone);
      });
      turn = mine.catch(() => {});
      return mine;
    },
    async stop() {
      stopped.abort();
      await turn;
    },
  };
}
