// What the agent program and its session say to each other: one JSON object a line. Types and bounds only, because one end of it runs inside the sandbox
// and sees none of our other files.

/**
 * To the agent. `permit` answers an `ask`; `cancel` ends the turn that is going on. `file` answers one by its id: `done` with the text that was wanted, `own`
 * leaves it to the agent's own means, `failed` is a write nobody vouches for.
 */
export type Order =
  | { kind: "prompt"; parts: PromptPart[] }
  | { kind: "permit"; id: string; allowed: boolean }
  | { kind: "file"; id: string; outcome: "done" | "own" | "failed"; text?: string }
  | { kind: "cancel" };

export type PromptPart = { type: "text"; text: string } | { type: "image"; mimeType: string; data: string };

/** A file as it was and as it would be; `before` null where there is none. Left out where it is too long to be shown. */
export type Change = { path: string; before: string | null; after: string };

/** How a command ended. */
export type Exit = { exit_code: number | null; signal: string | null };

export const stopReasons = ["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled"] as const;

/** From the agent. `file` wants a file as the editor has it, for a tool's `call`. Ids of tools are its own: a model may use one twice. */
export type Told =
  | { kind: "text" | "thought"; text: string }
  | { kind: "tool"; id: string; name: string; input: Record<string, unknown>; change?: Change }
  | { kind: "ask"; id: string }
  | { kind: "file"; id: string; act: "read" | "write"; path: string; text?: string; call: string }
  | { kind: "started"; id: string }
  | { kind: "printed"; id: string; text: string }
  | { kind: "ended"; id: string; ok: boolean; text: string; exit?: Exit }
  | { kind: "usage"; used: number; size: number }
  | { kind: "end"; reason: (typeof stopReasons)[number] }
  | { kind: "failed"; why: string };

/** Where the gateway is, and by what it is asked: variables of the agent's alone, which no command it runs is given. */
export const URL_VARIABLE = "BROKE_AGENT_URL";
export const TOKEN_VARIABLE = "BROKE_AGENT_TOKEN";
