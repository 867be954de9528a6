// What Codex is told: our slots for models, nothing that phones home, nothing of the workspace's.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ClientContext } from "#harness/clients/client.ts";
import { codex, codexProgram } from "#harness/clients/codex.ts";

const context: ClientContext = {
  ...{ home: "/home/agent", workspace: "/srv/my work", gatewayUrl: "http://127.0.0.1:{port}", token: "brokerun_nonce" },
  ...{ terminal: false, confined: true, userState: false, opened: [] },
  slots: [
    { id: "sonnet", client: "claude", title: "Claude main model" },
    { id: "gpt54", client: "codex", title: "GPT-5.4" },
  ],
};
const files = (changes: Partial<ClientContext> = {}) => codex.homeFiles({ ...context, ...changes });
const config = (changes: Partial<ClientContext> = {}) => Bun.TOML.parse(files(changes)[".codex/config.toml"]!);

describe("its configuration", () => {
  test("points at the gateway, asks nobody, phones nowhere, trusts no workspace", () => {
    expect(config()).toEqual({
      model: "gpt54",
      review_model: "gpt54",
      model_catalog_json: "/home/agent/.codex/models.json",
      model_provider: "gateway",
      approval_policy: "never",
      sandbox_mode: "danger-full-access",
      allow_login_shell: false,
      web_search: "disabled",
      check_for_update_on_startup: false,
      model_providers: {
        gateway: {
          name: "gateway",
          env_key: "GATEWAY_TOKEN",
          wire_api: "responses",
          request_max_retries: 0,
          stream_max_retries: 2,
        },
      },
      shell_environment_policy: { inherit: "all", ignore_default_excludes: true, exclude: ["GATEWAY_TOKEN"] },
      projects: { "/srv/my work": { trust_level: "untrusted" } },
      skills: { bundled: { enabled: false } },
      analytics: { enabled: false },
      feedback: { enabled: false },
      otel: { exporter: "none", trace_exporter: "none", metrics_exporter: "none" },
      agents: { enabled: false },
      features: Object.fromEntries(
        [
          ...["apps", "daemon_auto_start", "goals", "hooks", "image_generation", "memories", "plugins"],
          ...["remote_plugin", "skill_mcp_dependency_install", "tool_suggest", "unbounded_connection_retries"],
        ].map((name) => [name, false]),
      ),
    });
  });

  test("where our sandbox does not hold it, its own does", () => {
    expect(config({ confined: false })).toMatchObject({
      approval_policy: "on-request",
      sandbox_mode: "workspace-write",
    });
  });

  test("a workspace of any name is one key", () => {
    const workspace = 'a "b".c\\d\n[x]';
    expect(config({ workspace })).toMatchObject({ projects: { [workspace]: { trust_level: "untrusted" } } });
  });

  test("nothing of the token is written; its variable holds it", () => {
    expect(JSON.stringify(files())).not.toContain("brokerun_nonce");
    expect(codex.env(context)).toEqual({ CODEX_HOME: "/home/agent/.codex", GATEWAY_TOKEN: "brokerun_nonce" });
  });

  test("its models are our slots, its own first, and none wants what only OpenAI speaks", () => {
    const { models } = JSON.parse(files()[".codex/models.json"]!);
    expect(models.map((model: { slug: string; display_name: string }) => [model.slug, model.display_name])).toEqual([
      ["gpt54", "GPT-5.4"],
      ["sonnet", "Claude main model"],
    ]);
    for (const model of models) {
      expect(model).toMatchObject({ use_responses_lite: false, model_messages: null, context_window: 200_000 });
      expect(Object.keys(model)).not.toContain("tool_mode");
    }
  });
});

describe("its arguments", () => {
  const OWN = ["-c", 'model_providers.gateway.base_url="http://127.0.0.1:{port}/v1"'];
  const SKIP = "--skip-git-repo-check";
  const cases: [string, string[], string[]][] = [
    ["none", [], []],
    ["a prompt", ["mend it"], ["mend it"]],
    ["exec", ["exec", "mend it"], ["exec", SKIP, "mend it"]],
    ["exec in short", ["e", "--json", "mend it"], ["e", SKIP, "--json", "mend it"]],
    ["exec behind options", ["-m", "sonnet", "--search", "exec", "x"], ["-m", "sonnet", "--search", "exec", SKIP, "x"]],
    ["exec as an option's value", ["-m", "exec", "x"], ["-m", "exec", "x"]],
    ["exec behind the end of options", ["--", "exec"], ["--", "exec"]],
    ["exec that says it itself", ["exec", SKIP, "x"], ["exec", SKIP, "x"]],
    ["exec as a word of the prompt", ["review", "exec"], ["review", "exec"]],
  ];
  for (const [name, given, wanted] of cases) {
    test(name, () => expect(codex.args(given, context)).toEqual([...OWN, ...wanted]));
  }
});

describe("the program behind what is found", () => {
  let root = "";
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), "broke-codex-")));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const [name, target] =
    process.arch === "arm64"
      ? ["codex-linux-arm64", "aarch64-unknown-linux-musl"]
      : ["codex-linux-x64", "x86_64-unknown-linux-musl"];
  function put(path: string): string {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), "", { mode: 0o755 });
    return join(root, path);
  }
  function native(folder: string) {
    put(`${folder}/codex-path/rg`);
    return { path: put(`${folder}/bin/codex`), folder: join(root, folder) };
  }

  test("npm's script: the native package beside it", () => {
    const found = put("node_modules/@openai/codex/bin/codex.js");
    const beside = native(`node_modules/@openai/${name}/vendor/${target}`);
    expect(codexProgram(found)).toEqual(beside);
  });

  test("npm's script: the native package below it, as in a global installation", () => {
    const found = put("lib/node_modules/@openai/codex/bin/codex.js");
    const below = native(`lib/node_modules/@openai/codex/node_modules/@openai/${name}/vendor/${target}`);
    expect(codexProgram(found)).toEqual(below);
  });

  test("a native installation with its tools", () => {
    const installed = native("opt/codex");
    expect(codexProgram(installed.path)).toEqual(installed);
  });

  test("a file that stands alone", () => {
    const found = put(".local/bin/codex");
    expect(codexProgram(found)).toEqual({ path: found });
  });
});
