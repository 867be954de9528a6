import Anthropic from "@anthropic-ai/sdk";
import { type Options, type Said, type Talk, WEATHER } from "../sdk.ts";

function heard(message: Anthropic.Message): Said {
  const pick = <Kind extends Anthropic.ContentBlock["type"]>(kind: Kind) =>
    message.content.filter((block): block is Extract<Anthropic.ContentBlock, { type: Kind }> => block.type === kind);
  const { usage } = message;
  return {
    text: pick("text")
      .map(({ text }) => text)
      .join(""),
    thinking: pick("thinking")
      .map(({ thinking }) => thinking)
      .join(""),
    calls: pick("tool_use").map(({ id, name, input }) => ({ id, name, args: input })),
    stop: message.stop_reason ?? "",
    tokens: { input: usage.input_tokens + (usage.cache_read_input_tokens ?? 0), output: usage.output_tokens },
  };
}

export function anthropicTalk(url: string, token: string): Talk {
  const client = new Anthropic({ baseURL: url, authToken: token, apiKey: null, maxRetries: 0 });
  const messages: Anthropic.MessageParam[] = [];
  const ask = async ({ stream, tools, thinking, signal, onText }: Options): Promise<Said> => {
    const params: Anthropic.MessageCreateParamsNonStreaming = {
      model: "sonnet",
      max_tokens: 4096,
      messages,
      ...(tools
        ? { tools: [{ name: WEATHER.name, description: WEATHER.description, input_schema: WEATHER.schema }] }
        : {}),
      ...(thinking ? { thinking: { type: "enabled", budget_tokens: 2048 } } : {}),
    };
    const options = signal === undefined ? {} : { signal };
    const message = stream
      ? await client.messages
          .stream(params, options)
          .on("text", (text) => onText?.(text))
          .finalMessage()
      : await client.messages.create(params, options);
    messages.push({ role: "assistant", content: message.content });
    return heard(message);
  };
  return {
    say(text, options, png) {
      const image: Anthropic.ContentBlockParam[] =
        png === undefined ? [] : [{ type: "image", source: { type: "base64", media_type: "image/png", data: png } }];
      messages.push({ role: "user", content: [...image, { type: "text", text }] });
      return ask(options);
    },
    answer(results, options) {
      const content = results.map(({ call, text }) => ({
        type: "tool_result" as const,
        tool_use_id: call.id,
        content: text,
      }));
      messages.push({ role: "user", content });
      return ask(options);
    },
  };
}
