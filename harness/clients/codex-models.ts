// Codex's model catalogue with our slots in the place of OpenAI's models. An entry decides what Codex declares to the model: here plain
// function tools and its freeform apply_patch; never code mode nor "responses lite", which no other provider understands.
// Fields: `codex debug models --bundled` of 0.169.0, the entry of gpt-5.5.

import type { SlotName } from "../ports.ts";

/** It cannot know what stands behind a slot; its own guess is 272000. */
const CONTEXT_TOKENS = 200_000;
const OUTPUT_TOKENS = 10_000;

const instructions = `You are a coding agent in a person's terminal. You share one workspace with that person and work until the task is really done.

- Look before you change: read the files that matter, find out how the project is built and tested.
- Make the smallest change that does what was asked, in the style of what is there. Mend the cause, not the symptom. Leave alone what has nothing to do with the task.
- Change files with apply_patch. Search with rg where it is there. Never undo changes you did not make.
- Commands run in a sandbox without a network. When one fails because of that, say so and go on without it.
- Check your work: run the tests or the program before you call it done, and say what you ran and what came of it.
- Say in few words what you did and what is left. Name files by their paths.`;

const efforts = { low: "Quick answers", medium: "Balanced", high: "Thorough", xhigh: "As thorough as can be" };

function entry({ id, title }: SlotName, priority: number) {
  return {
    slug: id,
    display_name: title,
    description: `Whatever the gateway's slot ${id} points at.`,
    priority,
    visibility: "list",
    supported_in_api: true,
    default_reasoning_level: "medium",
    supported_reasoning_levels: Object.entries(efforts).map(([effort, description]) => ({ effort, description })),
    default_reasoning_summary: "none",
    support_verbosity: false,
    shell_type: "unified_exec",
    apply_patch_tool_type: "freeform",
    web_search_tool_type: "text",
    input_modalities: ["text", "image"],
    truncation_policy: { mode: "tokens", limit: OUTPUT_TOKENS },
    context_window: CONTEXT_TOKENS,
    max_context_window: CONTEXT_TOKENS,
    effective_context_window_percent: 95,
    supports_parallel_tool_calls: true,
    supports_image_detail_original: false,
    supports_search_tool: false,
    use_responses_lite: false,
    experimental_supported_tools: [],
    // With a template these instructions would be ignored.
    model_messages: null,
    base_instructions: instructions,
  };
}

/** Text of the catalogue: Codex's own slots first, then every other. */
export function codexCatalogue(slots: readonly SlotName[]): string {
  const own = (slot: SlotName) => slot.client === "codex";
  const ordered = [...slots.filter(own), ...slots.filter((slot) => !own(slot))];
  return JSON.stringify({ models: ordered.map(entry) });
}
