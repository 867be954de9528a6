// The one table of clients.

import { BrokeError } from "#src/core/errors.ts";
import { agent } from "./clients/agent.ts";
import { claude } from "./clients/claude.ts";
import type { Client, ClientId } from "./clients/client.ts";
import { codex } from "./clients/codex.ts";
import { exec } from "./clients/exec.ts";
import { gemini } from "./clients/gemini.ts";

const clients: Record<ClientId, Client> = { claude, codex, gemini, agent, exec };

export const clientIds = ["claude", "codex", "gemini", "agent", "exec"] as const satisfies ClientId[];

/** The client of that name. Throws `usage` for any other. */
export function clientOf(name: string): Client {
  const id = clientIds.find((known) => known === name);
  if (id === undefined) throw new BrokeError("usage", "unknown client", `use one of: ${clientIds.join(", ")}`);
  return clients[id];
}
