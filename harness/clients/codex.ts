// Codex as a client. Facts: observed on 0.169.0, every setting under `--strict-config`.
// Does not stop: the user's own arguments from setting anything anew (`-c`); where the sandbox holds Codex that leads nowhere but to the gateway.

import { existsSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Client, type ClientContext, dir, file, ownArgs, type Program } from "./client.ts";
import { codexCatalogue } from "./codex-models.ts";

const TOKEN_VARIABLE = "GATEWAY_TOKEN";
const KEY_VARIABLE = "OPENAI_API_KEY";
const DIRECT_HOST = "api.openai.com";

const platforms: Partial<Record<NodeJS.Architecture, { name: string; target: string }>> = {
  x64: { name: "codex-linux-x64", target: "x86_64-unknown-linux-musl" },
  arm64: { name: "codex-linux-arm64", target: "aarch64-unknown-linux-musl" },
};

/** The native program behind npm's script (which costs 250 ms and a node), with the tools it brings along. */
export function codexProgram(found: string): Program {
  const platform = platforms[process.arch];
  const scope = dirname(dirname(dirname(found)));
  const folders = platform === undefined ? [] : [join(dirname(dirname(found)), "node_modules", "@openai"), scope];
  for (const folder of [
    ...folders.map((at) => join(at, platform!.name, "vendor", platform!.target)),
    dirname(dirname(found)),
  ]) {
    const path = join(folder, "bin", "codex");
    if (existsSync(path) && existsSync(join(folder, "codex-path")))
      return { path: realpathSync(path), folder: realpathSync(folder) };
  }
  return { path: found };
}

const VALUE_OPTIONS =
  /^(-[cmpsaCi]|--(config|model|profile|sandbox|ask-for-approval|cd|image|add-dir|enable|disable|remote|remote-auth-token-env|local-provider))$/;

/** Index of the first word that is neither an option nor an option's value; -1 when there is none. */
function subcommandAt(given: string[]): number {
  return ownArgs(given).findIndex((arg, index) => !arg.startsWith("-") && !VALUE_OPTIONS.test(given[index - 1] ?? ""));
}

function codexArgs(given: string[], { gatewayUrl, direct }: ClientContext): string[] {
  const at = subcommandAt(given);
  const isExec = given[at] === "exec" || given[at] === "e";
  // It refuses to work outside a git repository it trusts, and we let it trust none.
  const skip = isExec && !given.includes("--skip-git-repo-check") ? ["--skip-git-repo-check"] : [];
  // The port is known when the sandbox stands, so no file can hold it.
  const base = direct === undefined ? ["-c", `model_providers.gateway.base_url="${gatewayUrl}/v1"`] : [];
  return [...base, ...given.toSpliced(at + 1, 0, ...skip)];
}

/**
 * Where our sandbox holds it, nobody is asked. Where not, it is held by its own; that one cannot be built inside a namespace without further
 * ones, so every command then fails until the user lets it run without.
 */
const permissions = ({ confined }: ClientContext) =>
  confined
    ? { approval_policy: "never", sandbox_mode: "danger-full-access" }
    : { approval_policy: "on-request", sandbox_mode: "workspace-write" };

/** Where its models are: our slots, or its provider's own by a key that was lent. */
function models({ home, direct }: ClientContext) {
  if (direct !== undefined) {
    const base_url = `https://${DIRECT_HOST}/v1`;
    const own = { name: "direct", base_url, env_key: KEY_VARIABLE, wire_api: "responses" };
    return { model_provider: "direct", model_providers: { direct: own } };
  }
  const gateway = {
    name: "gateway",
    env_key: TOKEN_VARIABLE,
    wire_api: "responses",
    // The gateway has tried the others already.
    request_max_retries: 0,
    stream_max_retries: 2,
  };
  const names = { model: "gpt54", review_model: "gpt54", model_catalog_json: `${home}/.codex/models.json` };
  return { ...names, model_provider: "gateway", model_providers: { gateway } };
}

function config(context: ClientContext) {
  return {
    ...models(context),
    ...permissions(context),
    allow_login_shell: false,
    web_search: "disabled",
    check_for_update_on_startup: false,
    shell_environment_policy: {
      inherit: "all",
      ignore_default_excludes: true,
      exclude: [context.direct === undefined ? TOKEN_VARIABLE : KEY_VARIABLE],
    },
    // A repository's own .codex (settings, servers, hooks) is not loaded unless it was opened by name.
    projects: { [context.workspace]: { trust_level: context.opened.includes(".codex") ? "trusted" : "untrusted" } },
    skills: { bundled: { enabled: false } },
    analytics: { enabled: false },
    feedback: { enabled: false },
    otel: { exporter: "none", trace_exporter: "none", metrics_exporter: "none" },
    agents: { enabled: false },
    features: {
      apps: false,
      daemon_auto_start: false,
      goals: false,
      hooks: false,
      image_generation: false,
      memories: false,
      plugins: false,
      remote_plugin: false,
      skill_mcp_dependency_install: false,
      tool_suggest: false,
      unbounded_connection_retries: false,
    },
  };
}

export const codex: Client = {
  id: "codex",
  binary: "codex",
  install: "npm install -g @openai/codex",
  program: codexProgram,
  script: false,
  reservedArgs: ["--oss", "--local-provider", "--remote", "--remote-auth-token-env"],
  args: codexArgs,
  goOn: (prompt, given) => ["exec", ...given, "resume", "--last", "--", prompt],
  direct: { host: DIRECT_HOST, keyEnv: KEY_VARIABLE },
  env: ({ home, direct, token }) => ({
    CODEX_HOME: `${home}/.codex`,
    ...(direct?.kind === "key" ? { [KEY_VARIABLE]: direct.key } : { [TOKEN_VARIABLE]: token }),
  }),
  homeFiles: (context) => ({
    ".codex/config.toml": Bun.TOML.stringify(config(context)),
    ".codex/models.json": codexCatalogue(context.slots),
  }),
  readOnly: {
    files: [".codex/config.toml", ".codex/models.json"],
    dirs: [".codex/rules", ".codex/plugins", ".codex/prompts", ".codex/hooks"],
  },
  hidden: [],
  keep: [".codex/sessions"],
  userState: {
    folder: ".codex",
    shared: [dir("sessions"), file("history.jsonl")],
    held: [],
    // `tmp` holds a folder that is first on the PATH of each Codex that runs, the snapshots are read by its shells, and a database that two
    // see through different folders breaks.
    own: /^(.*\.sqlite(-wal|-shm|-journal)?|tmp|\.tmp|shell_snapshots|cache|log|installation_id|version\.json|models_cache\.json|thread-writer-locks|db-backups|\.sandbox_migration|.*\.lock)$/,
    copied: [],
    secret: /^(auth\.json|\.credentials\.json|\.env)/,
  },
};
