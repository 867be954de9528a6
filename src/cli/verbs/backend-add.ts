// `broke backend add <label> …`.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer } from "../output.ts";
import { parsePrice } from "../price.ts";

export const verb: Verb = {
  description: "Add a backend: a provider's model, or any base URL with a declared dialect",
  args: {
    label: { type: "positional", description: "name you will use for it" },
    provider: { type: "string", description: "a known provider", valueHint: "id" },
    "base-url": { type: "string", description: "instead of a provider", valueHint: "url" },
    dialect: {
      type: "string",
      description: "what the base URL speaks",
      valueHint: "anthropic|openai-chat|openai-responses|gemini",
    },
    model: { type: "string", description: "the provider's name of the model", required: true, valueHint: "model" },
    "price-input": {
      type: "string",
      description: "US dollars for a million tokens it reads",
      valueHint: "usd",
    },
    "price-output": { type: "string", description: "and that it writes", valueHint: "usd" },
    "price-cached": { type: "string", description: "and that its cache serves, if less", valueHint: "usd" },
    "key-env": { type: "string", description: "variable that holds the key", valueHint: "NAME" },
    quirk: {
      type: "string",
      description: "what it takes beyond or short of its dialect, as in reasoningContent=true; any number of times",
      valueHint: "name=value",
    },
  },
  repeated: ["quirk"],
  apart: { provider: ["base-url"] },
  async run({ values }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { addBackend } = await import("#src/routing/edit.ts");
    const { dialects } = await import("#src/core/dialects.ts");
    const asked = values.dialect?.[0];
    const dialect = dialects.find((known) => known === asked) ?? null;
    if (asked !== undefined && dialect === null)
      throw new BrokeError("usage", "unknown dialect", `use one of: ${dialects.join(", ")}`);
    const label = values.label![0]!;
    const { parseQuirks } = await import("#src/routing/quirk-words.ts");
    const quirks = parseQuirks(values.quirk ?? []);
    await edited(openState(), ({ generations }) =>
      generations.commit(`backend add ${label}`, (routing) =>
        addBackend(routing, {
          label,
          provider: values.provider?.[0] ?? null,
          baseUrl: values["base-url"]?.[0] ?? null,
          dialect,
          model: values.model![0]!,
          keyEnv: values["key-env"]?.[0] ?? null,
          price: parsePrice(values),
          ...(quirks === undefined ? {} : { quirks }),
        }),
      ),
    );
    answer(`added ${label}; \`broke swap <slot>=${label}\` uses it`);
    return 0;
  },
};
