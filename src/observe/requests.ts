// Views of the log of requests: the last ones, and what they come to. Looking asks nobody anything. Pure.

import type { LoggedRequest } from "#src/state/requests.ts";

/** What backends answered for, and what came of it. Times in ms, of answers alone; `models` are what the provider said it was, the newest last. */
export type BackendMetrics = {
  backend: string;
  requests: number;
  answered: number;
  /** Attempts on it that gave nothing, by reason. */
  failures: Record<string, number>;
  p50Ms: number | null;
  p95Ms: number | null;
  ttftMs: number | null;
  inputTokens: number;
  outputTokens: number;
  cacheTokens: number;
  /** Of those whose cost is known; null where none is. */
  costUsd: number | null;
  asked: string | null;
  models: string[];
  drift: boolean;
};

/** The value below which so much of them is; null of none. */
function quantile(values: number[], part: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))]!);
}

/** A model's name without who offers it and which edition of it: providers answer `gpt-4o-mini-2024-07-18` for `openai/gpt-4o-mini`. */
const plain = (model: string) =>
  model
    .toLowerCase()
    .replace(/^.*\//, "")
    .replace(/:[a-z]+$/, "");

/** Whether what answered is something else than what was asked for, or than what answered before. A dated edition of it is not. */
export function drifts(asked: string | null, models: readonly string[]): boolean {
  if (models.length > 1) return true;
  const [only] = models;
  if (only === undefined || asked === null || only === asked) return false;
  const [want, got] = [plain(asked), plain(only)];
  return want !== got && !new RegExp(`^${RegExp.escape(want)}[-@](\\d{3,8}|\\d{4}-\\d{2}-\\d{2}|latest)$`).test(got);
}

/** Per backend, by its label. */
export function metricsOf(requests: readonly LoggedRequest[]): BackendMetrics[] {
  const labels = new Set(requests.flatMap(({ tried, backend }) => [...tried.map((one) => one.backend), backend]));
  labels.delete(null);
  return [...(labels as Set<string>)].sort().map((backend) => {
    const mine = requests.filter((request) => request.backend === backend);
    const answered = mine.filter(({ status }) => status === 200);
    const failures: Record<string, number> = {};
    for (const one of requests.flatMap(({ tried }) => tried)) {
      if (one.backend === backend && one.reason !== null) failures[one.reason] = (failures[one.reason] ?? 0) + 1;
    }
    const sum = (of: (request: LoggedRequest) => number | null) =>
      mine.reduce((total, request) => total + (of(request) ?? 0), 0);
    const asked = mine.findLast(({ model }) => model !== null)?.model ?? null;
    const heard = mine.flatMap(({ model, answered: said }) => (said !== null && model === asked ? [said] : []));
    const models = [...new Set(heard.toReversed())].toReversed();
    return {
      backend,
      requests: mine.length,
      answered: answered.length,
      failures,
      p50Ms: quantile(
        answered.map(({ ms }) => ms),
        0.5,
      ),
      p95Ms: quantile(
        answered.map(({ ms }) => ms),
        0.95,
      ),
      ttftMs: quantile(
        answered.flatMap(({ ttftMs }) => (ttftMs === null ? [] : [ttftMs])),
        0.5,
      ),
      inputTokens: sum(({ inputTokens }) => inputTokens),
      outputTokens: sum(({ outputTokens }) => outputTokens),
      cacheTokens: sum(({ cacheReadTokens, cacheWriteTokens }) => (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0)),
      costUsd: mine.some(({ costUsd }) => costUsd !== null) ? sum(({ costUsd }) => costUsd) : null,
      ...{ asked, models, drift: drifts(asked, models) },
    };
  });
}

/** One line for people: when, what came of it, who answered which slot, as what, and what was not carried. */
export function lineOf(request: LoggedRequest): string {
  const { atMs, status, slot, backend, model, answered, profile, ms, losses } = request;
  const as = answered === null ? "" : answered === model ? ` (${model})` : ` (${model} → ${answered})`;
  const drift = drifts(model, answered === null ? [] : [answered]) ? "  DRIFT" : "";
  const who = profile === null ? "" : `  ${profile}`;
  const lost = losses.length === 0 ? "" : `  LOST ${losses.join("; ")}`;
  return `${new Date(atMs).toISOString()}  ${status}  ${slot ?? "-"}  ${backend ?? "-"}${as}  ${Math.round(ms)} ms${who}${drift}${lost}`;
}
