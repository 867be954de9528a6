// Our agent's wish to read or write a file as the editor has it: put to the editor where the run lets it be, within a turn, a write only for a change that
// was allowed, once, at its very path. Every wish is answered; `own` leaves the agent to the sandbox's files.
// Does not stop: another text than the one that was shown; the agent could write that itself.

import { resolve } from "node:path";
import type { Outside } from "#harness/outside.ts";
import type { Order } from "../agent/protocol.ts";
import { type EditorFiles, EditorSilent } from "../editor-files.ts";
import type { ToldLine } from "./headless-wire.ts";

type Wish = Extract<ToldLine, { kind: "file" }>;
type Call = Extract<ToldLine, { kind: "tool" }>;
type Answer = Extract<Order, { kind: "file" }>;

const MOST_AT_ONCE = 64;
const WRITING: ReadonlySet<string> = new Set(["edit_file", "write_file"]);

export type TurnFiles = {
  /** The tool that was told of may be used. */
  allowed(call: Call): void;
  /** Never rejects. */
  answer(wish: Wish, outside: Outside): Promise<Answer>;
};

/** For one turn, over with `signal`. */
export function turnFiles(files: EditorFiles, cwd: string, signal: AbortSignal): TurnFiles {
  /** By tool call, the path it may write to. */
  const writable = new Map<string, string>();
  let silent = false;
  let going = 0;
  const heard = <Value>(asking: Promise<Value>) =>
    asking.catch((error: unknown): never => {
      // Not waited for again while this turn goes on.
      if (error instanceof EditorSilent) silent = true;
      throw error;
    });
  const answerTo = async ({ id, act, path, text, call }: Wish, outside: Outside): Promise<Answer> => {
    const own: Answer = { kind: "file", id, outcome: "own" };
    if (silent || signal.aborted || !files.offered()[act]) return own;
    if (act === "read") {
      const read = await outside.read(path, () => heard(files.read(path, signal)));
      return read.kind === "read" ? { kind: "file", id, outcome: "done", text: read.text } : own;
    }
    if (call === undefined || text === undefined || writable.get(call) !== path) return own;
    writable.delete(call);
    const { kind } = await outside.write(path, text, () => heard(files.write(path, text, signal)));
    return kind === "own" ? own : { kind: "file", id, outcome: kind === "written" ? "done" : "failed" };
  };
  return {
    allowed({ id, name, input, change }) {
      const path = change?.path ?? input["path"];
      if (WRITING.has(name) && typeof path === "string") writable.set(id, resolve(cwd, path));
    },
    async answer(wish, outside) {
      if (going >= MOST_AT_ONCE) return { kind: "file", id: wish.id, outcome: "own" };
      going += 1;
      try {
        return await answerTo(wish, outside);
      } catch {
        return { kind: "file", id: wish.id, outcome: "own" };
      } finally {
        going -= 1;
      }
    },
  };
}
