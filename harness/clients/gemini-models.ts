// Which slot answers for each of Gemini CLI's models and inner aliases (classifier, summarizer, loop detection, …). Its own table stays as
// it is, with the settings it has for each alias; only the model's name is put in its place.
// Names: DEFAULT_MODEL_CONFIGS of 0.61.0. A name that is not here goes out as it is; the gateway knows it by its pattern.

const aliases: Record<string, string[]> = {
  geminipro: [
    ...["gemini-3-pro-preview", "gemini-3.1-pro-preview", "gemini-3.1-pro-preview-customtools", "gemini-2.5-pro"],
    ...[
      "loop-detection-double-check",
      "chat-compression-3-pro",
      "chat-compression-2.5-pro",
      "chat-compression-default",
    ],
  ],
  geminiflash: [
    ...["gemini-3-flash-preview", "gemini-3.5-flash", "gemini-3.8-flash", "gemini-2.5-flash"],
    ...["gemini-2.5-flash-base", "gemini-3-flash-base", "gemini-3.5-flash-base"],
    ...["chat-compression-3-flash", "chat-compression-2.5-flash", "agent-history-provider-summarizer"],
    ...["gemma-4-31b-it", "gemma-4-26b-a4b-it"],
  ],
  geminilite: [
    ...["gemini-3.1-flash-lite-preview", "gemini-3.1-flash-lite", "gemini-3.5-flash-lite", "gemini-2.5-flash-lite"],
    ...["classifier", "prompt-completion", "fast-ack-helper", "edit-corrector"],
    ...["summarizer-default", "summarizer-shell", "chat-compression-3.1-flash-lite", "chat-compression-2.5-flash-lite"],
  ],
};

/** `modelConfigs.customOverrides` of the settings. */
export const modelOverrides = Object.entries(aliases).flatMap(([slot, names]) =>
  names.map((name) => ({ match: { model: name }, modelConfig: { model: slot } })),
);
