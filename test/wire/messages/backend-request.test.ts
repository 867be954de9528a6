// What a client of another dialect asks, as Anthropic gets it: one case a file.

import { describe, expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest } from "#src/wire/canonical.ts";
import { chatInbound } from "#src/wire/chat/codec.ts";
import { messagesOutbound } from "#src/wire/messages/codec.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { responsesInbound } from "#src/wire/responses/codec.ts";
import { hasMarks } from "#src/wire/messages/backend-cache.ts";
import { callTo, canonical, loadCases, type Members } from "../cases.ts";

/** The request in canonical form, or as a client of one of OpenAI's dialects sends it. */
type Given = { request?: Partial<CanonicalRequest>; chat?: Members; responses?: Members };
type RequestCase = Given & { quirks?: Partial<Quirks>; body: Members; losses: string[] };

function canonicalOf({ request, chat, responses }: Given): Partial<CanonicalRequest> {
  const asked = { model: "asked-model", stream: false };
  if (chat !== undefined) return chatInbound.decodeRequest({ model: "m", ...chat }, asked).request;
  if (responses !== undefined) return responsesInbound.decodeRequest({ model: "m", ...responses }, asked).request;
  return { dialect: "openai-chat", ...request };
}

/** The body without the marks that stand there for every client: they have cases of their own. */
function unmarked(body: Json): Json {
  const text = JSON.stringify(body, (key, value: Json) => (key === "cache_control" ? undefined : value));
  return JSON.parse(text) as Json;
}

describe("a request becomes a Messages request", () => {
  for (const { name, quirks, body, losses, ...given } of loadCases<RequestCase>("messages-backend/request")) {
    test(name, () => {
      const request = canonicalOf(given);
      const call = callTo(messagesOutbound, request, quirks);
      const said = hasMarks(canonical(request)) ? call.body : unmarked(call.body);
      expect({ body: said, losses: call.losses.map(({ path, what }) => `${path}: ${what}`) }).toEqual({
        body,
        losses,
      });
    });
  }

  test("says stream when streaming", () => {
    const { body } = callTo(messagesOutbound, { maxTokens: 9 }, {}, true);
    expect(body).toEqual({ model: "upstream-model", max_tokens: 9, messages: [], stream: true });
  });

  test("the path", () => {
    expect(messagesOutbound.path({ model: "m", stream: true })).toBe("/messages");
  });

  test("gives the same bytes for the same request", () => {
    const request = canonicalOf({
      chat: {
        messages: [
          {
            role: "assistant",
            tool_calls: [{ id: "functions.Bash:0", function: { name: "x".repeat(90), arguments: '{"b":1,"a":2}' } }],
          },
          { role: "tool", tool_call_id: "functions.Bash:0", content: "ok" },
        ],
      },
    });
    const once = () => JSON.stringify(callTo(messagesOutbound, request).body);
    expect(once()).toBe(once());
    expect(once()).toContain('"input":{"b":1,"a":2}');
  });
});

describe("thinking that Anthropic signed comes back to it as it was", () => {
  const thinking = { type: "thinking", thinking: "hm", signature: "c2ln.abc" };
  const redacted = { type: "redacted_thinking", data: "eA==" };
  const answer = {
    content: [thinking, redacted, { type: "tool_use", id: "toolu_1", name: "Read", input: {} }],
    stop_reason: "tool_use",
  };
  const response = callTo(messagesOutbound).decodeResponse(answer);
  const chat = chatInbound.encodeResponse(response, { id: "1", model: "m", createdMs: 0 }) as {
    choices: { message: Members }[];
  };
  const responses = responsesInbound.encodeResponse(response, { id: "1", model: "m", createdMs: 0 }) as {
    output: Members[];
  };
  const clients: [string, Given][] = [
    [
      "Chat",
      { chat: { messages: [chat.choices[0]!.message, { role: "tool", tool_call_id: "toolu_1", content: "x" }] } },
    ],
    [
      "Responses",
      {
        responses: { input: [...responses.output, { type: "function_call_output", call_id: "toolu_1", output: "x" }] },
      },
    ],
  ];
  for (const [client, given] of clients) {
    test(`from a ${client} client, and to no other account`, () => {
      const content = (scope: string) => {
        const target = { model: "m", stream: false, scope };
        const request = { ...canonicalOf(given) } as CanonicalRequest;
        const { body } = messagesOutbound.encodeRequest(request, target);
        return (body as { messages: { role: string; content: Members[] }[] }).messages.find(
          ({ role }) => role === "assistant",
        )?.content;
      };
      const call = { type: "tool_use", id: "toolu_1", name: "Read", input: {} };
      expect(content("0123456789abcdef")).toEqual([thinking, redacted, call]);
      expect(content("ffffffffffffffff")).toEqual([call]);
    });
  }
});
