// A client of Gemini's dialect, as its SDK and Gemini CLI read and write it: thoughts are dropped, the parts they are proven on are kept.

import { type Json, parseJson } from "#src/core/json.ts";
import {
  type Answer,
  asList,
  asMembers,
  asNumber,
  asText,
  type Client,
  eventsOf,
  given,
  insist,
  type Line,
  type Members,
  type Paper,
  type Settings,
} from "../words.ts";

const picture = (data: string): Json => ({ inlineData: { mimeType: "image/png", data } });

const paper = ({ title, pdf }: Paper): Json => ({
  inlineData: { mimeType: "application/pdf", data: pdf ?? "", displayName: title },
});

function partsOf(line: Exclude<Line, { by: "system" }>, nameOf: ReadonlyMap<string, string>): Json[] {
  switch (line.by) {
    case "user":
      return [
        ...(line.shows ?? []).map(picture),
        ...(line.file === undefined ? [] : [paper(line.file)]),
        ...(line.text === undefined ? [] : [{ text: line.text }]),
      ];
    case "model":
      return [
        ...(line.text === undefined ? [] : [{ text: line.text }]),
        ...(line.calls ?? []).map(({ id, name, args }) => ({ functionCall: { id, name, args } })),
      ];
    case "tools":
      return line.results.map(({ id, text, shows, failed }) => ({
        functionResponse: {
          id,
          name: nameOf.get(id) ?? "",
          response: failed ? { error: text } : { output: text },
          ...(shows === undefined ? {} : { parts: shows.map(picture) }),
        },
      }));
  }
}

function settingsOf({ tools, choice, format, effort, budget, ...rest }: Settings): Members {
  const modes = { auto: "AUTO", required: "ANY", none: "NONE" };
  const calling =
    typeof choice === "object"
      ? { mode: "ANY", allowedFunctionNames: [choice.tool] }
      : { mode: modes[choice ?? "auto"] };
  const thinking = given({ thinkingLevel: effort?.toUpperCase(), thinkingBudget: budget });
  const thinks = Object.keys(thinking).length > 0;
  return given({
    tools:
      tools === undefined
        ? undefined
        : [
            {
              functionDeclarations: tools.map(({ name, description, schema }) =>
                given({ name, description, parametersJsonSchema: schema ?? { type: "object" } }),
              ),
            },
          ],
    toolConfig: choice === undefined ? undefined : { functionCallingConfig: calling },
    generationConfig: given({
      maxOutputTokens: rest.limit ?? 4096,
      temperature: rest.temperature,
      topP: rest.topP,
      topK: rest.topK,
      stopSequences: rest.stops,
      responseMimeType: format === undefined ? undefined : "application/json",
      responseJsonSchema: format,
      thinkingConfig: thinks ? { ...thinking, includeThoughts: true } : undefined,
    }),
  });
}

function heardOf(parts: Members[], reason: string, usage: Members): Answer {
  const texts = (thought: boolean) =>
    parts.map((part) => ((part["thought"] === true) === thought ? asText(part["text"]) : "")).join("");
  const calls = parts.flatMap(({ functionCall }) => {
    const { id, name, args } = asMembers(functionCall);
    return functionCall === undefined ? [] : [{ id: asText(id), name: asText(name), args: args ?? {} }];
  });
  const words: { [key: string]: string } = {
    STOP: calls.length > 0 ? "tools" : "end",
    MAX_TOKENS: "limit",
    SAFETY: "refusal",
  };
  const output = asNumber(usage["candidatesTokenCount"]) + asNumber(usage["thoughtsTokenCount"]);
  const input = asNumber(usage["promptTokenCount"]);
  insist(input + output === asNumber(usage["totalTokenCount"]), "a total that does not add up");
  return {
    heard: {
      text: texts(false),
      thinking: texts(true),
      calls,
      stop: words[reason] ?? reason,
      tokens: { input, cached: asNumber(usage["cachedContentTokenCount"]), output },
    },
    turn: parts.filter((part) => part["thought"] !== true),
  };
}

function hear(chunks: Members[]): Answer {
  const parts: Members[] = [];
  let reason: string | undefined;
  let usage: Members | undefined;
  for (const chunk of chunks) {
    if (chunk["error"] !== undefined) throw new Error(asText(asMembers(chunk["error"])["message"]));
    const [candidate = {}] = asList(chunk["candidates"]);
    parts.push(...asList(asMembers(candidate["content"])["parts"]));
    if (chunk["usageMetadata"] !== undefined) usage = asMembers(chunk["usageMetadata"]);
    const blocked = asMembers(chunk["promptFeedback"])["blockReason"];
    if (candidate["finishReason"] || blocked) reason = asText(candidate["finishReason"] ?? blocked);
  }
  insist(reason !== undefined && usage !== undefined, "a stream without its end");
  return heardOf(parts, reason, usage);
}

export const gemini: Client = {
  path: (stream) => `/v1beta/models/sonnet:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
  write(lines, settings, _stream, turns) {
    const start = lines.findIndex(({ by }) => by !== "system");
    const nameOf = new Map(
      lines.flatMap((line) => (line.by === "model" ? (line.calls ?? []) : [])).map(({ id, name }) => [id, name]),
    );
    const system = lines.slice(0, start).flatMap((line) => (line.by === "system" ? [{ text: line.text }] : []));
    const contents = lines.slice(start).map((line, at): Json => {
      if (line.by === "system") throw new Error("Gemini has one system prompt");
      const parts = turns.get(start + at) ?? partsOf(line, nameOf);
      return { role: line.by === "model" ? "model" : "user", parts };
    });
    return {
      ...(system.length === 0 ? {} : { systemInstruction: { parts: system } }),
      contents,
      ...settingsOf(settings),
    };
  },
  thought(turn, proof) {
    const [first = {}, ...rest] = asList(turn);
    return [{ ...first, thoughtSignature: proof }, ...rest];
  },
  hear: (body) => hear([body]),
  hearStream: (sse) =>
    hear(
      eventsOf(sse).map(({ name, data }) => {
        insist(name === "", "an event with a name");
        return asMembers(parseJson(data));
      }),
    ),
  failure: (body) => asText(asMembers(body["error"])["message"]),
};
