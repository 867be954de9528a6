// Drives `broke acp-server` as an editor does: by the official SDK's client, or line by line. Every frame that comes out is held against the official
// schema, whoever reads it.

import {
  client,
  type ClientConnection,
  ndJsonStream,
  type ReadTextFileRequest,
  type SessionNotification,
  type WriteTextFileRequest,
} from "@agentclientprotocol/sdk";
import { validator } from "@exodus/schemasafe";
import { type Bench, LAUNCHER } from "./broke.ts";

const SCHEMA = "@agentclientprotocol/sdk/schema/v1/schema.json";
const schema = (await import(SCHEMA, { with: { type: "json" } })).default as { $defs: Record<string, object> };

/** Without OpenAPI's `discriminator`, which says nothing that the alternatives do not, and without formats of numbers, which JSON has not. */
function plain(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(plain);
  if (part === null || typeof part !== "object") return part;
  const isNoise = (name: string, value: unknown) =>
    (name === "discriminator" && typeof value === "object") || (name === "format" && typeof value === "string");
  return Object.fromEntries(
    Object.entries(part).flatMap(([name, value]) => (isNoise(name, value) ? [] : [[name, plain(value)]])),
  );
}
const definitions = plain(schema.$defs);

type Validate = (value: unknown) => boolean;
const made = new Map<string, Validate>();

/** What is wrong with a value as one of the schema's definitions; undefined: nothing. */
export function faultOf(definition: string, value: unknown): string | undefined {
  let validate = made.get(definition);
  if (validate === undefined) {
    const root = {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $defs: definitions,
      $ref: `#/$defs/${definition}`,
    };
    validate = validator(root as never, {
      mode: "lax",
      includeErrors: true,
      allErrors: false,
    }) as Validate;
    made.set(definition, validate);
  }
  if (validate(value)) return undefined;
  return `${definition}: ${JSON.stringify((validate as { errors?: unknown }).errors)} in ${JSON.stringify(value).slice(0, 500)}`;
}

const answers: Record<string, string> = {
  initialize: "InitializeResponse",
  "session/new": "NewSessionResponse",
  "session/load": "LoadSessionResponse",
  "session/resume": "ResumeSessionResponse",
  "session/list": "ListSessionsResponse",
  "session/close": "CloseSessionResponse",
  "session/delete": "DeleteSessionResponse",
  "session/prompt": "PromptResponse",
  "session/set_mode": "SetSessionModeResponse",
  "session/set_config_option": "SetSessionConfigOptionResponse",
};

type Message = {
  jsonrpc?: unknown;
  id?: unknown;
  method?: string;
  params?: unknown;
  result?: unknown;
  error?: unknown;
};

/** Looks at everything that goes in and comes out; `faults` is what was wrong with it. */
function monitor() {
  const asked = new Map<string, string>();
  const answered = new Set<string>();
  const faults: string[] = [];
  const fault = (text: string | undefined) => {
    if (text !== undefined) faults.push(text);
  };
  const see = ({ jsonrpc, id, method, params, result, error }: Message) => {
    if (jsonrpc !== "2.0") fault("a frame without jsonrpc 2.0");
    if (method === "session/update") fault(faultOf("SessionNotification", params));
    if (method === "session/request_permission") fault(faultOf("RequestPermissionRequest", params));
    if (method === "fs/read_text_file") fault(faultOf("ReadTextFileRequest", params));
    if (method === "fs/write_text_file") fault(faultOf("WriteTextFileRequest", params));
    if (method?.startsWith("terminal/") === true) fault(`${method} was called`);
    if (method !== undefined || id == null) return;
    const key = JSON.stringify(id);
    if (answered.has(key)) fault(`a second answer to ${key}`);
    answered.add(key);
    if ((result === undefined) === (error === undefined)) fault("neither a result nor an error, or both");
    if (error !== undefined) return fault(faultOf("Error", error));
    const definition = answers[asked.get(key) ?? ""];
    if (definition !== undefined) fault(faultOf(definition, result));
  };
  return {
    faults,
    sent(line: string) {
      try {
        const message = JSON.parse(line) as Message;
        if (typeof message.method === "string" && message.id != null)
          asked.set(JSON.stringify(message.id), message.method);
      } catch {
        // Hostile on purpose.
      }
    },
    came(line: string) {
      let message: Message;
      try {
        message = JSON.parse(line) as Message;
      } catch {
        return fault(`not JSON: ${line.slice(0, 200)}`);
      }
      see(message);
    },
  };
}

export type AcpServer = AsyncDisposable & {
  process: Bun.Subprocess<"pipe", "pipe", "pipe">;
  connection: ClientConnection;
  updates: SessionNotification[];
  faults: string[];
  stderr(): Promise<string>;
};

type Permit = (
  params: { toolCall: { title?: string | null } },
  signal: AbortSignal,
) => Promise<string | "cancelled"> | string;

/** What an editor does with files, where it offers that; anything else that it is asked for is a fault. */
export type EditorFs = {
  read?(params: ReadTextFileRequest, signal: AbortSignal): unknown;
  write?(params: WriteTextFileRequest, signal: AbortSignal): unknown;
};

/** Starts the server and connects. `permit` answers questions with an option's id. */
export function startAcp(
  bench: Bench,
  permit: Permit = () => "reject",
  env: Record<string, string> = {},
  args: readonly string[] = [],
  editor: EditorFs = {},
): AcpServer {
  const process = Bun.spawn([LAUNCHER, "acp-server", ...args], {
    ...{ cwd: bench.workspace, env: { ...bench.env, ...env } },
    ...{ stdin: "pipe", stdout: "pipe", stderr: "pipe" },
  });
  const { faults, sent, came } = monitor();
  const lines = (each: (line: string) => void) => {
    let rest = "";
    const decoder = new TextDecoder();
    return (bytes: Uint8Array) => {
      const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = parts.pop()!;
      for (const part of parts) if (part !== "") each(part);
    };
  };
  const [seeOut, seeIn] = [lines(sent), lines(came)];
  const output = new WritableStream<Uint8Array>({
    async write(bytes) {
      seeOut(bytes);
      process.stdin.write(bytes);
      await process.stdin.flush();
    },
    close: () => void process.stdin.end(),
  });
  const tapped = process.stdout.pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        seeIn(bytes);
        controller.enqueue(bytes);
      },
    }),
  );
  const offered = <Act extends keyof EditorFs>(act: Act): NonNullable<EditorFs[Act]> => {
    const serve = editor[act];
    if (serve === undefined) faults.push(`fs ${act} was asked for and is not offered`);
    return (serve ?? (() => ({}))) as NonNullable<EditorFs[Act]>;
  };
  const updates: SessionNotification[] = [];
  const stderr = new Response(process.stderr).text();
  const connection = client()
    .onNotification("session/update", ({ params }) => void updates.push(params))
    .onRequest("session/request_permission", async ({ params, signal }) => {
      const optionId = await permit(params, signal);
      return { outcome: optionId === "cancelled" ? { outcome: "cancelled" } : { outcome: "selected", optionId } };
    })
    .onRequest("fs/read_text_file", async ({ params, signal }) => (await offered("read")(params, signal)) as never)
    .onRequest("fs/write_text_file", async ({ params, signal }) => (await offered("write")(params, signal)) as never)
    .connect(ndJsonStream(output, tapped));
  return {
    ...{ process, connection, updates, faults },
    stderr: () => stderr,
    async [Symbol.asyncDispose]() {
      connection.close();
      process.kill();
      await process.exited;
    },
  };
}

/** The text of what an assistant said. */
export const saidIn = (updates: readonly SessionNotification[]): string =>
  updates
    .map(({ update }) =>
      update.sessionUpdate === "agent_message_chunk" && update.content.type === "text" ? update.content.text : "",
    )
    .join("");
