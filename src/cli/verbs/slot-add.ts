// `broke slot add <id> [--title T] [--alias name]… [--client C]`: a slot of your own.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Add a slot of your own",
  args: {
    id: { type: "positional", description: "its name" },
    title: { type: "string", description: "what it is shown as", valueHint: "text" },
    alias: { type: "string", description: "another name clients ask for; may be given again", valueHint: "name" },
    client: { type: "string", description: "whose it is", valueHint: "claude|codex|gemini" },
    json: { type: "boolean", description: "print JSON" },
  },
  repeated: ["alias"],
  async run({ values, flags }) {
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { addSlot } = await import("#src/routing/edit-policies.ts");
    const id = values["id"]![0]!;
    const said = values["client"]?.[0];
    const client = (["claude", "codex", "gemini"] as const).find((known) => known === said) ?? null;
    if (said !== undefined && client === null)
      throw new BrokeError("usage", "unknown client", "claude, codex or gemini");
    const slot = { client, title: values["title"]?.[0] ?? id, aliases: values["alias"] ?? [] };
    const { id: generation } = await edited(openState(), ({ generations }) =>
      generations.commit(`slot add ${id}`, (routing) => addSlot(routing, id, slot)),
    );
    if (flags.has("json")) answerJson({ generation, slot: { id, ...slot } });
    else answer(`added ${id}; \`broke swap ${id}=<backend>\` lets a backend answer for it`);
    return 0;
  },
};
