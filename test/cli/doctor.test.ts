// `broke doctor` says what would keep a run from being launched, and a launch then is refused for the same reason; what is only damaged history
// keeps nothing from being launched.

import { describe, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { probeIds } from "#sandbox/self-probes.ts";
import { type Bench, makeBench, ROOT, runIdOf } from "#test/support/broke.ts";

type Report = { ready: boolean; checks: { id: string; status: string; detail: string; hint?: string }[] };

async function examine(bench: Bench, env: Record<string, string> = {}): Promise<{ code: number; report: Report }> {
  const { code, stdout } = await bench.broke(["doctor", "--json"], { env });
  return { code, report: JSON.parse(stdout) as Report };
}

test("a sound machine: every check is made, the sandbox is built and tried, nothing is left behind", async () => {
  using bench = makeBench();
  const { code, report } = await examine(bench);
  expect({ code, ready: report.ready, failed: report.checks.filter(({ status }) => status === "failed") }).toEqual({
    code: 0,
    ready: true,
    failed: [],
  });
  expect(report.checks.map(({ id }) => id)).toEqual([
    ...["bubblewrap", "helpers", "preloads", "namespaces", "seccomp", "limits", "overlays", "sandbox strict"],
    ...["home", "database", "keys", "signing key", "state engine", "reach"],
    ...["slots", "routing"],
    ...["start", "installation", "claude", "codex", "gemini", "permission sets", "runs", "launch audit"],
  ]);
  const notThere = ["protected names cannot be written to", "what is denied cannot be read"];
  const tried = probeIds.filter((id) => !notThere.includes(id));
  expect(report.checks.find(({ id }) => id === "sandbox strict")!.detail).toEndWith(tried.join("; "));
  expect(report.checks.find(({ id }) => id === "overlays")!.detail).toBe("--workspace=overlay can be had");
  expect((await bench.broke(["harness", "list"])).stdout).not.toContain("run_");
  const text = await bench.broke(["doctor"]);
  expect(text).toMatchObject({ code: 0, stderr: "" });
  expect(text.stdout.split("\n")[0]).toMatch(/^ok +bubblewrap +\d/);
});

test("permission sets that could not be read are told before a launch names one", async () => {
  using bench = makeBench();
  await examine(bench);
  const sets = async (text: string) => {
    writeFileSync(join(bench.home, "broke.toml"), text, { mode: 0o600 });
    const { code, report } = await examine(bench);
    return { code, ...report.checks.find(({ id }) => id === "permission sets") };
  };
  const own = join(bench.home, "broke.toml");
  const id = "permission sets";
  expect([
    await sets('[permissions.web]\nallow-net = ["example.com"]\nlimits = { memory = "4g", pids = 400 }'),
    await sets("[permissions.web"),
    await sets('[permissions.web]\nlimits = "4g"'),
  ]).toEqual([
    { code: 0, id, status: "ok", detail: "yours: web" },
    { code: 0, id, status: "warning", detail: `${own} is not TOML`, hint: "mend it, or move it away" },
    {
      ...{ code: 0, id, status: "warning", detail: `${own}, permissions.web: limits is not what it can be` },
      hint: 'a table, as in { memory = "4g", pids = 400 }',
    },
  ]);
});

test("route, explain and doctor are of one mind about a slot, and warn of a name that floats", async () => {
  using bench = makeBench();
  const env = { GITHUB_TOKEN: "ghp_0123456789abcdef" };
  const about = async (id: string) => (await examine(bench, env)).report.checks.find((check) => check.id === id)!;
  expect(await about("slots")).toMatchObject({ status: "warning", detail: "no slot is set" });
  await bench.broke(["swap", "sonnet=GitHub/GPT-4o-mini"]);
  expect(await about("slots")).toEqual({ id: "slots", status: "ok", detail: "1 set, each would be answered now" });
  expect((await about("routing")).detail).toBe(
    "GitHub/GPT-4o-mini: floating alias: openai/gpt-4o-mini may come to mean another model",
  );
  for (const verb of ["route", "explain"]) {
    const { code, stdout } = await bench.broke([verb, "sonnet"], { env });
    expect({ verb, code, backend: stdout.includes("GitHub/GPT-4o-mini"), floats: stdout.includes("floating") }).toEqual(
      {
        ...{ verb, code: 0, backend: true, floats: true },
      },
    );
  }
  const { report } = await examine(bench);
  expect(report.ready).toBe(true);
  expect(report.checks.find(({ id }) => id === "slots")!.detail).toContain("GITHUB_TOKEN is not set");
});

test("the configured profile is the one that is tried", async () => {
  using bench = makeBench();
  await bench.broke(["sandbox", "set", "normal"]);
  const { report } = await examine(bench);
  expect(report.checks.map(({ id }) => id)).toContain("sandbox normal");
});

describe("what is wrong is named, with its remedy, and exit 1", () => {
  test("a link in the place of the key file: nothing of the state is opened, the machine is looked at all the same", async () => {
    using bench = makeBench();
    mkdirSync(bench.home, { mode: 0o700 });
    symlinkSync("/etc/passwd", join(bench.home, ".env"));
    const { code, report } = await examine(bench);
    expect(code).toBe(1);
    expect(report.checks[0]).toEqual({
      id: "state",
      status: "failed",
      detail: `${join(bench.home, ".env")} cannot be opened`,
      hint: "make it a plain file or folder that you own, or move it away",
    });
    expect(report.checks.map(({ id }) => id)).toContain("sandbox strict");
    const run = await bench.broke(["harness", "run", "--client", "exec", "--", "true"]);
    expect(run).toMatchObject({ code: 3, stdout: "" });
    expect(run.stderr).toStartWith(`broke: ${join(bench.home, ".env")} cannot be opened\n`);
  });

  test("a damaged signing key", async () => {
    using bench = makeBench();
    await bench.broke(["list"]);
    writeFileSync(join(bench.home, "ledger.key"), "damaged", { mode: 0o600 });
    const { code, report } = await examine(bench);
    const failed = report.checks.filter(({ status }) => status === "failed").map(({ id }) => id);
    expect({ code, failed }).toEqual({ code: 1, failed: ["signing key", "launch audit"] });
  });

  test("started past the launcher with code to load: neither doctor is content, nor does anything run", async () => {
    using bench = makeBench();
    const past = async (words: string[]) => {
      const bun = join(ROOT, "node_modules", "bun", "bin", "bun.exe");
      const child = Bun.spawn([bun, "--config=/dev/null", "--no-env-file", join(ROOT, "src/main.ts"), ...words], {
        ...{ cwd: bench.workspace, env: { ...bench.env, NODE_OPTIONS: "--no-warnings" } },
        ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
      });
      const [stdout, stderr] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      return { stdout, stderr, code: await child.exited };
    };
    const looked = await past(["doctor", "--json"]);
    const { checks } = JSON.parse(looked.stdout) as Report;
    expect(checks.filter(({ status }) => status === "failed").map(({ id }) => id)).toEqual(["start"]);
    expect(await past(["harness", "run", "--client", "exec", "--", "sh", "-c", "echo ran"])).toEqual({
      code: 4,
      stdout: "",
      stderr:
        "broke: broke was started with NODE_OPTIONS set, which can run somebody's code in it\nbroke: start it by its launcher, shims/broke, which clears them\n",
    });
  });
});

test("what others could read is private again, and said once", async () => {
  using bench = makeBench();
  await bench.broke(["list"]);
  writeFileSync(join(bench.home, ".env"), "", { mode: 0o600 });
  chmodSync(join(bench.home, ".env"), 0o644);
  const first = await bench.broke(["doctor", "--json"]);
  expect(first.stderr).toBe(`broke: ${join(bench.home, ".env")} could be read by others; it is private again\n`);
  const { checks } = JSON.parse(first.stdout) as Report;
  expect(checks.find(({ id }) => id === "home")!.status).toBe("repaired");
  expect((await bench.broke(["doctor", "--json"])).stderr).toBe("");
});

test("one damaged old run keeps no new one from starting", async () => {
  using bench = makeBench();
  const run = () => bench.broke(["harness", "run", "--client", "exec", "--", "true"]);
  const first = runIdOf(await run());
  const old = join(bench.home, "runs", first);
  writeFileSync(join(old, "ledger.jsonl"), "not a ledger\n");
  writeFileSync(join(old, "placeholders.json"), "{");
  writeFileSync(join(old, "contract.json"), "");
  expect((await run()).code).toBe(0);
  rmSync(old, { recursive: true });
  writeFileSync(old, "a file where a folder was");
  expect((await run()).code).toBe(0);
  rmSync(old);
  expect((await run()).code).toBe(0);
  const { report } = await examine(bench);
  expect(report.checks.find(({ id }) => id === "runs")).toMatchObject({ status: "warning" });
});

test("the client that runs is identified in the run's ledger, and the walls were tried before it started", async () => {
  using bench = makeBench();
  const ran = await bench.broke(["harness", "run", "--", "--version"]);
  expect(ran.code).toBe(0);
  const events = await bench.broke(["harness", "events", runIdOf(ran), "--json"]);
  const records = events.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string; data: Record<string, unknown> });
  const names = records.map(({ event }) => event);
  expect(names.slice(0, 3)).toEqual(["run.registered", "checkpoint.opened", "preflight.passed"]);
  expect(names.indexOf("sandbox.probed")).toBeLessThan(names.indexOf("agent.launched"));
  const { path, version, sha256 } = records.find(({ event }) => event === "client.identified")!.data;
  expect({ version, sha256 }).toEqual({
    version: ran.stdout.split(" ")[0],
    sha256: new Bun.CryptoHasher("sha256").update(await Bun.file(String(path)).bytes()).digest("hex"),
  });
  const probed = records.find(({ event }) => event === "sandbox.probed")!.data as { passed: string[]; ms: number };
  expect(probed.passed).toEqual(probeIds.filter((id) => id !== "what is denied cannot be read"));
});
