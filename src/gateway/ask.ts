// One question to a model by way of a slot, asked in this process by the same app a run's socket serves, and so by the same resolver. For roles of ours that
// review; its caller is let in by a token nobody else ever sees, and asks for the one slot it names.

import * as v from "valibot";
import { newSecret } from "#src/core/ids.ts";
import { admitHolder } from "./admission.ts";
import { guardedApp, makeDoorkeeper, modelApp } from "./app.ts";
import type { GatewayDeps, RequestReport } from "./ports.ts";

const answerSchema = v.object({
  content: v.array(v.object({ type: v.string(), text: v.optional(v.string()) })),
});
const errorSchema = v.object({ error: v.object({ message: v.string() }) });

export type Question = {
  slot: string;
  /** The same for every question of its kind: a provider may keep it. */
  system: string;
  messages: { role: "user" | "assistant"; text: string }[];
  maxTokens: number;
  signal: AbortSignal;
  onRequest(report: RequestReport): void;
};

/** `refused`: nobody answered; the status is the gateway's, null when it was given up. */
export type Answered = { kind: "answer"; text: string } | { kind: "refused"; status: number | null; reason: string };

const textBlock = (text: string) => ({ type: "text", text });

/** Asks once. Throws nothing: what went wrong is an answer too. */
export async function askModel(deps: Omit<GatewayDeps, "onReport">, question: Question): Promise<Answered> {
  const token = newSecret("brokerole");
  const app = guardedApp().use(
    modelApp(
      { ...deps, onReport: question.onRequest },
      makeDoorkeeper(
        deps.clock,
        admitHolder(() => token),
      ),
    ),
  );
  const body = {
    model: question.slot,
    max_tokens: question.maxTokens,
    system: [{ ...textBlock(question.system), cache_control: { type: "ephemeral" } }],
    messages: question.messages.map(({ role, text }) => ({ role, content: [textBlock(text)] })),
  };
  try {
    const response = await app.handle(
      new Request("http://localhost/v1/messages", {
        method: "POST",
        headers: {
          "content-type": "application/json",
          host: "localhost",
          "x-api-key": token,
          "anthropic-version": "2023-06-01",
        },
        body: JSON.stringify(body),
        signal: question.signal,
      }),
    );
    const given = v.safeParse(v.union([answerSchema, errorSchema]), await response.json());
    if (!given.success) return { kind: "refused", status: response.status, reason: "the answer is not one" };
    if ("error" in given.output)
      return { kind: "refused", status: response.status, reason: given.output.error.message };
    return { kind: "answer", text: given.output.content.map(({ text }) => text ?? "").join("") };
  } catch {
    const reason = question.signal.aborted ? "it took too long, or was given up" : "the question could not be asked";
    return { kind: "refused", status: null, reason };
  } finally {
    deps.limits.flush();
    deps.requests.flush();
  }
}
