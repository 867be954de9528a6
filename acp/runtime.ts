// What a session needs of whatever answers its prompts: a client that lives in the sandbox of a run. Each runtime speaks its own protocol inward; a
// session knows only this.

import type { AvailableCommand, McpServerStdio, ToolCallUpdate, ToolKind } from "@agentclientprotocol/sdk";
import type { ModelRequest } from "#harness/ports.ts";
import type { WatchedTree } from "#harness/supervise.ts";
import type { Roles } from "#harness/roles/told.ts";
import type { Json } from "#src/core/json.ts";
import type { PutQuestion } from "./question.ts";
import type { EditorFiles } from "./editor-files.ts";
import type { Mode } from "./modes.ts";
import type { PromptBlock, SessionUpdate, StopReason } from "./schema.ts";

/** A tool that wants to be used. */
export type Ask = { toolCall: ToolCallUpdate; kind: ToolKind };

/** One prompt on its way. What comes after its end is nobody's. */
export type Turn = {
  /** Resolves when it is out: whoever awaits it is as slow as the editor. */
  update(update: SessionUpdate): Promise<void>;
  /** What a command that is going on has printed. */
  printed(toolCallId: string, text: string): void;
  /** Whether the tool may be used. Never rejects: what cannot be asked may not. */
  permit(ask: Ask): Promise<boolean>;
  /** Aborted when the turn is to end. */
  signal: AbortSignal;
};

export type AgentRuntime = {
  /** Resolves with why the turn ended. Rejects when the runtime cannot go on. */
  prompt(blocks: readonly PromptBlock[], turn: Turn): Promise<StopReason>;
  /** Ends it and everything it started; resolves when nothing of it is left. */
  close(): Promise<void>;
  /** Resolves when it has ended, however that was. */
  ended: Promise<void>;
};

/** Is told of the run a runtime lives in: by the supervisor, whatever the client says of itself. */
export type RunWatch = {
  /** `record` writes into its ledger. */
  began(run: string, record: (event: string, data: Record<string, Json>) => void, tree: WatchedTree): void;
  /** A model is asked; `asked` tells of it when it is over. */
  asking(): void;
  asked(request: ModelRequest): void;
  ended(run: string, verdict: string): void;
};

/** What a session asks for. `transcript`: what was said before in words, where the runtime cannot know. */
export type RuntimeOptions = {
  cwd: string;
  lane: string;
  model: string;
  sandbox: string;
  policy: string;
  mode: Mode;
  transcript: string;
  /** What lanes said of the work in it, by role; asked when its run is over. */
  opinions?: () => Roles;
  /** How hard the model is to think; undefined: as it does by itself. */
  effort: string | undefined;
  /** The editor's MCP servers: they live in the sandbox, beside the client; their names are such as every client takes. */
  servers: readonly McpServerStdio[];
  watch: RunWatch;
  /** Puts what the sandbox asks about to the person at the editor. */
  question: PutQuestion;
  /** The files as the editor has them. */
  files: EditorFiles;
  /** Told of the client's own slash commands. */
  onCommands(commands: AvailableCommand[]): void;
  /** Aborted when it has taken too long, or nobody waits for it any more. */
  signal: AbortSignal;
};

/** Starts one. Throws `BrokeError` where that cannot be. */
export type StartRuntime = (options: RuntimeOptions) => Promise<AgentRuntime>;
