// Gemini CLI as a client. Facts: observed on 0.61.0.
// Its workspace settings win over the user's and run hooks and servers at start, trusted or not in headless use: it must not see them.
// Does not stop: GEMINI.md files of the workspace from being read to the model.

import { type Client, type ClientContext, dir, ownArgs, withoutOptions } from "./client.ts";
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

const gatewaySettings = {
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

/** Where its models are its provider's own, it names and tries them itself. */
function settings({ direct }: ClientContext) {
  if (direct === undefined) return gatewaySettings;
  const { model: _model, modelConfigs: _configs, security, ...rest } = gatewaySettings;
  const selectedType = direct.kind === "login" ? "oauth-personal" : "gemini-api-key";
  return { ...rest, security: { ...security, auth: { selectedType } } };
}

/** How it reaches them: the gateway with the run's token, its provider with a key that was lent, or with the user's login, which is in files. */
function access({ direct, gatewayUrl, token }: ClientContext): Record<string, string> {
  if (direct === undefined) return { GOOGLE_GEMINI_BASE_URL: gatewayUrl, GEMINI_API_KEY: token };
  return direct.kind === "key" ? { GEMINI_API_KEY: direct.key } : {};
}

export const gemini: Client = {
  id: "gemini",
  binary: "gemini",
  install: "npm install -g @google/gemini-cli",
  script: true,
  reservedArgs: [],
  args: geminiArgs,
  goOn: (prompt, given) => [
    ...withoutOptions(given, /^--(session-id|resume)=/, /^(-r|--(session-id|resume))$/),
    ...["--resume", "latest", `--prompt=${prompt}`],
  ],
  env: (context) => ({
    ...access(context),
    GEMINI_CLI_TRUST_WORKSPACE: "true",
    GEMINI_CLI_NO_RELAUNCH: "1",
    // It tells its model, and shows in its footer, that there is one.
    ...(context.confined ? { SANDBOX: "broke" } : {}),
  }),
  direct: { host: "generativelanguage.googleapis.com", keyEnv: "GEMINI_API_KEY" },
  login: {
    hosts: ["cloudcode-pa.googleapis.com", "oauth2.googleapis.com"],
    files: [".gemini/oauth_creds.json", ".gemini/google_accounts.json"],
  },
  homeFiles: (context) => ({
    ".gemini/settings.json": JSON.stringify(settings(context)),
    ...(context.direct?.kind === "login" ? context.direct.files : {}),
  }),
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
