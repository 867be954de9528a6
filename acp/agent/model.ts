// Asks a model through the gateway, by OpenAI's Chat and as a stream (https://platform.openai.com/docs/api-reference/chat-streaming, November 2026).
// The gateway has tried other keys and backends already: what fails here has failed.

export type Call = { id: string; name: string; args: string };

export type Message =
  | { role: "system"; content: string }
  | { role: "user"; content: string | object[] }
  | {
      role: "assistant";
      content: string;
      tool_calls?: { id: string; type: "function"; function: { name: string; arguments: string } }[];
      /** What proves a model's thoughts to it; given back as it came. */
      reasoning_details?: object[];
    }
  | { role: "tool"; tool_call_id: string; content: string };

export type Answer = {
  text: string;
  calls: Call[];
  reasoning: object[];
  finish: "stop" | "tool_calls" | "length" | "content_filter";
  /** Of the request and its answer together, where the provider counts them. */
  tokens: number | undefined;
};

export type Hear = { text(piece: string): void; thought(piece: string): void };

/** Resolves with the whole answer; what it says is heard as it comes. Rejects with a `ModelError`, or as aborted. */
export type Model = (
  request: { messages: Message[]; tools: object[] },
  hear: Hear,
  signal: AbortSignal,
) => Promise<Answer>;

/** A provider that gave no answer; its message is the cause in words. */
export class ModelError extends Error {}

const MAX_CAUSE = 500;
const MAX_EVENT_CHARS = 32 * 1024 * 1024;

type Chunk = {
  choices?: {
    delta?: {
      content?: string | null;
      reasoning_content?: string | null;
      reasoning?: string | null;
      reasoning_details?: object[] | null;
      tool_calls?: {
        index?: number;
        id?: string | null;
        function?: { name?: string | null; arguments?: string | null };
      }[];
    };
    finish_reason?: string | null;
  }[];
  usage?: { total_tokens?: number } | null;
  error?: { message?: string } | string | null;
};

const causeOf = (error: NonNullable<Chunk["error"]>) =>
  (typeof error === "string" ? error : (error.message ?? "it gave no reason")).slice(0, MAX_CAUSE);

async function refusalOf(response: Response): Promise<ModelError> {
  const text = await response.text().catch(() => "");
  let said: Chunk = {};
  try {
    said = JSON.parse(text) as Chunk;
  } catch {
    // No JSON: the status says enough.
  }
  return new ModelError(`status ${response.status}: ${causeOf(said?.error ?? {})}`);
}

/** Data of a stream of events, one after the other. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let held = "";
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>) {
    held += decoder.decode(piece, { stream: true });
    if (held.length > MAX_EVENT_CHARS) throw new ModelError("an event of its answer has no end");
    const lines = held.split("\n");
    held = lines.pop()!;
    for (const line of lines) if (line.startsWith("data:")) yield line.slice(5).trim();
  }
}

/** What the chunks of one answer come to. */
function gather(hear: Hear) {
  let [text, finish, tokens] = ["", undefined as string | undefined, undefined as number | undefined];
  const calls = new Map<number, Call>();
  const reasoning: object[] = [];
  return {
    take({ choices, usage, error }: Chunk): void {
      if (error != null) throw new ModelError(causeOf(error));
      if (typeof usage?.total_tokens === "number") tokens = usage.total_tokens;
      const [choice] = choices ?? [];
      const delta = choice?.delta;
      const thought = delta?.reasoning_content ?? delta?.reasoning;
      if (thought) hear.thought(thought);
      if (delta?.content) {
        text += delta.content;
        hear.text(delta.content);
      }
      reasoning.push(...(delta?.reasoning_details ?? []));
      for (const { index = calls.size, id, function: made } of delta?.tool_calls ?? []) {
        const call = calls.get(index) ?? { id: "", name: "", args: "" };
        calls.set(index, call);
        if (id) call.id = id;
        if (made?.name) call.name = made.name;
        call.args += made?.arguments ?? "";
      }
      finish = choice?.finish_reason ?? finish;
    },
    answer(): Answer {
      if (finish === undefined) throw new ModelError("its answer broke off");
      const known = finish === "length" || finish === "content_filter" ? finish : undefined;
      const made = [...calls].sort(([a], [b]) => a - b).map(([, call]) => call);
      return { text, calls: made, reasoning, finish: known ?? (made.length > 0 ? "tool_calls" : "stop"), tokens };
    },
  };
}

/** The model of that name behind the gateway; `effort`: how hard it is to think, where that is not its own affair. */
export function modelAt({
  url,
  token,
  model,
  effort,
}: {
  url: string;
  token: string;
  model: string;
  effort?: string | undefined;
}): Model {
  return async ({ messages, tools }, hear, signal) => {
    const body = {
      ...{ model, messages, stream: true, stream_options: { include_usage: true } },
      ...(effort === undefined ? {} : { reasoning_effort: effort }),
      ...(tools.length === 0 ? {} : { tools, parallel_tool_calls: true }),
    };
    try {
      const response = await fetch(`${url}/v1/chat/completions`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify(body),
        signal,
      });
      if (!response.ok || response.body === null) throw await refusalOf(response);
      const whole = gather(hear);
      for await (const data of eventsOf(response.body)) if (data !== "[DONE]") whole.take(JSON.parse(data) as Chunk);
      return whole.answer();
    } catch (error) {
      if (signal.aborted || error instanceof ModelError) throw error;
      throw new ModelError("its answer broke off");
    }
  };
}
