// What Gemini CLI is told: every model it could ask for is a slot, nothing phones home, nobody is asked where the sandbox decides.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ClientContext } from "#harness/clients/client.ts";
import { gemini } from "#harness/clients/gemini.ts";
import { modelOverrides } from "#harness/clients/gemini-models.ts";
import { slotOf } from "#src/routing/slots.ts";
import { ROOT } from "#test/support/broke.ts";

const context: ClientContext = {
  ...{ home: "/home/agent", workspace: "/srv/work", gatewayUrl: "http://127.0.0.1:{port}", token: "brokerun_nonce" },
  ...{ terminal: false, confined: true, userState: false, opened: [], slots: [] },
};

/** The installed client's own table of models and aliases, as text. */
function ownTable(): string {
  const bundle = join(ROOT, "node_modules/@google/gemini-cli/bundle");
  for (const name of readdirSync(bundle)) {
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(join(bundle, name), "utf8");
    const start = text.indexOf("DEFAULT_MODEL_CONFIGS = {");
    if (start !== -1) return text.slice(start, text.indexOf("modelDefinitions:", start));
  }
  throw new Error("the client has no such table any more");
}

test("every model its table names is pinned to a slot, and so is every alias that stands for one of its own", () => {
  const table = ownTable();
  const pinned = new Map(modelOverrides.map(({ match, modelConfig }) => [match.model, modelConfig.model]));
  const models = new Set([...table.matchAll(/model: "((?:gemini|gemma)-[^"]+)"/g)].map((match) => match[1]!));
  expect(models.size).toBeGreaterThan(10);
  expect([...models].filter((name) => !pinned.has(name))).toEqual([]);
  const aliases = [...table.matchAll(/^ {4}"?([a-z0-9.-]+)"?: \{\n((?: {6}.*\n)*)/gm)];
  const leading = aliases.filter(([, , body]) => /^ {8}model: /m.test(body!)).map(([, name]) => name!);
  expect(leading.length).toBeGreaterThan(20);
  expect(leading.filter((name) => !pinned.has(name))).toEqual([]);
  expect([...new Set(pinned.values())].filter((slot) => slotOf(slot)?.client !== "gemini")).toEqual([]);
});

test("its settings: our authentication, no telemetry, no updates, the key kept from its tools", () => {
  expect(JSON.parse(gemini.homeFiles(context)[".gemini/settings.json"]!)).toEqual({
    general: {
      enableAutoUpdate: false,
      enableAutoUpdateNotification: false,
      maxAttempts: 2,
      sessionRetention: { enabled: false },
    },
    security: {
      auth: { selectedType: "gemini-api-key" },
      environmentVariableRedaction: { enabled: true, blocked: ["GEMINI_API_KEY"] },
      folderTrust: { enabled: true },
    },
    model: { name: "geminipro", compressionThreshold: 0.15 },
    modelConfigs: { customOverrides: modelOverrides },
    privacy: { usageStatisticsEnabled: false },
    telemetry: { enabled: false },
    ide: { enabled: false, hasSeenNudge: true },
    tools: { shell: { enableInteractiveShell: false } },
    advanced: { autoConfigureMemory: false, ignoreLocalEnv: true },
    experimental: { gemma: false, gemmaModelRouter: { enabled: false } },
  });
});

test("its environment: the gateway, the nonce, and word of a sandbox only where there is one", () => {
  const env = {
    GOOGLE_GEMINI_BASE_URL: "http://127.0.0.1:{port}",
    GEMINI_API_KEY: "brokerun_nonce",
    GEMINI_CLI_TRUST_WORKSPACE: "true",
    GEMINI_CLI_NO_RELAUNCH: "1",
  };
  expect(gemini.env(context)).toEqual({ ...env, SANDBOX: "broke" });
  expect(gemini.env({ ...context, confined: false })).toEqual(env);
});

describe("its arguments", () => {
  const YOLO = ["--approval-mode", "yolo"];
  const cases: [string, string[], string[]][] = [
    ["none", [], YOLO],
    ["a task", ["-p", "mend it"], [...YOLO, "-p", "mend it"]],
    ["the user's own mode", ["--approval-mode=plan", "-p", "x"], ["--approval-mode=plan", "-p", "x"]],
    ["the same in two words", ["--approval-mode", "default"], ["--approval-mode", "default"]],
    ["its own word for it", ["-y"], ["-y"]],
    ["a mode that is only a prompt", ["--", "--yolo"], [...YOLO, "--", "--yolo"]],
    ["a subcommand, which does not know the option", ["mcp", "list"], ["mcp", "list"]],
  ];
  for (const [name, given, wanted] of cases) {
    test(name, () => expect(gemini.args(given, context)).toEqual(wanted));
  }
  test("where the sandbox does not hold it, it asks", () => {
    expect(gemini.args(["-p", "x"], { ...context, confined: false })).toEqual(["-p", "x"]);
  });
});
