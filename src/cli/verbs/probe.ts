// `broke probe <slot>`: one attempt, the first that would be made, with a small question. The only view that spends anything; exit 1 when nothing answered.

import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

const MAX_TOKENS = 16;
const TIMEOUT_MS = 60_000;
const RECENT = 100;

export const verb: Verb = {
  description: "Ask a slot one small question, once: it costs a few tokens",
  args: {
    slot: { type: "positional", description: "slot, or a model name a client sends" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { liveDeps } = await import("../shared.ts");
    const { askModel } = await import("#src/gateway/ask.ts");
    const state = openState();
    let id: string | undefined;
    const given = await askModel(
      { ...(await liveDeps(state)), once: true },
      {
        slot: values.slot![0]!,
        system: "This is a test of the connection.",
        messages: [{ role: "user", text: "Say: ok" }],
        maxTokens: MAX_TOKENS,
        signal: AbortSignal.timeout(TIMEOUT_MS),
        onRequest: (report) => void (id = report.id),
      },
    );
    const seen = state.requests.last(RECENT).find((request) => request.id === id);
    const ok = given.kind === "answer";
    const said = given.kind === "answer" ? given.text : given.reason;
    const { status = null, backend = null, model = null, answered = null, ms = 0, tried = [] } = seen ?? {};
    const { inputTokens = null, outputTokens = null, costUsd = null } = seen ?? {};
    const tokens = { inputTokens, outputTokens, costUsd };
    if (flags.has("json")) answerJson({ ok, status, backend, model, answered, ms, tried, ...tokens, said });
    else {
      const who =
        backend === null ? "" : ` from ${backend} (${model ?? "?"}${answered === null ? "" : ` → ${answered}`})`;
      answer(`${ok ? "answered" : "no answer"}: ${status ?? "-"}${who} in ${Math.round(ms)} ms`);
      answer(`${said}\n${inputTokens ?? "?"} tokens in, ${outputTokens ?? "?"} out`);
    }
    return ok ? 0 : 1;
  },
};
