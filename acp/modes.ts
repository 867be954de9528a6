// What a session may do without being asked about: the modes an editor can choose, and what each means for a tool that wants to be used. Pure.

import type { SessionConfigOption, SessionModeState, ToolKind } from "@agentclientprotocol/sdk";

export const modes = ["ask", "accept_edits", "plan", "auto"] as const;
export type Mode = (typeof modes)[number];

const words: Record<Mode, { name: string; description: string }> = {
  ask: { name: "Ask", description: "Ask before anything is changed or run" },
  accept_edits: { name: "Accept edits", description: "Edit files without asking; ask before anything else" },
  plan: { name: "Plan", description: "Read only: the sandbox lets nothing be written" },
  auto: { name: "Auto", description: "Ask nobody; the sandbox decides" },
};

/** The mode of that name, if there is one. */
export const modeOf = (id: string): Mode | undefined => modes.find((mode) => mode === id);

/** Whether the sandbox has to be another one for it. */
export const needsRestart = (from: Mode, to: Mode): boolean => (from === "plan") !== (to === "plan");

const READING: ReadonlySet<ToolKind> = new Set(["read", "search", "think"]);
const EDITING: ReadonlySet<ToolKind> = new Set(["edit", "delete", "move"]);

/** What is done with a tool that wants to be used. */
export function decide(mode: Mode, kind: ToolKind): "allow" | "reject" | "ask" {
  if (mode === "auto") return "allow";
  if (mode === "plan") return READING.has(kind) || kind === "switch_mode" ? "allow" : "reject";
  return mode === "accept_edits" && EDITING.has(kind) ? "allow" : "ask";
}

/** As editors are shown it. */
export function modeState(current: Mode): SessionModeState {
  return { currentModeId: current, availableModes: modes.map((id) => ({ id, ...words[id] })) };
}

/** `thought_level`: how hard the model is to think, `default` where that is its own affair; `policy`: how strictly its run is judged. */
export type Choices = {
  lane: string;
  mode: Mode;
  model: string;
  sandbox: string;
  policy: string;
  thought_level: string;
};

/** Whether what was chosen now needs another client than what was chosen before. */
export const isOther = (a: Choices, b: Choices): boolean =>
  a.lane !== b.lane ||
  a.model !== b.model ||
  a.sandbox !== b.sandbox ||
  a.policy !== b.policy ||
  a.thought_level !== b.thought_level ||
  needsRestart(a.mode, b.mode);

/** Who may answer, each by its own slots, the first of which it begins with. */
export type Lane = {
  id: string;
  title: string;
  models: readonly { id: string; title: string }[];
  /** How hard its models can be told to think; none where they cannot. */
  efforts?: readonly string[];
};

/** What may be chosen beside the mode: of each there is always one. */
export type Available = { lanes: readonly Lane[]; sandboxes: readonly string[]; policies: readonly string[] };

/** The choices with one changed; another lane begins with its own first model. Undefined where there is no such value. */
export function chosen(choices: Choices, available: Available, what: string, value: unknown): Choices | undefined {
  const option = configOptions(choices, available).find(({ id }) => id === what);
  const isOne = option?.type === "select" && option.options.some((each) => "value" in each && each.value === value);
  if (!isOne) return undefined;
  const lane = available.lanes.find(({ id }) => what === "lane" && id === value);
  return {
    ...choices,
    [what]: value,
    ...(lane === undefined ? {} : { model: lane.models[0]!.id, thought_level: "default" }),
  };
}

/** Every option with what is chosen now. */
export function configOptions(choices: Choices, available: Available): SessionConfigOption[] {
  const select = (id: string, name: string, category: string, options: { value: string; name: string }[]) => ({
    ...{ type: "select" as const, id, name, category, options },
    currentValue: choices[id as keyof Choices],
  });
  const lane = available.lanes.find(({ id }) => id === choices.lane);
  return [
    select(
      "mode",
      "Permissions",
      "mode",
      modes.map((id) => ({ value: id, name: words[id].name })),
    ),
    select(
      "lane",
      "Agent",
      "model",
      available.lanes.map(({ id, title }) => ({ value: id, name: title })),
    ),
    select(
      "model",
      "Model",
      "model",
      (lane?.models ?? []).map(({ id, title }) => ({ value: id, name: title })),
    ),
    ...(lane?.efforts === undefined
      ? []
      : [
          select(
            "thought_level",
            "Effort",
            "thought_level",
            ["default", ...lane.efforts].map((value) => ({ value, name: value })),
          ),
        ]),
    select(
      "sandbox",
      "Sandbox",
      "_sandbox",
      available.sandboxes.map((value) => ({ value, name: value })),
    ),
    select(
      "policy",
      "Judged by",
      "_policy",
      available.policies.map((value) => ({ value, name: value })),
    ),
  ];
}

/** What was chosen once, as far as it can still be: an option that is not there any more is as usual. */
export function chosenAgain(usual: Choices, available: Available, before: Readonly<Record<string, string>>): Choices {
  const order = ["lane", "model", "thought_level", "sandbox", "policy", "mode"] as const;
  return order.reduce((choices, what) => chosen(choices, available, what, before[what]) ?? choices, usual);
}
