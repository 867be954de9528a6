// What one backend takes beyond or short of its dialect. Data only: a new provider is a new row somewhere else, never a branch here.

/** What a provider runs itself and several providers have under names of their own. */
export type Hosted = "web_search";

/** The words there are for how hard to think, lowest first. */
export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof efforts)[number];

export type Quirks = {
  maxTokensField: "max_tokens" | "max_completion_tokens";
  /** Where the dialect demands a limit and the client set none (Anthropic). */
  defaultMaxTokens: number;
  /** Takes a reasoning effort (Chat's `reasoning_effort`, Responses' `reasoning.effort`, Gemini's `thinkingLevel`). */
  reasoningEffort: boolean;
  /** The words it takes for an effort; another one becomes the next lower of these, else the lowest. */
  efforts: Effort[];
  /** Takes a number of tokens to think in beside an effort (Anthropic's `budget_tokens`). */
  thinkingBudget: boolean;
  /** How Anthropic's models are told not to think; some always do. */
  thinkingOff: "disabled" | "between_tools" | "never";
  /** Takes a choice that forces a tool (Anthropic). */
  forcedTool: boolean;
  /** Wants earlier reasoning back as `reasoning_content`. */
  reasoningContent: boolean;
  /** Takes `parallel_tool_calls`. */
  parallelToolCalls: boolean;
  /** Takes `stream_options.include_usage`. */
  streamUsage: boolean;
  systemRole: "system" | "developer";
  maxToolNameLength: number;
  /** Call ids of exactly nine letters or digits (Mistral), or any of `[a-zA-Z0-9_-]`. */
  callIds: "any" | "alnum9";
  /** Takes answers that are objects only, and tools without alternatives at the top of their schema; Anthropic and Responses always do (Chat). */
  objectSchemas: boolean;
  /** JSON Schema keywords that the backend refuses in a tool's schema. */
  schemaKeywords: string[];
  /** Tools the backend runs itself when asked by its dialect's own name for them. */
  hosted: Hosted[];
  /** Takes `prompt_cache_key`. */
  cacheKey: boolean;
  /** Takes `verbosity`. */
  verbosity: boolean;
  /** Takes tools with free text; others get a function with one text. */
  customTools: boolean;
  /** Top-level members of the request body that the backend refuses (`temperature`, `stop`, `user`, …). */
  unsupported: string[];
};

export const defaultQuirks: Quirks = {
  maxTokensField: "max_tokens",
  defaultMaxTokens: 32_000,
  reasoningEffort: false,
  efforts: ["low", "medium", "high"],
  thinkingBudget: true,
  thinkingOff: "disabled",
  forcedTool: true,
  reasoningContent: false,
  parallelToolCalls: true,
  streamUsage: true,
  systemRole: "system",
  maxToolNameLength: 64,
  callIds: "any",
  objectSchemas: false,
  schemaKeywords: [],
  hosted: [],
  cacheKey: false,
  verbosity: false,
  customTools: false,
  unsupported: [],
};

const filled = new WeakMap<Partial<Quirks>, Quirks>();

/** A backend's quirks, with what is usual where it says nothing: the same object for the same quirks. */
export function quirksOf(own: Partial<Quirks> | undefined): Readonly<Quirks> {
  if (own === undefined) return defaultQuirks;
  let quirks = filled.get(own);
  if (quirks === undefined) filled.set(own, (quirks = { ...defaultQuirks, ...own }));
  return quirks;
}
