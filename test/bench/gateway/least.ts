// The least a gateway does, and nothing that makes one useful: it knows who asks, reads what is asked for and refuses what is not JSON, puts another
// model in, can break the call off, and reads what the answer cost. What ours takes beyond this is its own; what this takes beyond the floor is
// anybody's on this runtime and framework. Prints its port.
// Usage: least.ts <upstream url> <model> [chat]: with the least translation too, of what the load sends, unchecked: text, tools, calls and results from
// Messages to Chat, and a whole answer back.

import { timingSafeEqual } from "node:crypto";
import { Elysia } from "elysia";
import { BENCH_TOKEN } from "./token.ts";

const [upstream, model, translates] = process.argv.slice(2) as [string, string, string?];
const wanted = new TextEncoder().encode(`Bearer ${BENCH_TOKEN}`);
const decoder = new TextDecoder();
const HOST = /^(127\.0\.0\.1|localhost)(:\d+)?$/;
const LARGE_BYTES = 8 * 1024;

function isLetIn(headers: Headers): boolean {
  const given = new TextEncoder().encode(headers.get("authorization") ?? "");
  return (
    HOST.test(headers.get("host") ?? "") &&
    headers.get("origin") === null &&
    given.length === wanted.length &&
    timingSafeEqual(given, wanted)
  );
}

type Block = {
  type: string;
  text: string;
  id: string;
  name: string;
  input: object;
  tool_use_id: string;
  content: string;
};
type Asked = {
  model: string;
  stream?: boolean;
  max_tokens: number;
  system?: Block[];
  tools?: { name: string; description: string; input_schema: object }[];
  messages: { role: string; content: string | Block[] }[];
};

function chatMessages({ role, content }: Asked["messages"][number]): object[] {
  if (typeof content === "string") return [{ role, content }];
  return content.map((block) => {
    if (block.type === "tool_result") return { role: "tool", tool_call_id: block.tool_use_id, content: block.content };
    if (block.type !== "tool_use") return { role, content: block.text };
    const call = { name: block.name, arguments: JSON.stringify(block.input) };
    return { role, content: null, tool_calls: [{ id: block.id, type: "function", function: call }] };
  });
}

function chatOf({ max_tokens, system, tools, messages }: Asked): string {
  const first = system?.map(({ text }) => ({ role: "system", content: text })) ?? [];
  const functions = tools?.map(({ name, description, input_schema: parameters }) => ({
    type: "function",
    function: { name, description, parameters },
  }));
  return JSON.stringify({
    model,
    messages: [...first, ...messages.flatMap(chatMessages)],
    max_tokens,
    tools: functions,
  });
}

type ChatAnswer = {
  choices: [{ message: { content: string } }];
  usage: { prompt_tokens: number; completion_tokens: number };
};

function messageOf({ choices, usage }: ChatAnswer): string {
  const content = [{ type: "text", text: choices[0].message.content }];
  const tokens = { input_tokens: usage.prompt_tokens, output_tokens: usage.completion_tokens };
  const head = { id: "msg_1", type: "message", role: "assistant", model };
  return JSON.stringify({ ...head, content, stop_reason: "end_turn", stop_sequence: null, usage: tokens });
}

async function translate(request: Request): Promise<Response> {
  const call = new AbortController();
  request.signal.addEventListener("abort", () => call.abort());
  const asked = (await request.json()) as Asked;
  if (typeof asked.model !== "string") return new Response("no model", { status: 400 });
  const answer = await fetch(`${upstream}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer k", "accept-encoding": "identity" },
    body: chatOf(asked),
    signal: call.signal,
    redirect: "manual",
  });
  const headers = { "content-type": "application/json", "x-request-id": "1" };
  return new Response(messageOf((await answer.json()) as ChatAnswer), { headers });
}

async function serve(request: Request): Promise<Response> {
  if (translates !== undefined) return translate(request);
  const call = new AbortController();
  request.signal.addEventListener("abort", () => call.abort());
  const body = Buffer.from(await request.arrayBuffer());
  const text = body.length < LARGE_BYTES ? decoder.decode(body) : await new Blob([body]).text();
  const asked = JSON.parse(text) as { model?: unknown; stream?: unknown };
  if (typeof asked.model !== "string") return new Response("no model", { status: 400 });
  const name = JSON.stringify(asked.model);
  const at = body.indexOf(name, body.indexOf('"model"') + 7);
  const spliced = Buffer.concat([
    body.subarray(0, at),
    Buffer.from(JSON.stringify(model)),
    body.subarray(at + name.length),
  ]);
  const answer = await fetch(`${upstream}/v1/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "k", "accept-encoding": "identity" },
    body: spliced,
    signal: call.signal,
    redirect: "manual",
  });
  const headers = { "content-type": answer.headers.get("content-type") ?? "", "x-request-id": "1" };
  if (asked.stream === true) return new Response(answer.body, { headers });
  const bytes = await answer.arrayBuffer();
  const { usage } = JSON.parse(decoder.decode(bytes)) as { usage: object };
  return new Response(bytes, { headers: { ...headers, "x-usage": JSON.stringify(usage) } });
}

const app = new Elysia({ handler: { standardHostname: false } }).post("/v1/messages", ({ request }) => serve(request), {
  parse: "none",
  beforeHandle: ({ request }) => (isLetIn(request.headers) ? undefined : new Response(null, { status: 401 })),
});
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch: (request) => app.fetch(request) });
process.stdout.write(`${server.port}\n`);
