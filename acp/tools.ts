// The tool calls of one turn: which of them are open, so that none is left so when the turn is answered.

import type { SessionUpdate } from "./schema.ts";

export type OpenTools = {
  /** Takes note of an update. */
  see(update: SessionUpdate): void;
  isKnown(id: string): boolean;
  /** Updates that close what is open. */
  close(): SessionUpdate[];
};

/** Starts with none. */
export function trackTools(): OpenTools {
  const open = new Set<string>();
  const known = new Set<string>();
  return {
    see(update) {
      if (update.sessionUpdate !== "tool_call" && update.sessionUpdate !== "tool_call_update") return;
      const { toolCallId, status } = update;
      known.add(toolCallId);
      if (status === "completed" || status === "failed") open.delete(toolCallId);
      else if (update.sessionUpdate === "tool_call" || status != null) open.add(toolCallId);
    },
    isKnown: (id) => known.has(id),
    close() {
      const updates = [...open].map((toolCallId) => ({
        ...{ sessionUpdate: "tool_call_update" as const, toolCallId, status: "failed" as const },
      }));
      open.clear();
      return updates;
    },
  };
}
