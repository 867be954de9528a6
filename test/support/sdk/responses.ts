import OpenAI from "openai";
import { type Options, type Said, type Talk, WEATHER } from "../sdk.ts";

type Response = OpenAI.Responses.Response;

function heard({ output, status, incomplete_details: incomplete, usage }: Response): Said {
  const texts = output.flatMap((item) => (item.type === "message" ? item.content : []));
  return {
    text: texts.map((part) => (part.type === "output_text" ? part.text : "")).join(""),
    thinking: output
      .flatMap((item) => (item.type === "reasoning" ? item.summary : []))
      .map(({ text }) => text)
      .join(""),
    calls: output.flatMap((item) =>
      item.type === "function_call"
        ? [{ id: item.call_id, name: item.name, args: JSON.parse(item.arguments) as unknown }]
        : [],
    ),
    stop: [status, incomplete?.reason].filter((word) => word !== undefined).join(" "),
    tokens: { input: usage?.input_tokens ?? -1, output: usage?.output_tokens ?? -1 },
  };
}

export function responsesTalk(url: string, token: string): Talk {
  const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: token, maxRetries: 0 });
  const input: OpenAI.Responses.ResponseInputItem[] = [];
  const ask = async ({ stream, tools, thinking, signal, onText }: Options): Promise<Said> => {
    const { name, description, schema } = WEATHER;
    const params = {
      model: "sonnet",
      input,
      store: false,
      include: ["reasoning.encrypted_content" as const],
      ...(tools
        ? { tools: [{ type: "function" as const, name, description, parameters: schema, strict: false }] }
        : {}),
      ...(thinking ? { reasoning: { effort: "high" as const, summary: "auto" as const } } : {}),
    };
    const options = signal === undefined ? {} : { signal };
    const response = stream
      ? await client.responses
          .stream(params, options)
          .on("response.output_text.delta", ({ delta }) => onText?.(delta))
          .finalResponse()
      : await client.responses.create(params, options);
    // The SDK hands a failed answer over like any other.
    if (response.status === "failed") throw new Error(response.error?.message ?? "failed");
    input.push(...(response.output as OpenAI.Responses.ResponseInputItem[]));
    return heard(response);
  };
  return {
    say(text, options, png) {
      const image: OpenAI.Responses.ResponseInputContent[] =
        png === undefined ? [] : [{ type: "input_image", image_url: `data:image/png;base64,${png}`, detail: "auto" }];
      input.push({ role: "user", content: [...image, { type: "input_text", text }] });
      return ask(options);
    },
    answer(results, options) {
      input.push(
        ...results.map(({ call, text }) => ({ type: "function_call_output" as const, call_id: call.id, output: text })),
      );
      return ask(options);
    },
  };
}
