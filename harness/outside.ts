// Files that somebody outside the sandbox (an editor) reads or writes in a client's name. While they do, everything in the sandbox stands still, so that the
// path they are told is the one that was looked at; each time is on record, and what could not be recorded is not done.
// Does not stop: an editor that writes after it was given up; other programs of the person's that change the path meanwhile.

import { createHash } from "node:crypto";
import { type OutsideAct, type OutsideInput, type Reach, reachOutside } from "#sandbox/outside.ts";
import { isWithin } from "#sandbox/protected.ts";
import { clip, visible } from "#src/core/text.ts";
import type { Json } from "#src/core/json.ts";
import { budgets, withinBudget } from "./budget.ts";

/** As much as the client itself would take. */
const MOST_BYTES = 8 * 1024 * 1024;
const MOST_PATH_BYTES = 1024;

/** `own`: nobody was asked, or nobody answered with a text: the client is left to its own means, which the sandbox bounds. */
export type OutsideRead = { kind: "read"; text: string } | { kind: "own" };
/** `failed`: whoever was asked did not say that it was written. */
export type OutsideWrite = { kind: "written" } | { kind: "own" } | { kind: "failed" };

export type Outside = {
  /** `ask` resolves with the text, and rejects where there is none. */
  read(path: string, ask: () => Promise<string>): Promise<OutsideRead>;
  /** `ask` resolves when it is written. */
  write(path: string, text: string, ask: () => Promise<void>): Promise<OutsideWrite>;
};

const described = (text: string) => ({
  bytes: Buffer.byteLength(text),
  sha256: createHash("sha256").update(text).digest("hex"),
});

type Asked<Value> = { value: Value; size: number | undefined };

/** `still` does something while the sandbox stands still; undefined: it did not. */
export function outsideOf(
  input: OutsideInput,
  still: <Value>(act: () => Promise<Value>) => Promise<Value | undefined>,
  record: (event: string, data: Record<string, Json>) => void,
): Outside {
  const budget = withinBudget(record, budgets.outside);
  const note = (event: string, path: string, data: Record<string, Json>) =>
    budget.record(event, { path: visible(clip(path, MOST_PATH_BYTES).text), ...data });

  /** Asks where that may be, and looks again afterwards. Undefined: not asked, or not to be relied on. */
  const reach = async <Value>(act: OutsideAct, path: string, ask: () => Promise<Value>) => {
    const refuse = (why: string) => {
      if (isWithin(input.workspace, path)) note("outside.refused", path, { act, why });
    };
    const look = (): Reach => reachOutside(input, act, path);
    const first = look();
    if (budget.omitted() > 0) return undefined;
    if (first.kind === "refused") refuse(first.why);
    if (first.kind !== "reached") return undefined;
    return still(async (): Promise<Asked<Value> | undefined> => {
      const before = look();
      if (before.kind !== "reached" || (before.size ?? 0) > MOST_BYTES) return undefined;
      const value = await ask();
      const after = look();
      if (after.kind === "reached" && after.id === before.id) return { value, size: before.size };
      refuse("it became another while it was asked for");
      return undefined;
    });
  };

  return {
    async read(path, ask) {
      const asked = await reach("read", path, ask).catch(() => undefined);
      // Editors answer with nothing for a file that is not there.
      if (asked === undefined || (asked.size === undefined && asked.value === "")) return { kind: "own" };
      if (asked.value.length > MOST_BYTES) return { kind: "own" };
      note("outside.read", path, described(asked.value));
      return { kind: "read", text: asked.value };
    },
    async write(path, text, ask) {
      let said: "nothing" | "written" | "failed" = "nothing";
      const asked = await reach("write", path, async () => {
        said = "failed";
        await ask().then(
          () => void (said = "written"),
          () => {},
        );
      }).catch(() => undefined);
      if (said === "nothing") return { kind: "own" };
      const kind = asked === undefined ? "failed" : (said as "written" | "failed");
      note(`outside.${kind}`, path, described(text));
      return { kind };
    },
  };
}
