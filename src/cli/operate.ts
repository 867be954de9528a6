// An operator's word to a run's supervisor, over the run's own socket; the same for every verb that gives one.

import { BrokeError } from "#src/core/errors.ts";
import type { Reply, Request } from "#harness/supervision/wire.ts";
import type { State } from "./compose.ts";
import type { Verb } from "./front.ts";
import { answer, answerJson } from "./output.ts";

const SAID: Record<Request, [now: string, before: string]> = {
  interrupt: ["interrupted", "was interrupted already"],
  resume: ["goes on", "was going on already"],
  kill: ["is being ended", "was ended already"],
  "force-verify": ["may only verify now", "was held already"],
  clear: ["may run everything again", "was not held"],
  attach: ["attached", "attached"],
  reattach: ["attached", "attached"],
};

/** Says it, and how it was taken. Throws `missing` where nobody can take it. */
export async function tellRun(
  runId: string,
  act: Request,
  onOutput?: (bytes: Uint8Array) => void,
  state?: Pick<State, "home" | "runs">,
): Promise<Reply & { ok: true }> {
  const { openState } = await import("./compose.ts");
  const { askSupervisor } = await import("#harness/supervision/ask.ts");
  const { home, runs } = state ?? openState();
  const reply = await askSupervisor(home, runs, runId, act, onOutput);
  if (reply.ok) return reply;
  throw new BrokeError("negative", reply.reason, "`broke harness status` shows what runs now");
}

/** A verb that gives a word and tells how it was taken. */
export const operatorVerb = (act: Exclude<Request, "attach" | "reattach">, description: string): Verb => ({
  description,
  args: {
    run: { type: "positional", description: "run id" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const runId = values.run![0]!;
    const { ok: _, ...reply } = await tellRun(runId, act);
    if (flags.has("json")) answerJson({ run: runId, ...reply });
    else answer(`${runId} ${SAID[act][reply.changed ? 0 : 1]}`);
    return 0;
  },
});

/** A verb that shows what the client writes, until it ends or the viewer has seen enough. Nothing that is typed reaches the client. */
export const viewerVerb = (act: "attach" | "reattach", description: string): Verb => ({
  description,
  args: { run: { type: "positional", description: "run id" } },
  async run({ values }) {
    const { showOutput } = await import("#harness/supervision/show.ts");
    using shown = showOutput();
    await tellRun(values.run![0]!, act, shown.write);
    return 0;
  },
});
