// `key-state` and `model-state`, which differ in whom they are about. Keys by the name of their variable, never a value.

import { BrokeError } from "#src/core/errors.ts";
import type { HealthState } from "#src/routing/health.ts";
import type { Verb } from "./front.ts";
import { answer, answerJson, table } from "./output.ts";

type About = "key" | "model";
const settable: Record<About, readonly HealthState[]> = {
  key: ["healthy", "cooldown", "blocked", "auth_failed"],
  model: ["healthy", "cooldown", "blocked", "incompatible"],
};

/** Lists what is held, or with --log every change of it. `key-state` lists backends too. */
export const healthListVerb = (about: About): Verb => ({
  description: about === "key" ? "List what is held against keys and backends" : "List what is held against backends",
  args: {
    log: { type: "boolean", description: "every change of state instead, the newest first" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ flags }) {
    const { openState } = await import("./compose.ts");
    const { describeHealth } = await import("#src/observe/health.ts");
    const { isoTime, systemClock } = await import("#src/core/clock.ts");
    const { health } = openState();
    const mine = ({ subject }: { subject: string }) => about === "key" || subject.startsWith("backend ");
    const views = describeHealth(health.all(), systemClock()).filter(mine);
    const log = flags.has("log") ? health.transitions(100).filter(mine) : undefined;
    if (flags.has("json")) answerJson(log ?? views);
    else if ((log ?? views).length === 0) answer("nothing");
    else if (log !== undefined) {
      const rows = log.map(({ atMs, subject, was, state, reason }) => [isoTime(atMs), subject, was, state, reason]);
      answer(table([["AT", "SUBJECT", "WAS", "STATE", "REASON"], ...rows]));
    } else {
      const rows = views.map(({ subject, state, reason, strikes, untilMs, party }) => [
        ...[subject, state, reason, String(strikes)],
        `${untilMs === null ? "until lifted" : isoTime(untilMs)}${party === null ? "" : `, for ${party} alone`}`,
      ]);
      answer(table([["SUBJECT", "STATE", "REASON", "FAILURES", "UNTIL"], ...rows]));
    }
    return 0;
  },
});

/** The operator's own word. `blocked` stands until he takes it back; the others as long as the policy's cooldown. */
export const healthSetVerb = (about: About): Verb => ({
  description:
    about === "key"
      ? "Say how a key is (by the name of its variable); healthy lifts what is held, of a backend too"
      : "Say how a backend is, by its label; healthy lifts what is held against it",
  args: {
    name: { type: "positional", description: about === "key" ? "variable of the key" : "label of the backend" },
    state: { type: "positional", description: settable[about].join(", ") },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const [name = "", word = ""] = [values["name"]?.[0], values["state"]?.[0]];
    const state = settable[about].find((known) => known === word);
    if (state === undefined)
      throw new BrokeError("usage", "unknown state", `use one of: ${settable[about].join(", ")}`);
    const { openState } = await import("./compose.ts");
    const { manualHealth } = await import("./manual-health.ts");
    const { edited } = await import("./shared.ts");
    const { lifted, untilMs } = await edited(openState(), (stores) => manualHealth(stores, about, name, state));
    if (flags.has("json")) answerJson({ name, state, lifted, untilMs });
    else answer(state === "healthy" ? `${name}: ${lifted} lifted` : `${name}: ${state}`);
    return 0;
  },
});
