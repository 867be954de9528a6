// Who is compared: our server, by each of its lanes, and the vendors' own adapters with the clients that our lanes drive, each installed in a scratch folder at
// the version named here, never in ours. They speak to the bench's model directly, ours through its gateway.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LAUNCHER, makeBench, ROOT } from "#test/support/broke.ts";
import type { Start } from "./client.ts";

export type Contender = {
  name: string;
  /** What it is held against: those of one client. */
  client: "claude" | "codex" | "gemini" | "own";
  start: Start;
  /** Options of a session that it needs. */
  options: Record<string, string>;
};

const NODE = `node-linux-${process.arch}`;
const ADAPTERS = {
  "@agentclientprotocol/claude-agent-acp": "0.101.0",
  "@agentclientprotocol/codex-acp": "2.6.0",
  // They want at least the 22nd.
  [NODE]: "24.21.0",
};

/** Installs the adapters; `folder`: where they are already. */
export function installAdapters(folder: string | undefined): string {
  if (folder !== undefined) return folder;
  const dir = mkdtempSync(join(tmpdir(), "broke-bench-"));
  writeFileSync(join(dir, "package.json"), JSON.stringify({ private: true, dependencies: ADAPTERS }));
  const words = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  const ran = Bun.spawnSync(words, { cwd: dir, stdio: ["ignore", "ignore", "inherit"] });
  if (!ran.success) throw new Error(`npm install failed in ${dir}`);
  return dir;
}

const path = process.env["PATH"] ?? "/usr/bin:/bin";
const program = (name: string) => join(ROOT, "node_modules/.bin", name);

function makeHome(): { home: string; cwd: string } {
  const home = mkdtempSync(join(tmpdir(), "broke-bench-home-"));
  const cwd = join(home, "work");
  mkdirSync(cwd);
  return { home, cwd };
}

/** The adapters, and Gemini CLI by its own protocol. */
export function theirs(model: string, adapters: string): Contender[] {
  const script = (name: string) => join(adapters, "node_modules/@agentclientprotocol", name, "dist/index.js");
  const node = join(adapters, "node_modules", NODE, "bin/node");
  const [claude, codex, gemini] = [makeHome(), makeHome(), makeHome()];
  mkdirSync(join(codex.home, ".codex"));
  const provider = { name: "bench", base_url: `${model}/v1`, env_key: "BENCH_KEY", wire_api: "responses" };
  const config = {
    model: "gpt-5.4",
    model_provider: "bench",
    model_providers: { bench: provider },
    analytics: { enabled: false },
  };
  writeFileSync(join(codex.home, ".codex/config.toml"), Bun.TOML.stringify(config));
  mkdirSync(join(gemini.home, ".gemini"));
  const settings = {
    security: { auth: { selectedType: "gemini-api-key" } },
    privacy: { usageStatisticsEnabled: false },
    general: { disableAutoUpdate: true },
  };
  writeFileSync(join(gemini.home, ".gemini/settings.json"), JSON.stringify(settings));
  return [
    {
      ...{ name: "claude-agent-acp 0.101.0", client: "claude", options: {} },
      start: {
        ...{ argv: [node, script("claude-agent-acp")], cwd: claude.cwd },
        env: {
          ...{ PATH: path, HOME: claude.home, ANTHROPIC_BASE_URL: model, ANTHROPIC_API_KEY: "k" },
          ...{ CLAUDE_CODE_EXECUTABLE: program("claude"), CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
          IS_SANDBOX: "1",
        },
      },
    },
    {
      ...{ name: "codex-acp 2.6.0", client: "codex", options: {} },
      start: {
        ...{ argv: [node, script("codex-acp")], cwd: codex.cwd },
        env: {
          PATH: path,
          HOME: codex.home,
          CODEX_HOME: join(codex.home, ".codex"),
          CODEX_PATH: program("codex"),
          BENCH_KEY: "k",
          OPENAI_API_KEY: "k",
        },
      },
    },
    {
      ...{ name: "gemini --acp 0.61.0", client: "gemini", options: {} },
      start: {
        ...{ argv: [node, program("gemini"), "--acp", "-m", "gemini-2.5-pro"], cwd: gemini.cwd },
        env: {
          PATH: path,
          HOME: gemini.home,
          GEMINI_API_KEY: "k",
          GOOGLE_GEMINI_BASE_URL: model,
          GEMINI_CLI_TRUST_WORKSPACE: "true",
        },
      },
    },
  ];
}

/** Ours, one for each of its clients, all with one home; each in strict. */
export async function ours(model: string): Promise<Contender[]> {
  const dialects = { claude: "anthropic", codex: "openai-responses", gemini: "gemini", own: "openai-chat" } as const;
  return Promise.all(
    (Object.keys(dialects) as (keyof typeof dialects)[]).map(async (client): Promise<Contender> => {
      const bench = makeBench();
      const base = client === "claude" ? model : `${model}/v1`;
      for (const words of [
        ["backend", "add", "bench", "--base-url", base, "--dialect", dialects[client], "--model", "m"],
        ["swap", "all=bench"],
      ]) {
        const ran = await bench.broke(words);
        if (ran.code !== 0) throw new Error(ran.stderr);
      }
      return {
        ...{ name: `broke acp-server, ${client === "own" ? "own agent" : client}`, client },
        start: { argv: [LAUNCHER, "acp-server"], cwd: bench.workspace, env: bench.env },
        options: { lane: client === "own" ? "local" : client },
      };
    }),
  );
}
