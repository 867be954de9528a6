// Canonical tools and the choice among them → Gemini's, shaped by what the backend takes.

import type { Json } from "#src/core/json.ts";
import type { CanonicalRequest, Tool } from "../canonical.ts";
import { customSchema } from "../custom.ts";
import type { LossList } from "../losses.ts";
import type { ToolNames } from "../names.ts";
import type { Quirks } from "../quirks.ts";
import { stripKeywords } from "../schema-keywords.ts";
import { searchLimits } from "../web-search.ts";

type Body = { [key: string]: Json };

function declaration(
  tool: Exclude<Tool, { kind: "server" }>,
  path: string,
  names: ToolNames,
  quirks: Quirks,
  losses: LossList,
): Body {
  if (tool.kind === "function" && tool.strict === true) {
    losses.add(path, "strictness of a tool", "Gemini has no such setting");
  }
  const schema = tool.kind === "custom" ? customSchema(tool) : stripKeywords(tool.schema, quirks.schemaKeywords);
  return {
    name: names.out(tool.name, tool.namespace),
    ...(tool.description === undefined ? {} : { description: tool.description }),
    // Google's own schema language refuses much of what tools are described with; this member takes JSON Schema.
    parametersJsonSchema: schema,
  };
}

/** Why the backend will not run this; undefined when it will. */
function refusal(tool: Tool & { kind: "server" }, functions: number, quirks: Quirks): string | undefined {
  if (tool.hosted === undefined || !quirks.hosted.includes(tool.hosted)) return "the backend does not run it";
  return functions > 0 ? "Gemini searches only where a client has no tools of its own" : undefined;
}

function encodeChoice(request: CanonicalRequest, functions: number, names: ToolNames, losses: LossList): Body {
  const { toolChoice: choice, parallelToolCalls } = request;
  if (functions === 0) {
    if (choice?.kind === "tool" || choice?.kind === "required") {
      losses.add("tool_choice", "forced tool", "no tool could be carried");
    }
    return {};
  }
  if (parallelToolCalls === false) {
    losses.add("tool_choice", "disable_parallel_tool_use", "Gemini has no such setting");
  }
  const config = (members: Body): Body => ({ toolConfig: { functionCallingConfig: members } });
  switch (choice?.kind) {
    case undefined:
      return {};
    case "auto":
      return config({ mode: "AUTO" });
    case "none":
      return config({ mode: "NONE" });
    case "required":
      return config({ mode: "ANY" });
    case "tool": {
      const known = request.tools.some(
        (tool) => tool.kind !== "server" && tool.name === choice.name && tool.namespace === choice.namespace,
      );
      if (known) return config({ mode: "ANY", allowedFunctionNames: [names.out(choice.name, choice.namespace)] });
      losses.add("tool_choice", "forced tool", "the tool itself could not be carried");
      return {};
    }
  }
}

/** `tools` and `toolConfig`. */
export function encodeTools(
  request: CanonicalRequest,
  names: ToolNames,
  quirks: Quirks,
  losses: LossList,
): { members: Body; functions: number } {
  const functions = request.tools.flatMap((tool, index): Body[] =>
    tool.kind === "server" ? [] : [declaration(tool, `tools[${index}]`, names, quirks, losses)],
  );
  let search = false;
  request.tools.forEach((tool, index) => {
    if (tool.kind !== "server") return;
    const why = refusal(tool, functions.length, quirks);
    if (why !== undefined) return losses.add(`tools[${index}]`, `tool ${tool.type}`, why);
    search = true;
    for (const key of Object.keys(searchLimits(tool))) {
      losses.add(`tools[${index}].${key}`, `${key} of a web search`, "Google's search has no such limit");
    }
  });
  const tools: Body[] =
    functions.length > 0 ? [{ functionDeclarations: functions }] : search ? [{ googleSearch: {} }] : [];
  return {
    members: {
      ...(tools.length === 0 ? {} : { tools }),
      ...encodeChoice(request, functions.length, names, losses),
    },
    functions: functions.length,
  };
}
