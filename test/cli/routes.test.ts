// How the worker reaches its models: what a route needs, who confirms it, and that the ledger says what was really injected. The clients are programs
// that tell what they were given.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LedgerRecord } from "#harness/record.ts";
import { type Bench, LAUNCHER, makeBench, type Ran, runIdOf } from "#test/support/broke.ts";
import { sit } from "#test/support/terminal.ts";

const KEY = "key-of-the-operator-1234567890";

/** A bench whose clients print their variables and the files of their home that matter. */
function setUp(): Bench & { with(env?: Record<string, string>): { env: Record<string, string> } } {
  const bench = makeBench();
  const bin = join(bench.env["HOME"]!, "bin");
  mkdirSync(bin);
  const shell = "#!/bin/sh\necho\nenv | sort\ncat $HOME/.codex/config.toml 2>/dev/null\nexit 0\n";
  const script = `const fs = require("node:fs");
for (const [name, value] of Object.entries(process.env)) console.log("\\n" + name + "=" + value);
const folder = process.env.HOME + "/.gemini/";
for (const file of fs.readdirSync(folder)) if (file.endsWith(".json")) console.log(fs.readFileSync(folder + file, "utf8"));`;
  for (const client of ["claude", "codex", "gemini"]) {
    const folder = join(bin, "node_modules", client);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ name: client, version: "1.0.0" }));
    writeFileSync(join(folder, "main"), client === "gemini" ? script : shell);
    chmodSync(join(folder, "main"), 0o755);
    symlinkSync(join(folder, "main"), join(bin, client));
  }
  const path = `${bin}:${bench.env["PATH"]}`;
  return Object.assign(bench, { with: (env = {}) => ({ env: { PATH: path, ...env } }) });
}
const ledgerOf = (bench: Bench, ran: Ran) =>
  readFileSync(join(bench.home, "runs", runIdOf(ran), "ledger.jsonl"), "utf8");
const events = (text: string, event: string) =>
  text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LedgerRecord)
    .filter((record) => record.event === event)
    .map(({ data }) => data);
const direct = (client: string, host: string, ...more: string[]) => [
  ...["harness", "run", "--client", client, "--worker-route", "provider_direct", `--allow-net=${host}`, ...more],
];

describe("provider_direct", () => {
  test("unconfirmed is denied: registered, nothing started, BLOCK, exit 4", async () => {
    using bench = setUp();
    const unconfirmed = [["--elevated"], []];
    for (const flags of unconfirmed) {
      const ran = await bench.broke(
        direct("claude", "api.anthropic.com", ...flags),
        bench.with({ ANTHROPIC_API_KEY: KEY }),
      );
      const ledger = ledgerOf(bench, ran);
      expect([ran.code, ran.stdout, / BLOCK exit 4 exit_source broke\n$/.test(ran.stderr)]).toEqual([4, "", true]);
      expect(events(ledger, "authority.expansion_denied")).toEqual([
        {
          ...{ role: "worker", client: "claude", route: "provider_direct", credential_source: "broke_managed" },
          reason: "provider_direct lends the worker a key, and nobody confirmed it",
        },
      ]);
      expect(events(ledger, "verdict.issued")[0]).toMatchObject({
        categories: ["authority_expansion_denied", "evidence"],
      });
      expect([events(ledger, "agent.launched"), events(ledger, "credential_lease.issued")]).toEqual([[], []]);
      expect((await bench.broke(["harness", "verify", runIdOf(ran)])).code).toBe(0);
    }
  });

  for (const [client, host, name] of [
    ["claude", "api.anthropic.com", "ANTHROPIC_API_KEY"],
    ["codex", "api.openai.com", "OPENAI_API_KEY"],
    ["gemini", "generativelanguage.googleapis.com", "GEMINI_API_KEY"],
  ] as const) {
    test(`${client} is lent its key for a time, has no gateway, and the ledger says where the key went, not what it is`, async () => {
      using bench = setUp();
      const flags = ["--elevated", "--elevate-for", "10m"];
      const ran = await bench.broke(direct(client, host, ...flags), bench.with({ [name]: KEY, BROKE_ELEVATE: "1" }));
      const ledger = ledgerOf(bench, ran);
      expect(ran.code).toBe(0);
      expect(ran.stdout).toContain(`\n${name}=${KEY}\n`);
      expect(ran.stdout).not.toMatch(/127\.0\.0\.1:4000|brokerun_|BROKE_ELEVATE|sonnet|gpt54|geminipro/);
      const [lease] = events(ledger, "credential_lease.issued");
      const { expires_at: expires, ...said } = lease!;
      expect(said).toEqual({
        ...{ role: "worker", client, route: "provider_direct", credential_source: "broke_managed" },
        ...{ injected_into: [name], hosts: [host], confirmed_by: "environment" },
      });
      const left = Date.parse(String(expires)) - Date.now();
      expect([left > 8 * 60_000, left <= 10 * 60_000]).toEqual([true, true]);
      expect(events(ledger, "run.registered")[0]).toMatchObject({ route: "provider_direct" });
      expect(
        Number((events(ledger, "run.registered")[0]!.limits as Record<string, number>).timeoutMs),
      ).toBeLessThanOrEqual(600_000);
      expect(ledger).not.toContain(KEY);
      const [launch] = JSON.parse((await bench.broke(["audit", "--json"])).stdout) as object[];
      expect(JSON.stringify(launch)).toContain('"route":"provider_direct","credential_source":"broke_managed"');
      expect(ran.stderr).toContain("provider_direct: the worker holds a credential of yours");
    });
  }

  test("on a terminal the operator is asked, and only the word itself is a yes", async () => {
    for (const [typed, code] of [
      ["yes\r", 4],
      ["lend\r", 0],
    ] as const) {
      using bench = setUp();
      const words = direct("claude", "api.anthropic.com", "--elevated");
      const env = { ...bench.env, ...bench.with({ ANTHROPIC_API_KEY: KEY }).env };
      const seat = sit([LAUNCHER, ...words], { cwd: bench.workspace, env });
      await seat.until("type lend to go on");
      seat.type(typed);
      expect(await seat.exited).toBe(code);
    }
  });

  test("an overlay that a contract says is asked for once, and kept for as long as the answer takes", async () => {
    using bench = setUp();
    const contract = join(bench.env["HOME"]!, "c.toml");
    writeFileSync(contract, 'workspace = "overlay"\n');
    const words = direct("claude", "api.anthropic.com", "--elevated", "--contract", contract);
    const env = { ...bench.env, ...bench.with({ ANTHROPIC_API_KEY: KEY }).env };
    const seat = sit([LAUNCHER, ...words], { cwd: bench.workspace, env });
    await seat.until("type lend to go on");
    const [run] = readdirSync(join(bench.home, "runs"));
    utimesSync(join(bench.home, "runs", run!), 1, 1);
    expect((await bench.broke(["harness", "reconcile"])).stdout).toBe("nothing to reconcile\n");
    seat.type("lend\r");
    expect([await seat.exited, seat.screen().split("type lend to go on").length]).toEqual([0, 2]);
    expect(readdirSync(join(bench.home, "runs"))).toEqual([run!]);
  });

  test("rehearsed, it shows where a key would go, and asks nobody for one", async () => {
    using bench = setUp();
    const words = direct("claude", "api.anthropic.com", "--dry-run");
    const told = JSON.parse((await bench.broke(words, bench.with())).stdout) as {
      order: { env: Record<string, string> };
    };
    const { ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, ANTHROPIC_MODEL } = told.order.env;
    expect([ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL, ANTHROPIC_MODEL]).toEqual([
      ...["{ANTHROPIC_API_KEY}", undefined, undefined],
    ] as never);
  });

  test("needs its provider's host, a key, and a client that has a provider", async () => {
    using bench = setUp();
    const why = async (words: string[], env: Record<string, string> = {}) => {
      const { code, stderr } = await bench.broke(words, bench.with({ BROKE_ELEVATE: "1", ...env }));
      return [code, stderr.split("\n")[0]];
    };
    const route = ["--worker-route", "provider_direct", "--elevated"];
    expect([
      await why(["harness", "run", ...route], { ANTHROPIC_API_KEY: KEY }),
      await why(direct("claude", "api.anthropic.com", "--elevated")),
      await why(["harness", "run", "--client", "exec", ...route, "--", "true"]),
      await why(["harness", "run", "--client", "exec", "--credential-source", "provider_managed", "--", "true"]),
      await why(["harness", "run", "--worker-route", "direct"]),
      await why(["harness", "run", "--elevate-for", "1h", "--worker-route", "provider_direct"]),
    ]).toEqual([
      [2, "broke: provider_direct goes to api.anthropic.com by itself, and that is not allowed"],
      [3, "broke: there is no ANTHROPIC_API_KEY to lend"],
      [2, "broke: exec has no provider of its own"],
      [2, "broke: --worker-route broke_router gives the worker no credential"],
      [2, "broke: the command line: worker-route is not what it can be"],
      [2, "broke: --elevate-for is for --elevated"],
    ]);
  });
});

describe("client_direct", () => {
  const hosts = "cloudcode-pa.googleapis.com,oauth2.googleapis.com";
  const words = (client: string, ...more: string[]) => [
    ...["harness", "run", "--client", client, "--worker-route", "client_direct", ...more],
  ];

  test("gives gemini the user's own login, by a copy, and says so", async () => {
    using bench = setUp();
    const login = join(bench.env["HOME"]!, ".gemini");
    mkdirSync(login);
    writeFileSync(join(login, "oauth_creds.json"), `{"refresh_token":"${KEY}"}`, { mode: 0o600 });
    const ran = await bench.broke(words("gemini", `--allow-net=${hosts}`), bench.with());
    const ledger = ledgerOf(bench, ran);
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain(`{"refresh_token":"${KEY}"}`);
    expect(ran.stdout).toContain('"selectedType":"oauth-personal"');
    expect(ran.stdout).not.toMatch(/GEMINI_API_KEY=|GOOGLE_GEMINI_BASE_URL/);
    expect(events(ledger, "credential_lease.issued")).toEqual([
      {
        ...{ role: "worker", client: "gemini", route: "client_direct", credential_source: "provider_managed" },
        ...{ injected_into: ["home/.gemini/oauth_creds.json"], hosts: hosts.split(",") },
        ...{ confirmed_by: null, expires_at: null },
      },
    ]);
    expect(ledger).not.toContain(KEY);
  });

  test("is gemini's alone, where its hosts are allowed and somebody is logged in", async () => {
    using bench = setUp();
    const why = async (...options: string[]) => {
      const { code, stderr } = await bench.broke(options, bench.with());
      return [code, stderr.split("\n")[0]];
    };
    expect([
      await why(...words("claude")),
      await why(...words("gemini")),
      await why(...words("gemini", `--allow-net=${hosts}`)),
      await why(...words("gemini", `--allow-net=${hosts}`, "--credential-source=broke_managed")),
    ]).toEqual([
      [2, "broke: claude cannot use your own login here"],
      [2, `broke: client_direct goes to ${hosts.replace(",", ", ")} by itself, and that is not allowed`],
      [3, "broke: you are not logged in with gemini"],
      [2, "broke: client_direct uses your own login"],
    ]);
  });
});
