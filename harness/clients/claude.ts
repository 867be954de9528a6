// Claude Code as a client. Facts: observed on 2.1.197 and 2.1.330.
// Does not stop: what Claude Code writes into a transcript, which outlives the run.

import { type Client, type ClientContext, dir, file, ownArgs, withoutOptions } from "./client.ts";

// Every name Claude Code resolves to a model must be a slot, or real model ids leak out as unknown models.
const claudeSlots = {
  ANTHROPIC_MODEL: "sonnet",
  ANTHROPIC_DEFAULT_SONNET_MODEL: "sonnet",
  ANTHROPIC_DEFAULT_OPUS_MODEL: "opus",
  ANTHROPIC_DEFAULT_HAIKU_MODEL: "haiku",
  ANTHROPIC_DEFAULT_FABLE_MODEL: "opus",
  ANTHROPIC_SMALL_FAST_MODEL: "haiku",
};

/** What it asks for where there is somebody who answers: without one it would ask for nobody. */
const servedSlots = { subagent: "CLAUDE_CODE_SUBAGENT_MODEL", custom: "ANTHROPIC_CUSTOM_MODEL_OPTION" };

const PERMISSION_ARGS = /^--(permission-mode|permission-prompt-tool|(allow-)?dangerously-skip-permissions)(=|$)/;

/**
 * Where the sandbox holds the client, it decides and nobody is asked. Claude Code's own default asks a classifier on Anthropic's servers, which
 * no other provider has, and without a terminal every question becomes a refusal.
 */
function claudePermissions(given: string[], { confined }: ClientContext): string[] {
  if (!confined || ownArgs(given).some((arg) => PERMISSION_ARGS.test(arg))) return [];
  return ["--permission-mode", "bypassPermissions"];
}

/** Which settings are loaded: the home's, and of the workspace's those that were opened by name. */
function settingSources({ opened }: ClientContext): string {
  const isOpen = (file: string) => opened.includes(".claude") || opened.includes(`.claude/${file}`);
  const own = [isOpen("settings.json") ? ["project"] : [], isOpen("settings.local.json") ? ["local"] : []];
  return ["user", ...own.flat()].join(",");
}

/** Where its models are: our slots, or its provider's own by a key that was lent. */
function models(context: ClientContext): Record<string, string> {
  if (context.direct?.kind === "key") return { ANTHROPIC_API_KEY: context.direct.key };
  return {
    ...claudeSlots,
    ...Object.fromEntries(
      Object.entries(servedSlots).flatMap(([slot, name]) =>
        context.slots.some(({ id, set }) => id === slot && set === true) ? [[name, slot]] : [],
      ),
    ),
    ANTHROPIC_BASE_URL: context.gatewayUrl,
    ANTHROPIC_AUTH_TOKEN: context.token,
    // It cannot know what stands behind a slot and would assume a million tokens.
    CLAUDE_CODE_MAX_CONTEXT_TOKENS: "200000",
  };
}

export const claude: Client = {
  id: "claude",
  binary: "claude",
  install: "npm install -g @anthropic-ai/claude-code",
  script: false,
  reservedArgs: ["--setting-sources", "--settings", "--managed-settings"],
  args: (given, context) => [
    // Workspace settings may carry hooks that run and variables that redirect, also in -p; only the home's own are loaded.
    ...["--setting-sources", settingSources(context)],
    ...claudePermissions(given, context),
    ...given,
  ],
  // An id that was given must not exist yet, so a second turn goes on with the last of this folder.
  goOn: (prompt, given) => [
    ...["-p", "--continue"],
    ...withoutOptions(
      given,
      /^(-c|-p|--(continue|print|fork-session)|--(session-id|resume)=.*)$/,
      /^(-r|--(session-id|resume))$/,
    ),
    ...["--", prompt],
  ],
  direct: { host: "api.anthropic.com", keyEnv: "ANTHROPIC_API_KEY" },
  env: (context) => ({
    ...models(context),
    // One folder for all of the run's own; the user's own state has its `.claude.json` (whose place the run's takes) beside it.
    ...(context.userState ? {} : { CLAUDE_CONFIG_DIR: `${context.home}/.claude` }),
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_ERROR_REPORTING: "1",
    DISABLE_INSTALLATION_CHECKS: "1",
    CLAUDE_CODE_SANDBOXED: "1",
    // The line it switches off changes with every session and defeats prefix caches.
    CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
  }),
  homeFiles: (context) => ({
    [context.userState ? ".claude.json" : ".claude/.claude.json"]: JSON.stringify({
      hasCompletedOnboarding: true,
      // It would ask whether a key from the environment may be used, and knows an answer by the key's end.
      ...(context.direct?.kind === "key"
        ? { customApiKeyResponses: { approved: [context.direct.key.slice(-20)], rejected: [] } }
        : {}),
      projects: { [context.workspace]: { hasTrustDialogAccepted: true } },
    }),
    ".claude/settings.json": JSON.stringify({ skipDangerousModePermissionPrompt: true }),
    ".claude/settings.local.json": "{}",
  }),
  readOnly: {
    files: [".claude/settings.json", ".claude/settings.local.json"],
    dirs: [".claude/hooks", ".claude/plugins", ".claude/agents", ".claude/commands", ".claude/skills"],
  },
  hidden: [],
  keep: [".claude/projects"],
  userState: {
    folder: ".claude",
    shared: [
      ...["projects", "file-history", "todos", "tasks", "plans", "paste-cache", "image-cache"].map(dir),
      file("history.jsonl"),
    ],
    held: [],
    // Of the first five 2.1.330 says itself that it runs them, or acts on them, without asking anyone.
    own: /^(jobs|daemon|daemon\.json|shell-snapshots|session-env|sessions|teams|ide|backups|cache|debug|statsig|telemetry|stats-cache\.json|mcp-needs-auth-cache\.json|.*\.lock)$/,
    copied: [],
    secret: /^\.(credentials|claude)\.json/,
  },
};
