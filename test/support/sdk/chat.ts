import OpenAI from "openai";
import { type Options, type Said, type Talk, WEATHER } from "../sdk.ts";

type Reasoned = { reasoning_content?: string };

function heard({ choices, usage }: OpenAI.ChatCompletion, thinking?: string): Said {
  const { message, finish_reason: stop } = choices[0]!;
  return {
    text: message.content ?? "",
    thinking: thinking ?? (message as Reasoned).reasoning_content ?? "",
    calls: (message.tool_calls ?? []).flatMap((call) =>
      call.type === "function"
        ? [{ id: call.id, name: call.function.name, args: JSON.parse(call.function.arguments) as unknown }]
        : [],
    ),
    stop,
    tokens: { input: usage?.prompt_tokens ?? -1, output: usage?.completion_tokens ?? -1 },
  };
}

export function chatTalk(url: string, token: string): Talk {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
  const messages: OpenAI.ChatCompletionMessageParam[] = [];
  const ask = async ({ stream, tools, thinking, signal, onText }: Options): Promise<Said> => {
    const { name, description, schema } = WEATHER;
    const params = {
      model: "sonnet",
      messages,
      ...(tools ? { tools: [{ type: "function" as const, function: { name, description, parameters: schema } }] } : {}),
      ...(thinking ? { reasoning_effort: "high" as const } : {}),
    };
    const options = signal === undefined ? {} : { signal };
    if (!stream) {
      const completion = await client.chat.completions.create(params, options);
      messages.push(completion.choices[0]!.message);
      return heard(completion);
    }
    let thought = "";
    const streamed = client.chat.completions
      .stream({ ...params, stream_options: { include_usage: true } }, options)
      .on("content", (text) => onText?.(text))
      .on(
        "chunk",
        ({ choices }) => void (thought += (choices[0]?.delta as Reasoned | undefined)?.reasoning_content ?? ""),
      );
    const completion = await streamed.finalChatCompletion();
    messages.push(completion.choices[0]!.message);
    return heard(completion, thought);
  };
  return {
    say(text, options, png) {
      const image: OpenAI.ChatCompletionContentPart[] =
        png === undefined ? [] : [{ type: "image_url", image_url: { url: `data:image/png;base64,${png}` } }];
      messages.push({ role: "user", content: [...image, { type: "text", text }] });
      return ask(options);
    },
    answer(results, options) {
      messages.push(
        ...results.map(({ call, text }) => ({ role: "tool" as const, tool_call_id: call.id, content: text })),
      );
      return ask(options);
    },
  };
}
