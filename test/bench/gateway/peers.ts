// The gateways a user would pick instead, installed in a scratch folder at the versions named here, never in ours. Portkey is given the two versions
// of its own lock file: as npm resolves it today every stream of it fails.

import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startOn, type Target } from "./process.ts";

export type Peer = {
  name: string;
  target: Target;
  /** How the load asks it for a mode of the upstream. */
  aim(mode: string): {
    path: string;
    headers: Record<string, string>;
    dialect: "anthropic" | "openai-chat";
    model: string;
  };
};

function install(manifest: object): string {
  const dir = mkdtempSync(join(tmpdir(), "broke-bench-"));
  writeFileSync(join(dir, "package.json"), JSON.stringify({ private: true, ...manifest }));
  const ran = Bun.spawnSync(["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: dir,
    stdio: ["ignore", "ignore", "inherit"],
  });
  if (!ran.success) throw new Error(`npm install failed in ${dir}`);
  return dir;
}

async function portkey(upstream: string, core: number): Promise<Peer[]> {
  const dir = install({
    dependencies: { "@portkey-ai/gateway": "1.15.2" },
    overrides: { "@hono/node-server": "1.13.5", hono: "4.9.7" },
  });
  const script = join(dir, "node_modules/@portkey-ai/gateway/build/start-server.js");
  const port = 24_087;
  const target = await startOn(core, ["node", script, "--headless", `--port=${port}`], {
    port,
    env: { HOME: dir },
    cwd: dir,
  });
  return [
    {
      name: "portkey 1.15.2, Chat over Chat",
      target,
      aim: (mode) => ({
        path: "/v1/chat/completions",
        headers: {
          "x-portkey-provider": "openai",
          "x-portkey-custom-host": `${upstream}/v1`,
          authorization: "Bearer k",
        },
        dialect: "openai-chat",
        model: mode,
      }),
    },
  ];
}

async function router(version: string, port: number, upstream: string, core: number): Promise<Peer> {
  const dir = install({ dependencies: { "@musistudio/claude-code-router": version } });
  mkdirSync(join(dir, ".claude-code-router"));
  const models = ["json", "burst", "paced"];
  const config = {
    PORT: port,
    LOG: false,
    Providers: [{ name: "up", api_base_url: `${upstream}/v1/chat/completions`, api_key: "k", models }],
    Router: { default: "up,json" },
  };
  writeFileSync(join(dir, ".claude-code-router/config.json"), JSON.stringify(config));
  const script = join(dir, "node_modules/@musistudio/claude-code-router/dist/cli.js");
  const target = await startOn(core, ["node", script, "start"], {
    port,
    env: { HOME: dir, SERVICE_PORT: String(port) },
    cwd: dir,
  });
  return {
    name: `claude-code-router ${version}, Messages over Chat`,
    target,
    aim: (mode) => ({
      path: "/v1/messages",
      headers: { "x-api-key": "k", "anthropic-version": "2023-06-01" },
      dialect: "anthropic",
      model: `up,${mode}`,
    }),
  };
}

/** Installs and starts one peer after the other; each is stopped by whoever asked for it before the next is started. */
export const peers: ((upstream: string, core: number) => Promise<Peer[]>)[] = [
  portkey,
  async (upstream, core) => [await router("1.0.73", 24_091, upstream, core)],
  async (upstream, core) => [await router("2.0.0", 24_092, upstream, core)],
];
