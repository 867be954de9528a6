// `broke metrics [--raw] [--since 24h]`: what the requests came to, by the log; raw, what the running gateway tells Prometheus. Asks no provider.

import { BrokeError } from "#src/core/errors.ts";
import { systemClock } from "#src/core/clock.ts";
import { spanOf } from "../expiry.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

const ms = (value: number | null) => (value === null ? "-" : String(value));

export const verb: Verb = {
  description: "Show what requests came to: answers, failures, times, tokens, money, and which model answered",
  args: {
    since: { type: "string", description: "how far back: 7d, 24h, 30m (default 24h)" },
    raw: { type: "boolean", description: "the running gateway's own, as Prometheus reads them" },
    json: { type: "boolean", description: "print JSON" },
  },
  apart: { raw: ["json", "since"] },
  async run({ values, flags }) {
    const span = spanOf("since", values.since?.[0] ?? "24h");
    const { openState } = await import("../compose.ts");
    const state = openState();
    if (flags.has("raw")) {
      const { askGateway } = await import("#src/gateway/daemon.ts");
      const { readOwner } = await import("#src/gateway/ownership.ts");
      const { clientToken } = await import("#src/state/secrets.ts");
      const owner = readOwner(state.home);
      if (owner === undefined) throw new BrokeError("missing", "no gateway runs", "`broke start` starts it");
      const headers = { authorization: `Bearer ${clientToken(state.home, state.env)}` };
      const { status, text } = await askGateway(owner, "metrics", headers);
      if (status !== 200) throw new BrokeError("missing", `the gateway answered ${status}`);
      answer(text.trimEnd());
      return 0;
    }
    const { metricsOf } = await import("#src/observe/requests.ts");
    const all = metricsOf(state.requests.since(systemClock() - span));
    if (flags.has("json")) answerJson(all);
    else if (all.length === 0) answer("nothing was asked");
    else {
      const rows = all.map((one) => [
        ...[one.backend, String(one.requests), String(one.answered)],
        Object.entries(one.failures)
          .map(([reason, count]) => `${reason} ${count}`)
          .join(", ") || "-",
        ...[ms(one.p50Ms), ms(one.p95Ms), ms(one.ttftMs)],
        ...[`${one.inputTokens}+${one.outputTokens}`, one.costUsd === null ? "-" : `$${one.costUsd.toFixed(4)}`],
        `${one.models.join(", ") || "-"}${one.drift ? "  DRIFT" : ""}`,
      ]);
      const head = ["BACKEND", "ASKED", "ANSWERED", "FAILED", "P50", "P95", "TTFT", "TOKENS", "COST", "ANSWERED AS"];
      answer(table([head, ...rows]));
    }
    return 0;
  },
};
