// The routes as OpenAPI operations, by method and path: one row a route, out of the schemas that read it and those its answers keep to.

import * as v from "valibot";
import * as chat from "#src/wire/chat/answer-schema.ts";
import { request as chatRequest } from "#src/wire/chat/client-schema.ts";
import * as gemini from "#src/wire/gemini/answer-schema.ts";
import { request as geminiRequest } from "#src/wire/gemini/client-schema.ts";
import * as messages from "#src/wire/messages/answer-schema.ts";
import { request as messagesRequest } from "#src/wire/messages/schema.ts";
import * as responses from "#src/wire/responses/answer-schema.ts";
import { request as responsesRequest } from "#src/wire/responses/client-schema.ts";
import { alive, ready } from "./health.ts";
import { anyList, anyModel } from "./models.ts";
import { operation } from "./openapi.ts";

const failures = {
  400: "The request cannot be read or carried to the slot's backend, or the slot has none",
  401: "Missing or wrong client token, or the provider refuses the key",
  402: "The provider's account is empty",
  403: "The caller's profile may not use this, the Host or Origin header names somebody else, or the provider refuses",
  404: "The model names no slot, or the provider does not know its own",
  405: "The path takes another method; Allow says which",
  408: "The provider waited too long for the request",
  409: "Somebody else holds what this needs, or the provider says so",
  413: "The body is larger than 64 MiB",
  415: "The body is compressed, or not JSON",
  422: "The provider cannot process the request",
  429: "A limit is reached, every key is limited, or there were too many wrong tokens; Retry-After says for how long",
  500: "A failure of the provider's, or a bug",
  502: "The provider could not be reached or broke its protocol, or every key is refused",
  503: "The provider is overloaded, or nobody knows what limits have left",
  504: "The provider said nothing for as long as the setting `silence` allows",
  529: "The provider is overloaded, in Anthropic's word",
};
/** In the words of who asks, told by his headers. */
const anyError = v.union([messages.error, chat.error, gemini.error]);
const atTheDoor = {
  401: "Missing or wrong client token",
  403: "The Host or Origin header names somebody else",
  429: "There were too many wrong tokens; Retry-After says for how long",
  500: "A bug, or configuration that cannot be read",
};
const asClient = { ...atTheDoor, 400: "The profile that X-Broke-Profile names is none" };
const unguarded = { 403: atTheDoor[403], 500: atTheDoor[500] };
const bySlot =
  "The model is a slot or a name a client uses for one. Members not listed pass through to a backend of the same dialect.";
const count = "The provider's count, or an estimate; the header X-Broke-Count says which.";

const messagesCall = operation({
  summary: "Anthropic Messages",
  description: bySlot,
  tag: "models",
  body: messagesRequest,
  answer: { description: "The answer", schema: messages.message },
  stream: "Anthropic's events, message_start to message_stop; a broken answer ends with an error event instead",
  error: { schema: messages.error, statuses: failures },
});
const messagesCount = operation({
  summary: "Input tokens of a Messages request",
  description: count,
  tag: "models",
  body: messagesRequest,
  answer: { description: "The count", schema: messages.tokenCount },
  error: { schema: messages.error, statuses: failures },
});
const responsesCall = operation({
  summary: "OpenAI Responses",
  description: `${bySlot} Answers are not stored: previous_response_id is refused.`,
  tag: "models",
  body: responsesRequest,
  answer: { description: "The answer", schema: responses.response },
  stream:
    "OpenAI's events, response.created to response.completed or response.incomplete; a broken answer ends with response.failed",
  error: { schema: chat.error, statuses: failures },
});
const chatCall = operation({
  summary: "OpenAI Chat Completions",
  description: bySlot,
  tag: "models",
  body: chatRequest,
  answer: { description: "The answer", schema: chat.completion },
  stream: "OpenAI's chunks and [DONE]; a broken answer ends with an error object and without [DONE]",
  error: { schema: chat.error, statuses: failures },
});
const geminiCall = operation({
  summary: "Gemini generateContent, streamGenerateContent and countTokens",
  description: `${bySlot} countTokens answers with totalTokens: ${count.toLowerCase()}`,
  tag: "models",
  parameters: { model: "<model>:generateContent, <model>:streamGenerateContent or <model>:countTokens" },
  body: geminiRequest,
  answer: { description: "The answer; for countTokens the count", schema: gemini.answer },
  stream:
    "With alt=sse Google's events, else the same objects as one JSON array; a broken answer ends with an error object and no finishReason",
  error: { schema: gemini.error, statuses: failures },
});
const list = operation({
  summary: "The slots that would be served now",
  description: "In the shape of the dialect that asks, told by its headers.",
  tag: "models",
  answer: { description: "The list", schema: anyList },
  error: { schema: anyError, statuses: asClient },
});
const one = operation({
  summary: "One slot that would be served now",
  tag: "models",
  parameters: { model: "a slot" },
  answer: { description: "The slot", schema: anyModel },
  error: { schema: anyError, statuses: { ...asClient, 404: "It would not be served" } },
});
const greeting = operation({
  summary: "Whether somebody is here",
  description: "Claude Code warms its connection up with it.",
  tag: "models",
  answer: { description: "Somebody is" },
  open: true,
});
const liveliness = operation({
  summary: "Whether the process answers",
  tag: "health",
  answer: { description: "It does", schema: alive },
  error: { schema: anyError, statuses: unguarded },
  open: true,
});
const readiness = operation({
  summary: "Whether routing and keys can be read",
  tag: "health",
  answer: { description: "They can", schema: ready },
  error: { schema: anyError, statuses: { 403: atTheDoor[403], 503: "They cannot" } },
  open: true,
});
const metrics = operation({
  summary: "What this gateway has done, for Prometheus",
  tag: "health",
  answer: { description: "Its counts", text: "text/plain" },
  error: {
    schema: anyError,
    statuses: { ...asClient, 403: `${atTheDoor[403]}, or the token is a profile's: it is of all of them` },
  },
});

/** The documented routes. */
export const routeDocs: { [route: string]: object } = {
  "HEAD /": greeting,
  "GET /health/liveliness": liveliness,
  "GET /health/readiness": readiness,
  "GET /metrics": metrics,
  "POST /v1/messages": messagesCall,
  "POST /v1/messages/count_tokens": messagesCount,
  "POST /v1/responses": responsesCall,
  "POST /responses": responsesCall,
  "POST /v1/chat/completions": chatCall,
  "POST /chat/completions": chatCall,
  "POST /v1beta/models/{model}": geminiCall,
  "POST /v1/models/{model}": geminiCall,
  "GET /v1/models": list,
  "GET /models": list,
  "GET /v1beta/models": list,
  "GET /v1/models/{model}": one,
  "GET /models/{model}": one,
  "GET /v1beta/models/{model}": one,
};
