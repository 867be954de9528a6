import { type Content, GoogleGenAI, type GenerateContentResponse, type Part } from "@google/genai";
import { type Options, type Said, type Talk, WEATHER } from "../sdk.ts";

/** One answer out of the pieces of a stream, as the SDK's own chat keeps it: every part, in order. */
function collect(pieces: GenerateContentResponse[]): { parts: Part[]; last: GenerateContentResponse } {
  const parts = pieces.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
  return { parts, last: pieces.at(-1)! };
}

function heard(parts: Part[], last: GenerateContentResponse): Said {
  const texts = (thought: boolean) =>
    parts.map((part) => ((part.thought ?? false) === thought ? (part.text ?? "") : "")).join("");
  const { usageMetadata: usage, candidates, promptFeedback } = last;
  return {
    text: texts(false),
    thinking: texts(true),
    calls: parts.flatMap(({ functionCall }) =>
      functionCall === undefined
        ? []
        : [{ id: functionCall.id ?? "", name: functionCall.name ?? "", args: functionCall.args }],
    ),
    stop: candidates?.[0]?.finishReason ?? promptFeedback?.blockReason ?? "",
    tokens: {
      input: usage?.promptTokenCount ?? -1,
      output: (usage?.candidatesTokenCount ?? 0) + (usage?.thoughtsTokenCount ?? 0),
    },
  };
}

export function geminiTalk(url: string, token: string): Talk {
  const client = new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: url } });
  const contents: Content[] = [];
  const ask = async ({ stream, tools, thinking, signal, onText }: Options): Promise<Said> => {
    const { name, description, schema } = WEATHER;
    const params = {
      model: "sonnet",
      contents,
      config: {
        ...(tools ? { tools: [{ functionDeclarations: [{ name, description, parametersJsonSchema: schema }] }] } : {}),
        ...(thinking ? { thinkingConfig: { includeThoughts: true, thinkingBudget: 2048 } } : {}),
        ...(signal === undefined ? {} : { abortSignal: signal }),
      },
    };
    const pieces: GenerateContentResponse[] = [];
    if (stream) {
      for await (const piece of await client.models.generateContentStream(params)) {
        pieces.push(piece);
        const text = (piece.candidates?.[0]?.content?.parts ?? []).map((part) =>
          part.thought ? "" : (part.text ?? ""),
        );
        if (text.join("") !== "") onText?.(text.join(""));
      }
    } else pieces.push(await client.models.generateContent(params));
    const { parts, last } = collect(pieces);
    contents.push({ role: "model", parts });
    return heard(parts, last);
  };
  return {
    say(text, options, png) {
      const image: Part[] = png === undefined ? [] : [{ inlineData: { mimeType: "image/png", data: png } }];
      contents.push({ role: "user", parts: [...image, { text }] });
      return ask(options);
    },
    answer(results, options) {
      const parts = results.map(({ call, text }) => ({
        functionResponse: { id: call.id, name: call.name, response: { output: text } },
      }));
      contents.push({ role: "user", parts });
      return ask(options);
    },
  };
}
