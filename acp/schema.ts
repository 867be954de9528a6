// What an editor may send, checked before anything is done with it (ACP v1, https://agentclientprotocol.com/protocol/v1/schema). Members nobody
// knows are let pass: the protocol grows by them.

import type { SessionUpdate, StopReason } from "@agentclientprotocol/sdk";
import * as v from "valibot";
import { isAbsolute } from "node:path";
import { acpError } from "./errors.ts";

/** The one version of the protocol that is spoken. */
export const PROTOCOL_VERSION = 1;

const SESSION = /^sess_\d{1,16}_[0-9a-f]{8}$/;
/** Whether a text is an id as ours are: it may become a file's name. */
export const isSessionId = (text: string) => SESSION.test(text);

const text = v.string();
const sessionId = v.pipe(text, v.maxLength(128));
const folder = v.pipe(text, v.check(isAbsolute, "not an absolute path"));
const mcpServers = v.array(v.looseObject({ name: text }));
const noNul = v.pipe(text, v.regex(/^[^\0]*$/));
/** A server that is a program; one of another type has a `type`. */
export const stdioServer = v.object({
  name: v.pipe(text, v.regex(/^\P{Cc}{1,256}$/u)),
  command: v.pipe(noNul, v.check(isAbsolute, "not an absolute path")),
  args: v.nullish(v.array(noNul), []),
  env: v.nullish(v.array(v.object({ name: v.pipe(text, v.regex(/^[A-Za-z_]\w*$/)), value: noNul })), []),
});

const block = v.variant("type", [
  v.looseObject({ type: v.literal("text"), text }),
  v.looseObject({ type: v.literal("image"), data: text, mimeType: text }),
  v.looseObject({ type: v.literal("resource_link"), uri: text, name: text }),
  v.looseObject({
    type: v.literal("resource"),
    resource: v.union([v.looseObject({ uri: text, text }), v.looseObject({ uri: text, blob: text })]),
  }),
]);
export type PromptBlock = v.InferOutput<typeof block>;

const offered = v.optional(v.unknown());
/** What an editor can do, as far as it is made use of; what is not told rightly is not there. */
const capabilities = v.looseObject({
  session: v.fallback(v.nullish(v.looseObject({ notices: offered })), undefined),
  fs: v.fallback(v.nullish(v.looseObject({ readTextFile: offered, writeTextFile: offered })), undefined),
  elicitation: v.fallback(v.nullish(v.looseObject({ form: offered })), undefined),
});

export const requests = {
  initialize: v.looseObject({
    protocolVersion: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535)),
    clientCapabilities: v.optional(v.nullable(capabilities)),
  }),
  authenticate: v.looseObject({ methodId: text }),
  newSession: v.looseObject({ cwd: folder, mcpServers }),
  openSession: v.looseObject({ sessionId, cwd: folder, mcpServers: v.optional(mcpServers, []) }),
  listSessions: v.looseObject({ cwd: v.optional(v.nullable(folder)), cursor: v.optional(v.nullable(text)) }),
  oneSession: v.looseObject({ sessionId }),
  prompt: v.looseObject({ sessionId, prompt: v.array(block), _meta: v.optional(v.nullable(v.looseObject({}))) }),
  setMode: v.looseObject({ sessionId, modeId: text }),
  anySession: v.looseObject({ sessionId: v.optional(sessionId) }),
  clear: v.looseObject({ lane: text }),
  setOption: v.looseObject({ sessionId, configId: text, value: v.union([text, v.boolean()]) }),
} as const;

/** The checked parameters. Throws `invalidParams` naming the member, never its value. */
export function readParams<Schema extends v.GenericSchema>(schema: Schema, params: unknown): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, params);
  if (parsed.success) return parsed.output;
  const where = v.getDotPath(parsed.issues[0]) ?? "params";
  throw acpError("invalidParams", `${where} is not what it can be`, { path: where });
}

export type { SessionUpdate, StopReason };
