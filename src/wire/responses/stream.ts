// A Responses stream → hub events. Its last word is `response.completed`, `response.incomplete` or an error; one that just breaks off has
// failed.

import { parseJson } from "#src/core/json.ts";
import type { HubEvent } from "../canonical.ts";
import type { StreamDecoder } from "../dialect.ts";
import { upstreamFailure, type WireError } from "../errors.ts";
import { CUT } from "../flow.ts";
import type { Loss } from "../losses.ts";
import type { AnswerNames } from "../names.ts";
import { fitting, isObject } from "../schema.ts";
import type { SseEvent } from "../sse.ts";
import { finishAnswer, readItem, UNREADABLE } from "./answer.ts";
import { makeItemTracker } from "./items.ts";
import { noteLost } from "./lost.ts";
import { failureOf } from "./reading.ts";
import * as schema from "./schema.ts";

/** A decoder for one stream. */
export function decodeStream(names: AnswerNames, scope: string): StreamDecoder {
  const tracker = makeItemTracker(names, scope);
  const losses: Loss[] = [];
  let phase: "waiting" | "running" | "over" = "waiting";
  let refusal = false;

  const fail = (error: WireError): HubEvent[] => {
    phase = "over";
    return [{ kind: "error", error }];
  };
  const finish = (event: schema.WireEvent, status: string): HubEvent[] => {
    const read = fitting(schema.response, event.response);
    if (read === undefined) return fail(UNREADABLE);
    const response = { ...read, status: read.status ?? status };
    if (response.status === "failed" || response.status === "cancelled")
      return fail(failureOf(event.response ?? undefined));
    phase = "over";
    return finishAnswer(response, tracker, refusal, losses);
  };
  const take = (event: schema.WireEvent): HubEvent[] => {
    const content = `content:${event.content_index ?? 0}`;
    const summary = `summary:${event.summary_index ?? 0}`;
    const delta = event.delta ?? "";
    switch (event.type) {
      case "response.output_item.added":
      case "response.output_item.done": {
        // The last word holds them again, but not everybody's.
        if (event.type.endsWith(".done")) noteLost(event.item, "item", losses);
        const item = readItem(event.item);
        if (item === undefined) return [];
        return event.type.endsWith(".added") ? tracker.open(item, event) : tracker.close(item, event);
      }
      case "response.output_text.delta":
        return tracker.more("text", event, content, delta);
      case "response.output_text.done":
        return tracker.whole("text", event, content, event.text ?? "");
      case "response.refusal.delta":
        refusal = true;
        return tracker.more("text", event, content, delta);
      case "response.refusal.done":
        refusal = true;
        return tracker.whole("text", event, content, event.refusal ?? "");
      case "response.reasoning_summary_text.delta":
        return tracker.more("thinking", event, summary, delta);
      case "response.reasoning_summary_text.done":
        return tracker.whole("thinking", event, summary, event.text ?? "");
      case "response.reasoning_text.delta":
        return tracker.more("thinking", event, content, delta);
      case "response.reasoning_text.done":
        return tracker.whole("thinking", event, content, event.text ?? "");
      case "response.function_call_arguments.delta":
      case "response.custom_tool_call_input.delta":
        return tracker.more("call", event, "args", delta);
      case "response.function_call_arguments.done":
        return tracker.whole("call", event, "args", event.arguments ?? "");
      case "response.custom_tool_call_input.done":
        return tracker.whole("call", event, "args", event.input ?? "");
      case "response.completed":
        return finish(event, "completed");
      case "response.incomplete":
        return finish(event, "incomplete");
      case "response.failed":
        return fail(failureOf(event.response ?? undefined));
      case "response.cancelled":
        return fail(upstreamFailure("the provider gave its answer up"));
      default:
        return [];
    }
  };

  return {
    keepsWords: true,
    losses,
    push({ event: name, data }: SseEvent) {
      if (phase === "over" || data.trim() === "" || data.trim() === "[DONE]") return [];
      const body = parseJson(data);
      if (!isObject(body)) return fail(name === "error" ? failureOf(body) : UNREADABLE);
      const type = typeof body["type"] === "string" ? body["type"] : name;
      if (name === "error" || type === "error" || (body["error"] && !type.startsWith("response."))) {
        return fail(failureOf(body));
      }
      const started: HubEvent[] = phase === "waiting" ? [{ kind: "start" }] : [];
      phase = "running";
      // Events of what a provider runs itself have members of other kinds under the same names.
      const read = fitting(schema.event, { ...body, type });
      if (read !== undefined) {
        const events = take(read);
        return events.some((event) => event.kind === "error") ? events : [...started, ...events];
      }
      return /^response\.(output_|completed|incomplete|failed|function_call)/.test(type) ? fail(UNREADABLE) : started;
    },
    end: () => (phase === "over" ? [] : fail(upstreamFailure(CUT))),
  };
}
