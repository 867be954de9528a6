// The agent's side of the editor's files: a wish told on the way out, its answer on the way in. A turn that is over waits for none.
// Does not stop: anything. Whether a wish is granted is decided outside the sandbox.

import type { Order, Told } from "./protocol.ts";
import { type Editor, ToolError } from "./tool.ts";

type Answer = Extract<Order, { kind: "file" }>;

export type EditorWishes = {
  /** Takes an answer. */
  take(answer: Answer): void;
  /** For a tool's call within a turn. */
  editorFor(call: string, signal: AbortSignal): Editor;
};

/** `has`: what the editor offers. */
export function editorWishes(has: ReadonlySet<string>, tell: (told: Told) => void): EditorWishes {
  const waiting = new Map<string, (answer: Answer) => void>();
  let wishes = 0;
  const wish = (wanted: Omit<Extract<Told, { kind: "file" }>, "kind" | "id">, signal: AbortSignal) => {
    const id = `f${++wishes}`;
    const { promise, resolve } = Promise.withResolvers<Answer>();
    const giveUp = () => resolve({ kind: "file", id, outcome: "failed" });
    waiting.set(id, resolve);
    signal.addEventListener("abort", giveUp, { once: true });
    if (signal.aborted) giveUp();
    else tell({ kind: "file", id, ...wanted });
    return promise.finally(() => {
      waiting.delete(id);
      signal.removeEventListener("abort", giveUp);
    });
  };
  return {
    take: (answer) => waiting.get(answer.id)?.(answer),
    editorFor: (call, signal) => ({
      async read(path) {
        if (!has.has("read")) return undefined;
        const { outcome, text } = await wish({ act: "read", path, call }, signal);
        return outcome === "done" ? text : undefined;
      },
      async write(path, text) {
        if (!has.has("write")) return false;
        const { outcome } = await wish({ act: "write", path, text, call }, signal);
        if (outcome === "failed")
          throw new ToolError(`${path}: the editor did not say that it wrote it. Read it again before you go on.`);
        return outcome === "done";
      },
    }),
  };
}
