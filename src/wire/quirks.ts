// What one backend takes beyond or short of its dialect. Data only: a new provider is a new row somewhere else, never a branch here.

export type Quirks = {
  maxTokensField: "max_tokens" | "max_completion_tokens";
  /** Takes `reasoning_effort`. */
  reasoningEffort: boolean;
  /** Wants earlier reasoning back as `reasoning_content`. */
  reasoningContent: boolean;
  /** Takes `parallel_tool_calls`. */
  parallelToolCalls: boolean;
  /** Takes `stream_options.include_usage`. */
  streamUsage: boolean;
  systemRole: "system" | "developer";
  maxToolNameLength: number;
  /** Top-level members of the request body that the backend refuses (`temperature`, `stop`, `user`, …). */
  unsupported: string[];
};

export const defaultQuirks: Quirks = {
  maxTokensField: "max_tokens",
  reasoningEffort: false,
  reasoningContent: false,
  parallelToolCalls: true,
  streamUsage: true,
  systemRole: "system",
  maxToolNameLength: 64,
  unsupported: [],
};
