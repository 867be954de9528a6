// Plays a scene between a client of one dialect and a provider of another, through what the relay drives: one attempt, its bytes there, and the
// answer's bytes back, whole or in pieces.

import { parseJson, type Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { makeRedactor } from "#src/core/text.ts";
import { type Prepared, prepareAttempt } from "#src/gateway/attempt.ts";
import { type Incoming, readIncoming } from "#src/gateway/incoming.ts";
import type { Quirks } from "#src/core/quirks.ts";
import type { Attempt } from "#src/routing/candidates.ts";
import { inbound } from "#src/wire/codecs.ts";
import type { WireError } from "#src/wire/errors.ts";
import { anthropic as anthropicUpstream } from "#test/support/upstream/anthropic.ts";
import { gemini as geminiUpstream } from "#test/support/upstream/gemini.ts";
import { openaiChat } from "#test/support/upstream/openai-chat.ts";
import { openaiResponses } from "#test/support/upstream/openai-responses.ts";
import type { Part, Say } from "#test/support/upstream/script.ts";
import type { Speaker } from "#test/support/upstream/speaker.ts";
import { anthropic as anthropicBackend } from "./backends/anthropic.ts";
import { chat as chatBackend } from "./backends/chat.ts";
import { gemini as geminiBackend } from "./backends/gemini.ts";
import { responses as responsesBackend } from "./backends/responses.ts";
import { anthropic } from "./clients/anthropic.ts";
import { chat } from "./clients/chat.ts";
import { gemini } from "./clients/gemini.ts";
import { responses } from "./clients/responses.ts";
import type { Answer, Asked, Backend, Client, Failure, Heard, Line, Members, Settings } from "./words.ts";

export const clients: Record<Dialect, Client> = {
  anthropic,
  "openai-chat": chat,
  "openai-responses": responses,
  gemini,
};
const backends: Record<Dialect, Backend> = {
  anthropic: anthropicBackend,
  "openai-chat": chatBackend,
  "openai-responses": responsesBackend,
  gemini: geminiBackend,
};
const speakers: Record<Dialect, Speaker> = {
  anthropic: anthropicUpstream,
  "openai-chat": openaiChat,
  "openai-responses": openaiResponses,
  gemini: geminiUpstream,
};

/** A model of today at each provider's own address. */
const usualQuirks: Record<Dialect, Partial<Quirks>> = {
  anthropic: { reasoningEffort: true },
  "openai-chat": { reasoningEffort: true, customTools: true, maxTokensField: "max_completion_tokens" },
  "openai-responses": { reasoningEffort: true, customTools: true, cacheKey: true },
  gemini: { reasoningEffort: true },
};

/** What the provider answers: words, or its own events and object; `status`: a refusal with these words. */
export type Reply = Partial<Omit<Say, "kind" | "parts">> & {
  parts?: (Part | string)[];
  frames?: { [dialect: string]: Json[] };
  whole?: { [dialect: string]: Json };
  status?: number;
  message?: string;
};

export type Step = {
  lines: Line[];
  reply: Reply;
  /** A thought of somebody else's that the client has in front of this answer from now on. */
  plant?: string;
};
export type Scene = {
  settings?: Settings;
  quirks?: { [dialect: string]: Partial<Quirks> };
  /** Members of one client's own beside what is said in words. */
  also?: { [dialect: string]: Members };
  steps: Step[];
};
export type Pairing = { client: Dialect; backend: Dialect; stream: boolean };

/** `body` is what the provider got, `lost` what the translation could not carry. */
export type Played = {
  asked: Asked;
  body: Members;
  lost: string[];
  heard: Heard | Failure;
  lines: Line[];
  passed: { sent: string; got: string; answered: string; told: string } | undefined;
};

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const keys = { get: () => "key-of-the-test", names: () => ["TEST_KEY"] };

function attemptAt(dialect: Dialect, quirks: Partial<Quirks>): Attempt {
  const backend = {
    label: "backend",
    provider: null,
    model: "model-0",
    dialect,
    baseUrl: "https://provider.test",
    keyEnv: "TEST_KEY",
    keyHeader: "bearer",
    quirks: { ...usualQuirks[dialect], ...quirks },
    pinned: null,
    price: null,
    contextWindow: null,
    modalities: null,
    source: "operator",
  } as const;
  return { backend, keyName: "TEST_KEY", why: "" };
}

function incomingOf({ client, stream }: Pairing, body: Members): Promise<Incoming> {
  const url = `http://gateway${clients[client].path(stream)}`;
  const headers = { "content-type": "application/json" };
  const request = new Request(url, { method: "POST", headers, body: JSON.stringify(body) });
  const door = { dialect: client, route: "", ...(client === "gemini" ? { named: { model: "sonnet", stream } } : {}) };
  return readIncoming(request, door, "req_1");
}

/** The request made ready for the provider. Throws `usage` when it must not be sent. */
export async function prepare(scene: Scene, pairing: Pairing, body: Members, lossless = false): Promise<Prepared> {
  const attempt = attemptAt(pairing.backend, scene.quirks?.[pairing.backend] ?? {});
  const incoming = await incomingOf(pairing, body);
  return prepareAttempt(attempt, incoming, { keys, redact: makeRedactor(), lossless });
}

function told(error: WireError, client: Dialect): Failure {
  const { status, body } = inbound[client].encodeError(error);
  return { status, message: clients[client].failure(body as Members) };
}

function sayOf({ parts = [], ...rest }: Reply): Say {
  return {
    kind: "say",
    parts: parts.map((part) => (typeof part === "string" ? { kind: "text", text: part } : part)),
    ...rest,
  };
}

const frameOf = (frame: Json) => (typeof frame === "string" ? frame : `data: ${JSON.stringify(frame)}\n\n`);

/** What the client receives when the provider's bytes come in these pieces. */
function flowThrough(prepared: Prepared, pieces: Iterable<Uint8Array>): { sse: string; error: WireError | undefined } {
  const flow = prepared.flow();
  const out: Uint8Array[] = [];
  let live = false;
  for (const piece of pieces) {
    if (flow.phase() === "done" || flow.phase() === "failed") break;
    out.push(flow.push(piece));
    live ||= flow.phase() === "live" || flow.phase() === "done";
  }
  if (flow.phase() !== "failed") out.push(flow.end());
  // Before content the relay asks somebody else; nothing of this reaches the client.
  const error = !live ? flow.failure() : undefined;
  return { sse: Buffer.concat(out).toString(), error };
}

function hearStream(
  prepared: Prepared,
  { client }: Pairing,
  frames: string[],
): { heard: Heard | Failure; answer?: Answer; sse: string } {
  const bytes = encoder.encode(frames.join(""));
  const whole = flowThrough(
    prepared,
    frames.map((frame) => encoder.encode(frame)),
  );
  const bytewise = flowThrough(
    prepared,
    Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
  );
  if (whole.error !== undefined) return { heard: told(whole.error, client), sse: "" };
  const listen = (sse: string): Answer | Failure => {
    try {
      return clients[client].hearStream(sse);
    } catch (error) {
      return { status: 0, message: (error as Error).message };
    }
  };
  const [answer, cut] = [listen(whole.sse), listen(bytewise.sse)];
  const words = (given: Answer | Failure) => ("heard" in given ? given.heard : given);
  const same = JSON.stringify(unnamed(words(answer))) === JSON.stringify(unnamed(words(cut)));
  if (!same) throw new Error(`cut into bytes it is another answer: ${whole.sse}\n\n${bytewise.sse}`);
  return "heard" in answer ? { heard: answer.heard, answer, sse: whole.sse } : { heard: answer, sse: whole.sse };
}

/** Ids that were made up are new ones each time. */
function unnamed(heard: Heard | Failure): Json {
  return JSON.parse(JSON.stringify(heard, (key, value: Json) => (key === "id" ? "" : value))) as Json;
}

function hearWhole(
  prepared: Prepared,
  { client }: Pairing,
  body: Json,
): { heard: Heard | Failure; answer?: Answer; text: string } {
  const whole = prepared.readWhole(encoder.encode(JSON.stringify(body)));
  if (whole.kind === "error") return { heard: told(whole.error, client), text: "" };
  const text = typeof whole.body === "string" ? whole.body : decoder.decode(whole.body);
  const answer = clients[client].hear(parseJson(text) as Members);
  return { heard: answer.heard, answer, text };
}

/** Every step of a scene in turn. Rejects where a client or a provider would refuse what it gets. */
export async function play(scene: Scene, pairing: Pairing): Promise<Played[]> {
  const { client, backend, stream } = pairing;
  const lines: Line[] = [];
  const turns = new Map<number, Json>();
  const played: Played[] = [];
  for (const [id, { lines: said, reply, plant }] of scene.steps.entries()) {
    lines.push(...said);
    const sent = { ...clients[client].write(lines, scene.settings ?? {}, stream, turns), ...scene.also?.[client] };
    const prepared = await prepare(scene, pairing, sent);
    const got = typeof prepared.body === "string" ? prepared.body : decoder.decode(prepared.body);
    const body = parseJson(got) as Members;
    const speaker = speakers[backend];
    const path = new URL(prepared.url).pathname;
    const seen = speaker.read(body, path, "");
    if (seen.model !== "model-0" || seen.stream !== stream) throw new Error(`asked as ${seen.model} ${seen.stream}`);
    const asked = backends[backend].see(body, path);
    const before = [...lines];
    const lost = [...new Set(prepared.losses.map(({ what }) => what))];
    let heard: Heard | Failure;
    let answer: Answer | undefined;
    let passed: Played["passed"];
    const passing = (answered: string, heardText: string) => {
      if (client === backend) passed = { sent: JSON.stringify(sent), got, answered, told: heardText };
    };
    if (reply.status !== undefined) {
      const refusal = JSON.stringify(speaker.error(reply.status, reply.message ?? ""));
      heard = told(prepared.decodeError(reply.status, refusal), client);
    } else if (stream) {
      const frames = reply.frames?.[backend]?.map(frameOf) ?? speaker.frames(sayOf(reply), seen, id);
      const result = hearStream(prepared, pairing, frames);
      ({ heard, answer } = { answer: undefined, ...result });
      passing(frames.join(""), result.sse);
    } else {
      const whole = reply.whole?.[backend] ?? speaker.whole(sayOf(reply), seen, id);
      const result = hearWhole(prepared, pairing, whole);
      ({ heard, answer } = { answer: undefined, ...result });
      passing(JSON.stringify(whole), result.text);
    }
    played.push({ asked, body, lost, heard, lines: before, passed });
    if (answer === undefined) continue;
    const { text, calls } = answer.heard;
    turns.set(lines.length, plant === undefined ? answer.turn : clients[client].thought(answer.turn, plant));
    lines.push({ by: "model", ...(text === "" ? {} : { text }), ...(calls.length === 0 ? {} : { calls }) });
  }
  return played;
}
