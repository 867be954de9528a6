import type { Json } from "#src/core/json.ts";
import { cutText, type Part, type Say, tokensOf, type Turn } from "./script.ts";
import { data, list, object, type Speaker, string } from "./speaker.ts";

function readTurn(raw: Json): Turn {
  const content = object(raw);
  const parts = list(content["parts"]).map(object);
  return {
    role: content["role"] === "model" ? "assistant" : "user",
    text: parts.map((part) => (part["thought"] === true ? "" : string(part["text"]))).join(""),
    calls: parts
      .filter((part) => "functionCall" in part)
      .map((part) => object(part["functionCall"]))
      .map((call) => ({
        id: string(call["id"]),
        name: string(call["name"]),
        args: JSON.stringify(call["args"] ?? {}),
      })),
    results: parts
      .filter((part) => "functionResponse" in part)
      .map((part) => object(part["functionResponse"]))
      .map((made) => ({ id: string(made["id"]), text: JSON.stringify(made["response"] ?? {}) })),
  };
}

function finishOf(reply: Say): string {
  if (reply.stop === "length") return "MAX_TOKENS";
  return reply.stop === "refusal" ? "SAFETY" : "STOP";
}

/** What proves a thought stands on the part behind it. */
function withProofs(reply: Say, pieces: number): Json[] {
  let proof: string | undefined;
  return reply.parts.flatMap((part) => {
    const [first, ...rest] = partsOf(part, pieces);
    const proven = first !== undefined && proof !== undefined ? { ...object(first), thoughtSignature: proof } : first;
    proof = part.kind === "thinking" ? part.signature : undefined;
    return proven === undefined ? [] : [proven, ...rest];
  });
}

function partsOf(part: Part, pieces: number): Json[] {
  switch (part.kind) {
    case "text":
      return cutText(part.text, pieces).map((text) => ({ text }));
    case "thinking":
      return cutText(part.text, pieces).map((text) => ({ text, thought: true }));
    case "tool":
      return [
        {
          functionCall: { name: part.name, args: part.input, ...(part.id === undefined ? {} : { id: part.id }) },
          thoughtSignature: "c2ln",
        },
      ];
  }
}

function usageOf(reply: Say): Json {
  const { input, output, cached } = tokensOf(reply);
  return {
    promptTokenCount: input,
    candidatesTokenCount: output,
    totalTokenCount: input + output,
    cachedContentTokenCount: cached,
  };
}

export const gemini: Speaker = {
  dialect: "gemini",
  matches: (path) => /:(stream)?[gG]enerateContent$/.test(path),
  read(raw, path) {
    const body = object(raw);
    const system = object(body["systemInstruction"] ?? body["system_instruction"]);
    const text = list(system["parts"])
      .map((part) => string(object(part)["text"]))
      .join("");
    return {
      model: /models\/([^:]+):/.exec(path)?.[1] ?? "",
      stream: path.endsWith(":streamGenerateContent"),
      history: [
        ...(text === "" ? [] : [{ role: "system" as const, text, calls: [], results: [] }]),
        ...list(body["contents"]).map(readTurn),
      ],
      tools: list(body["tools"])
        .flatMap((tool) => list(object(tool)["functionDeclarations"]))
        .map((tool) => string(object(tool)["name"])),
    };
  },
  whole: (reply, asked, id) => ({
    candidates: [
      {
        index: 0,
        content: { role: "model", parts: withProofs(reply, 1) },
        finishReason: finishOf(reply),
      },
    ],
    usageMetadata: usageOf(reply),
    modelVersion: asked.model,
    responseId: `resp_${id}`,
  }),
  frames(reply, asked, id) {
    const base = { modelVersion: asked.model, responseId: `resp_${id}` };
    const parts = withProofs(reply, reply.pieces ?? 2);
    return [
      ...parts.map((part) => data({ ...base, candidates: [{ index: 0, content: { role: "model", parts: [part] } }] })),
      data({
        ...base,
        candidates: [{ index: 0, content: { role: "model", parts: [{ text: "" }] }, finishReason: finishOf(reply) }],
        usageMetadata: usageOf(reply),
      }),
    ];
  },
  error: (status, message) => ({
    error: { code: status, message, status: status === 429 ? "RESOURCE_EXHAUSTED" : "INTERNAL" },
  }),
  errorFrame: (message) => data({ error: { code: 503, message, status: "UNAVAILABLE" } }),
};
