// The one table of clients: how each is found, started, pointed at the gateway, and kept from loading what a workspace wants it to run.
// Facts about Claude Code: observed on 2.1.197 and 2.1.330.

import { BrokeError } from "#src/core/errors.ts";

export type ClientId = "claude" | "exec";

/** What a client's set-up may depend on; all paths are as seen from inside. */
export type ClientContext = {
  home: string;
  workspace: string;
  gatewayUrl: string;
  token: string;
  terminal: boolean;
  /** Whether the sandbox, and not the client's own questions, is what holds the client. */
  confined: boolean;
};

export type Client = {
  id: ClientId;
  /** Executable name to look for; undefined when the command is given by the caller. */
  binary: string | undefined;
  install: string;
  /** Arguments the client may not be given, because broke sets them. */
  reservedArgs: string[];
  args(given: string[], context: ClientContext): string[];
  env(context: ClientContext): Record<string, string>;
  /** Files written into the run's client home before each launch; `readOnly` ones (and folders) are mounted so. */
  homeFiles(context: ClientContext): Record<string, string>;
  readOnly: { files: string[]; dirs: string[] };
  /** What outlives the run in the client home (its transcripts). */
  keep: string[];
};

// Every name Claude Code resolves to a model must be a slot, or real model ids leak out as unknown models.
const claudeSlots = {
  ANTHROPIC_MODEL: "sonnet",
  ANTHROPIC_DEFAULT_SONNET_MODEL: "sonnet",
  ANTHROPIC_DEFAULT_OPUS_MODEL: "opus",
  ANTHROPIC_DEFAULT_HAIKU_MODEL: "haiku",
  ANTHROPIC_DEFAULT_FABLE_MODEL: "opus",
  ANTHROPIC_SMALL_FAST_MODEL: "haiku",
};

const PERMISSION_ARGS = /^--(permission-mode|permission-prompt-tool|(allow-)?dangerously-skip-permissions)(=|$)/;

/**
 * Where the sandbox holds the client, it decides and nobody is asked. Claude Code's own default asks a classifier on Anthropic's servers, which
 * no other provider has, and without a terminal every question becomes a refusal.
 */
function claudePermissions(given: string[], { confined }: ClientContext): string[] {
  if (!confined || given.some((arg) => PERMISSION_ARGS.test(arg))) return [];
  return ["--permission-mode", "bypassPermissions"];
}

const claude: Client = {
  id: "claude",
  binary: "claude",
  install: "npm install -g @anthropic-ai/claude-code",
  reservedArgs: ["--setting-sources", "--settings", "--managed-settings"],
  args: (given, context) => [
    // Workspace settings may carry hooks that run and variables that redirect, also in -p; only the home's own are loaded.
    ...["--setting-sources", "user"],
    ...claudePermissions(given, context),
    ...given,
  ],
  env: (context) => ({
    ...claudeSlots,
    CLAUDE_CONFIG_DIR: `${context.home}/.claude`,
    ANTHROPIC_BASE_URL: context.gatewayUrl,
    ANTHROPIC_AUTH_TOKEN: context.token,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_ERROR_REPORTING: "1",
    DISABLE_INSTALLATION_CHECKS: "1",
    CLAUDE_CODE_SANDBOXED: "1",
    // The line it switches off changes with every session and defeats prefix caches.
    CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
    // It cannot know what stands behind a slot and would assume a million tokens.
    CLAUDE_CODE_MAX_CONTEXT_TOKENS: "200000",
  }),
  homeFiles: (context) => ({
    ".claude/.claude.json": JSON.stringify({
      hasCompletedOnboarding: true,
      projects: { [context.workspace]: { hasTrustDialogAccepted: true } },
    }),
    ".claude/settings.json": JSON.stringify({ skipDangerousModePermissionPrompt: true }),
    ".claude/settings.local.json": "{}",
  }),
  readOnly: {
    files: [".claude/settings.json", ".claude/settings.local.json"],
    dirs: [".claude/hooks", ".claude/plugins", ".claude/agents", ".claude/commands", ".claude/skills"],
  },
  keep: [".claude/projects"],
};

const exec: Client = {
  id: "exec",
  binary: undefined,
  install: "",
  reservedArgs: [],
  args: (given) => given,
  env: (context) => ({ ANTHROPIC_BASE_URL: context.gatewayUrl, ANTHROPIC_AUTH_TOKEN: context.token }),
  homeFiles: () => ({}),
  readOnly: { files: [], dirs: [] },
  keep: [],
};

const clients: Record<ClientId, Client> = { claude, exec };

/** The client of that name. Throws `usage` for any other. */
export function clientOf(name: string): Client {
  if (!Object.hasOwn(clients, name)) {
    throw new BrokeError("usage", "unknown client", `use one of: ${Object.keys(clients).join(", ")}`);
  }
  return clients[name as ClientId];
}
