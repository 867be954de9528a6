// aimock, a model server none of us wrote, in this process: all four dialects, answers by fixtures (`test/cases/aimock/`), faults on demand, and a
// journal of what it was asked. What it reads differently from us is a finding in one of the two.

import { type ChaosConfig, type ChatMessage, LLMock } from "@copilotkit/aimock";
import type { Json } from "#src/core/json.ts";
import type { Asked, Turn } from "./upstream/script.ts";

export type Fault = "none" | "rate limit" | "server error" | "malformed" | "disconnect";

/** Each is certain, so that a seed of ours decides and not aimock's own dice. */
const chaosOf: Record<Fault, ChaosConfig> = {
  none: {},
  "rate limit": { rateLimitRate: 1 },
  "server error": { dropRate: 1 },
  malformed: { malformedRate: 1 },
  disconnect: { disconnectRate: 1 },
};

export type Aimock = AsyncDisposable & {
  /** Base of every dialect's path, without a version. */
  url: string;
  /** What it understood of every request, in order. */
  asked(): Asked[];
  /** What it answered, in order: the status, 0 where it broke the connection off. */
  answered(): number[];
  /** Until told otherwise every model request meets this, `latencyMs` late. */
  suffer(fault: Fault, latencyMs?: number): Promise<void>;
};

function textOf({ content }: ChatMessage): string {
  if (typeof content === "string") return content;
  return (content ?? []).map((part) => part.text ?? "").join("");
}

function turnOf(message: ChatMessage): Turn {
  const text = textOf(message);
  if (message.role === "tool") {
    return { role: "user", text: "", calls: [], results: [{ id: message.tool_call_id ?? "", text }] };
  }
  const calls = (message.tool_calls ?? []).map(({ id, function: { name, arguments: args } }) => ({ id, name, args }));
  return { role: message.role, text, calls, results: [] };
}

/** The request in aimock's own reading: whatever the dialect, it keeps it as one of Chat. */
type Kept = { model?: string; stream?: boolean; messages?: ChatMessage[]; tools?: { function: { name: string } }[] };

function askedOf({ model = "", stream = false, messages = [], tools = [] }: Kept): Asked {
  return { model, stream, history: messages.map(turnOf), tools: tools.map((each) => each.function.name) };
}

/** Starts one on 127.0.0.1 that answers by `test/cases/aimock/<fixtures>.json`. */
export async function startAimock(fixtures: string): Promise<Aimock> {
  const server = new LLMock({ host: "127.0.0.1", port: 0, logLevel: "silent", strict: true });
  server.loadFixtureFile(`${import.meta.dir}/../cases/aimock/${fixtures}.json`);
  await server.start();
  return {
    url: server.url,
    asked: () => server.getRequests().map(({ body }) => askedOf((body ?? {}) as Kept)),
    answered: () => server.getRequests().map(({ response }) => response.status),
    async suffer(fault, latencyMs = 0) {
      const chaos = { ...chaosOf[fault], ...(latencyMs > 0 ? { latencyMs } : {}) } satisfies Json;
      const response = await fetch(`${server.url}/__aimock/chaos`, { method: "POST", body: JSON.stringify(chaos) });
      if (!response.ok) throw new Error(`aimock refuses the fault: ${await response.text()}`);
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
