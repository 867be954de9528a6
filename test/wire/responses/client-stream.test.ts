// Canonical events as a Responses client sees them: one case a file, and what holds of every stream.

import { describe, expect, test } from "bun:test";
import type { HubEvent } from "#src/wire/canonical.ts";
import type { WireError } from "#src/wire/errors.ts";
import { responsesInbound } from "#src/wire/responses/codec.ts";
import { loadCases, type Members } from "../cases.ts";
import { clientEvents, META, readEvents } from "./cases.ts";

type StreamCase = { events: HubEvent[]; client: Members[] };
const cases = loadCases<StreamCase>("responses/client-stream");

/** A response object without what is the same in all of them; the whole of it has a test of its own. */
function view({ sequence_number: _, response, ...event }: Members): Members {
  if (response === undefined) return event;
  const { status, error, incomplete_details, output, usage } = response as Members;
  const shown = { error, incomplete_details, output, usage };
  const told = Object.entries(shown).filter(
    ([, value]) => value !== null && !(Array.isArray(value) && value.length === 0),
  );
  return { ...event, response: { status, ...Object.fromEntries(told) } as Members };
}

describe("canonical events become a Responses stream", () => {
  for (const { name, events, client } of cases) {
    test(name, () => {
      expect(clientEvents(events).map(view)).toEqual(client);
    });
  }
});

const opened = /^response\.output_item\.added$/;
const closed = /^response\.output_item\.done$/;

describe("the lifecycle holds", () => {
  for (const { name, events } of cases) {
    test(name, () => {
      const client = clientEvents(events);
      expect(client.slice(0, 2).map(({ type }) => type)).toEqual(["response.created", "response.in_progress"]);
      const items = new Map<number, { id: string; over: boolean }>();
      client.forEach((event, at) => {
        expect(event["sequence_number"]).toBe(at);
        const index = event["output_index"] as number | undefined;
        if (index === undefined) return;
        const item = event["item"] as Members | undefined;
        const known = items.get(index);
        if (opened.test(event["type"] as string)) {
          expect({ known, index }).toEqual({ known: undefined, index: items.size });
          items.set(index, { id: item?.["id"] as string, over: false });
          return;
        }
        expect(known).toEqual({ id: (item?.["id"] ?? event["item_id"]) as string, over: false });
        if (closed.test(event["type"] as string)) known!.over = true;
      });
      const last = client.at(-1)?.["response"] as Members;
      if (last["status"] !== "completed") return;
      // What is in the last word is what was finished, in its order.
      const told = (last["output"] as Members[]).map(({ id }) => id as string);
      expect(told).toEqual([...items.values()].map(({ id }) => id));
      expect([...items.values()].every(({ over }) => over)).toBe(true);
    });
  }
});

describe("every stream that is cut fails", () => {
  const failure = { status: 502, type: "server", message: "cut" } as const;
  for (const { name, events } of cases) {
    test(name, () => {
      for (let count = 0; count < events.length; count++) {
        const encoder = responsesInbound.encodeStream(META);
        const before = readEvents(
          events
            .slice(0, count)
            .map((event) => encoder.push(event))
            .join(""),
        );
        const [last, ...more] = readEvents(encoder.fail(failure));
        expect(before.some(({ type }) => /^response\.(completed|incomplete|failed)$/.test(type as string))).toBe(false);
        expect(more).toEqual([]);
        expect(last).toMatchObject({
          type: "response.failed",
          sequence_number: before.length,
          response: { id: "req_1", status: "failed", error: { code: "server_error", message: "cut" } },
        });
        const after = [
          encoder.fail(failure),
          encoder.push(events.at(-1)!),
          encoder.push({ kind: "start" }),
          encoder.ping(),
        ];
        expect(after).toEqual(["", "", "", ""]);
      }
    });
  }
});

test("what has ended does not fail", () => {
  const encoder = responsesInbound.encodeStream(META);
  encoder.push({ kind: "stop", stop: { kind: "end" } });
  expect(encoder.fail({ status: 502, type: "server", message: "cut" })).toBe("");
});

test("pings are comments", () => {
  expect(responsesInbound.encodeStream(META).ping()).toBe(": keep-alive\n\n");
});

describe("a failure has the code by which Codex decides", () => {
  const table: [WireError["type"], string][] = [
    ["rate_limit", "rate_limit_exceeded"],
    ["context_window", "context_length_exceeded"],
    ["billing", "insufficient_quota"],
    ["overloaded", "server_error"],
    ["timeout", "server_error"],
    ["authentication", "server_error"],
    ["invalid_request", "invalid_prompt"],
    ["too_large", "invalid_prompt"],
    ["server", "server_error"],
  ];
  for (const [type, code] of table) {
    test(type, () => {
      const [event] = readEvents(responsesInbound.encodeStream(META).fail({ status: 500, type, message: "why" }));
      expect(event).toMatchObject({ response: { error: { code, message: "why" } } });
    });
  }
});

test("the response object has what OpenAI's SDK requires", () => {
  const [created] = clientEvents([{ kind: "start" }]);
  expect(created?.["response"]).toEqual({
    id: "req_1",
    object: "response",
    created_at: 1_700_000_000,
    status: "in_progress",
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: "asked-model",
    output: [],
    parallel_tool_calls: true,
    temperature: null,
    tool_choice: "auto",
    tools: [],
    top_p: null,
    access_programs: null,
    usage: null,
  });
});
