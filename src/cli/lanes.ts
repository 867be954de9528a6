// Who may answer in a session: the clients, and our own agent with whatever answers a slot, by provider or by slot. Only what works now is offered: the one
// resolver says so, the same that the gateway goes by.

import type { Lane } from "#acp/modes.ts";
import type { Backend } from "#src/routing/backends.ts";
import { resolve } from "#src/routing/resolve.ts";
import { slots } from "#src/routing/slots.ts";
import { knownNow, type State } from "./compose.ts";

const clients: Pick<Lane, "id" | "title" | "efforts">[] = [
  { id: "claude", title: "Claude Code" },
  { id: "codex", title: "Codex", efforts: ["low", "medium", "high", "xhigh"] },
  { id: "gemini", title: "Gemini CLI" },
];
export const clientLanes: readonly Lane[] = clients.map((client) => ({
  ...client,
  models: slots.filter((slot) => slot.client === client.id).map(({ id, title }) => ({ id, title })),
}));

/** What Chat's `reasoning_effort` has in common everywhere. */
const efforts = ["low", "medium", "high"];

const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** Lanes that are named after who answers. `local`: a server on this machine. */
const providerLanes: { id: string; title: string; serves(backend: Backend): boolean }[] = [
  { id: "openrouter", title: "OpenRouter", serves: ({ provider }) => provider === "openrouter" },
  { id: "groq", title: "Groq", serves: ({ provider }) => provider === "groq" },
  { id: "cerebras", title: "Cerebras", serves: ({ provider }) => provider === "cerebras" },
  { id: "local", title: "Local models", serves: ({ baseUrl }) => LOOPBACK.test(new URL(baseUrl).hostname) },
];

/** Every lane that can answer now. */
export function lanesNow(state: State): Lane[] {
  const known = knownNow(state);
  const served = slots.flatMap(({ id, title }) => {
    const resolution = resolve({ requested: id, ...known });
    return resolution.kind === "attempts" ? [{ id, title, backend: resolution.attempts[0]!.backend }] : [];
  });
  const byProvider = providerLanes.map(({ id, title, serves }) => ({
    ...{ id, title, efforts },
    models: served.filter(({ backend }) => serves(backend)).map(({ id, title }) => ({ id, title })),
  }));
  const bySlot = served.map(({ id, title }) => ({ id, title: `${title} (slot)`, models: [{ id, title }], efforts }));
  return [...clientLanes, ...byProvider.filter(({ models }) => models.length > 0), ...bySlot];
}

/** Whether the lane is one of our own agent, whatever answers it now. */
export const isHeadless = (lane: string): boolean => !clientLanes.some(({ id }) => id === lane);
