// `broke harness decide <run> <word>`: the operator's answer to a verdict that waits for it.

import { noListFlags } from "#sandbox/permission-flags.ts";
import type { Verb } from "../front.ts";
import { inView, viewOf } from "../overlay.ts";
import { answerJson, note } from "../output.ts";

export const verb: Verb = {
  description: "Say what becomes of a run that was sent back or waits for you; the first word holds",
  args: {
    run: { type: "positional", description: "run id" },
    word: { type: "positional", description: "accept, retry, broad or block" },
    "allow-protected": {
      type: "string",
      description: "with accept: protected paths that may be taken over all the same",
      valueHint: "path,…",
    },
    say: { type: "string", description: "with retry and broad: what you say to the worker", valueHint: "text" },
    json: { type: "boolean", description: "print JSON" },
  },
  lists: ["allow-protected"],
  async view({ values }) {
    const { decisionOf } = await import("#harness/decide.ts");
    const need = { accept: "look", retry: "next", broad: "anew", block: undefined } as const;
    const needed = need[decisionOf(values.word![0]!)];
    return needed === undefined ? undefined : viewOf(values.run![0]!, needed);
  },
  async run({ values, flags, view }) {
    const { decideDeps } = await import("../decided.ts");
    const { decideRun, decisionOf } = await import("#harness/decide.ts");
    const { parseProtectedPermission } = await import("#sandbox/protected-names.ts");
    const [run, word] = [values.run![0]!, decisionOf(values.word![0]!)];
    const deps = await decideDeps(view);
    if (word === "retry" || word === "broad") {
      const { retryRun } = await import("#harness/retry.ts");
      const { tellResult } = await import("../launch.ts");
      const kind = word === "retry" ? "narrow" : "broad";
      const said = values.say?.[0];
      return tellResult(await inView(view, () => retryRun(deps, run, { kind, said })));
    }
    const allow = values["allow-protected"] ?? [];
    const opened = parseProtectedPermission({
      ...noListFlags,
      any: flags.has("allow-protected"),
      allow,
    });
    const decided = decideRun(deps, run, word, opened);
    const { landing } = decided;
    if (flags.has("json")) answerJson({ run, ...decided });
    else {
      note(decided.already ? `it was decided already: ${word}` : `decided: ${word}`);
      if (landing?.hint) note(landing.hint);
      for (const path of landing?.held ?? []) note(`not taken over, protected: ${path}`);
    }
    return (landing?.held.length ?? 0) > 0 ? 1 : 0;
  },
};
