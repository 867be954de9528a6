// What Google understands of a request, and what it refuses ("Function calling", "Thought signatures" in its documentation).

import {
  asList,
  asMembers,
  asText,
  type Backend,
  type Call,
  given,
  insist,
  joined,
  type Line,
  type Members,
  type Paper,
  type Result,
  type Settings,
  type Thought,
} from "../words.ts";

const NAME = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}$/;

function said(parts: Members[], between = "\n\n"): { text?: string; shows?: string[]; file?: Paper } {
  const texts = parts.flatMap((part) => (typeof part["text"] === "string" ? [part["text"]] : []));
  const blobs = parts.flatMap((part) => (part["inlineData"] === undefined ? [] : [asMembers(part["inlineData"])]));
  const isPdf = ({ mimeType }: Members) => mimeType === "application/pdf";
  const shows = blobs.filter((blob) => !isPdf(blob)).map(({ data }) => asText(data));
  const [file] = blobs.filter(isPdf);
  return {
    ...(texts.length === 0 ? {} : { text: texts.join(between) }),
    ...(shows.length === 0 ? {} : { shows }),
    ...(file === undefined ? {} : { file: { title: asText(file["displayName"]), pdf: asText(file["data"]) } }),
  };
}

function resultOf(part: Members): Result {
  const { id, response, parts } = asMembers(part["functionResponse"]);
  const { output, error } = asMembers(response);
  const { shows } = said(asList(parts));
  return {
    id: asText(id),
    text: asText(output ?? error),
    ...(shows === undefined ? {} : { shows }),
    ...(error === undefined ? {} : { failed: true as const }),
  };
}

function readModel(parts: Members[], thoughts: Thought[]): { line: Line; calls: Call[] } {
  const calls: Call[] = [];
  for (const part of parts) {
    if (part["thoughtSignature"] !== undefined) thoughts.push({ text: "", proof: asText(part["thoughtSignature"]) });
    if (part["functionCall"] === undefined) continue;
    const { id, name, args } = asMembers(part["functionCall"]);
    insist(NAME.test(asText(name)), "a name that does not fit");
    calls.push({ id: asText(id), name: asText(name), args: args ?? null });
  }
  const { text } = said(
    parts.filter((part) => part["text"] !== ""),
    "",
  );
  return {
    line: { by: "model", ...(text === undefined ? {} : { text }), ...(calls.length === 0 ? {} : { calls }) },
    calls,
  };
}

function linesOf(body: Members, thoughts: Thought[]): Line[] {
  const { text: system } = said(asList(asMembers(body["systemInstruction"])["parts"]));
  const lines: Line[] = system === undefined ? [] : [{ by: "system", text: system }];
  let open: Call[] = [];
  asList(body["contents"]).forEach(({ role, parts: given }, at) => {
    const parts = asList(given);
    insist(at > 0 || role === "user", "a conversation that does not begin with a user");
    insist(parts.length > 0, "a content without parts");
    const results = parts.filter((part) => part["functionResponse"] !== undefined).map(resultOf);
    insist(results.length === open.length, "results that are not as many as the calls");
    open = [];
    if (role === "model") {
      const { line, calls } = readModel(parts, thoughts);
      open = calls;
      return void lines.push(line);
    }
    insist(results.length === 0 || results.length === parts.length, "something beside results");
    lines.push(results.length > 0 ? { by: "tools", results } : { by: "user", ...said(parts) });
  });
  insist(open.length === 0, "a call without its result");
  return joined(lines);
}

function settingsOf(body: Members): Settings {
  const config = asMembers(body["generationConfig"]);
  const { thinkingLevel: level, thinkingBudget: budget } = asMembers(config["thinkingConfig"]);
  const { mode, allowedFunctionNames: allowed } = asMembers(asMembers(body["toolConfig"])["functionCallingConfig"]);
  const words: { [key: string]: Settings["choice"] } = { AUTO: "auto", ANY: "required", NONE: "none" };
  const declared = asList(body["tools"]).flatMap((tool) => asList(tool["functionDeclarations"]));
  return given({
    tools:
      body["tools"] === undefined
        ? undefined
        : declared.map(({ name, description, parametersJsonSchema: schema, parameters }) => {
            insist(NAME.test(asText(name)) && parameters === undefined, "a declaration that does not fit");
            return given({ name, description, schema });
          }),
    choice: Array.isArray(allowed) ? { tool: asText(allowed[0]) } : words[asText(mode)],
    limit: config["maxOutputTokens"],
    temperature: config["temperature"],
    topP: config["topP"],
    topK: config["topK"],
    stops: config["stopSequences"],
    effort: level === undefined ? undefined : asText(level).toLowerCase(),
    budget,
    format: config["responseJsonSchema"],
  });
}

export const gemini: Backend = {
  see(body) {
    const thoughts: Thought[] = [];
    insist(body["model"] === undefined && body["stream"] === undefined, "a member of another dialect");
    return { lines: linesOf(body, thoughts), thoughts, settings: settingsOf(body), marks: 0 };
  },
};
