// Gemini CLI as a client. Facts: observed on 0.61.0.
// Its workspace settings win over the user's and run hooks and servers at start, trusted or not in headless use: it must not see them.
// Does not stop: GEMINI.md files of the workspace from being read to the model.

import { type Client, type ClientContext, dir, ownArgs } from "./client.ts";
import { modelOverrides } from "./gemini-models.ts";

// It takes every unknown model for one of a million tokens and compresses at a share of that: here at about 150000.
const COMPRESSION_SHARE = 0.15;

const APPROVAL_ARGS = /^(-y|--yolo|--approval-mode)(=|$)/;
const SUBCOMMANDS = ["mcp", "extensions", "extension", "skills", "skill", "hooks", "hook", "gemma"];

/** Where the sandbox holds it, nobody is asked; without a terminal it would hide most tools instead of asking. */
function geminiArgs(given: string[], { confined }: ClientContext): string[] {
  const chosen = ownArgs(given).some((arg) => APPROVAL_ARGS.test(arg)) || SUBCOMMANDS.includes(given[0] ?? "");
  return confined && !chosen ? ["--approval-mode", "yolo", ...given] : given;
}

const settings = {
  general: {
    enableAutoUpdate: false,
    enableAutoUpdateNotification: false,
    // The gateway has tried the others already.
    maxAttempts: 2,
    // The clean-up takes empty stubs of a resumed session for damage and removes the session itself.
    sessionRetention: { enabled: false },
  },
  // By its own environment variables it would choose an authentication that it then refuses without a terminal.
  security: {
    auth: { selectedType: "gemini-api-key" },
    environmentVariableRedaction: { enabled: true, blocked: ["GEMINI_API_KEY"] },
    folderTrust: { enabled: true },
  },
  model: { name: "geminipro", compressionThreshold: COMPRESSION_SHARE },
  modelConfigs: { customOverrides: modelOverrides },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
  ide: { enabled: false, hasSeenNudge: true },
  tools: { shell: { enableInteractiveShell: false } },
  advanced: { autoConfigureMemory: false, ignoreLocalEnv: true },
  experimental: { gemma: false, gemmaModelRouter: { enabled: false } },
};

export const gemini: Client = {
  id: "gemini",
  binary: "gemini",
  install: "npm install -g @google/gemini-cli",
  script: true,
  reservedArgs: [],
  args: geminiArgs,
  env: (context) => ({
    GOOGLE_GEMINI_BASE_URL: context.gatewayUrl,
    GEMINI_API_KEY: context.token,
    GEMINI_CLI_TRUST_WORKSPACE: "true",
    GEMINI_CLI_NO_RELAUNCH: "1",
    // It tells its model, and shows in its footer, that there is one.
    ...(context.confined ? { SANDBOX: "broke" } : {}),
  }),
  homeFiles: () => ({ ".gemini/settings.json": JSON.stringify(settings) }),
  readOnly: {
    files: [".gemini/settings.json"],
    dirs: [".gemini/extensions", ".gemini/commands", ".gemini/policies", ".gemini/skills", ".gemini/agents"],
  },
  hidden: [".gemini"],
  keep: [".gemini/tmp"],
  userState: {
    folder: ".gemini",
    shared: [dir("tmp")],
    // Other versions keep a program there that they run.
    held: ["tmp/bin"],
    // `history` are git repositories, whose settings name programs.
    own: /^(history|installation_id|state\.json|.*\.lock)$/,
    copied: ["projects.json"],
    secret: /^(oauth_creds|google_accounts|gemini-credentials|mcp-oauth-tokens(-v2)?|a2a-oauth-tokens)\.json$|^\.env/,
  },
};
