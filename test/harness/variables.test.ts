// Variables of the launcher's environment, allowed by name, through the product: what arrives, what is on record of it, what is refused.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench, runIdOf } from "#test/support/broke.ts";

const env = {
  ...{
    FOO_A: "ordinary-value-a",
    FOO_TOKEN: "secret-value-b",
    OTHER: "ordinary-value-c",
    LD_PLANTED: "steering-value",
  },
  ...{ GROQ_API_KEY: "the-key-of-the-gateway", RENAMED: "the-key-of-the-gateway" },
};
const run = (flags: string[]) => ["harness", "run", "--client", "exec", ...flags, "--", "env"];
const names = Object.keys(env);

describe("through the launcher", () => {
  const cases: [string, string[], string[]][] = [
    ["none", [], []],
    ["a prefix and a name", ["--allow-env=FOO_*", "--allow-env=OTHER"], ["FOO_A", "OTHER"]],
    [
      "bare, and a secret by its name",
      ["--allow-env", "--allow-env=FOO_TOKEN", "--deny-env=OTH*"],
      ["FOO_A", "FOO_TOKEN"],
    ],
    ["in normal as well", ["--sandbox", "normal", "--allow-env=FOO_A"], ["FOO_A"]],
  ];
  test.each(cases)("%s", async (_, flags, expected) => {
    using bench = makeBench();
    const ran = await bench.broke(run(flags), { env });
    const found = ran.stdout.split("\n").map((line) => line.split("=")[0]!);
    expect(found.filter((name) => names.includes(name)).sort()).toEqual(expected);
    const folder = join(bench.home, "runs", runIdOf(ran));
    const record =
      readFileSync(join(folder, "ledger.jsonl"), "utf8") + readFileSync(join(bench.home, "audit.jsonl"), "utf8");
    for (const value of Object.values(env)) expect(record).not.toContain(value);
    expect(readFileSync(join(bench.home, "audit.jsonl"), "utf8")).not.toMatch(/FOO_|OTHER/);
  });

  test("a secret that was let in is in nothing that is recorded, however the client says it", async () => {
    using bench = makeBench();
    const script = 'echo "$FOO_TOKEN $FOO_A"; echo "$FOO_TOKEN" > made; ls "--$FOO_TOKEN"; env true "$FOO_TOKEN"; true';
    const options = [
      "--workspace=direct",
      "--allow-env=FOO_TOKEN,FOO_A",
      "--policy",
      "throughput",
      "--verify",
      "cat made",
    ];
    const words = ["harness", "run", "--client", "exec", ...options, "--", "sh", "-c", script];
    const ran = await bench.broke(words, { env });
    expect(ran.stdout).toContain(`${env.FOO_TOKEN} ${env.FOO_A}`);
    const folder = join(bench.home, "runs", runIdOf(ran));
    const found = Bun.spawnSync(["grep", "-rlaF", env.FOO_TOKEN, folder]).stdout.toString();
    expect(found).toBe("");
    expect(Bun.spawnSync(["grep", "-rlaF", env.FOO_A, folder]).stdout.toString()).not.toBe("");
  });

  test("a key of the gateway's comes under no name", async () => {
    using bench = makeBench();
    await bench.broke(["backend", "add", "pool", "--provider", "groq", "--model", "m"]);
    await bench.broke(["swap", "sonnet=pool"]);
    expect(await bench.broke(run(["--allow-env=GROQ_API_KEY"]), { env })).toEqual({
      code: 2,
      stdout: "",
      stderr: "broke: --allow-env: GROQ_API_KEY is a key of the gateway's\nbroke: a run asks the gateway instead\n",
    });
    const renamed = await bench.broke(run(["--allow-env=RENAMED"]), { env });
    expect({ code: renamed.code, stdout: renamed.stdout }).toEqual({ code: 4, stdout: "" });
    const bare = await bench.broke(run(["--allow-env"]), { env });
    expect(bare.stdout).not.toContain("the-key-of-the-gateway");
    expect(bare.stdout).toContain("FOO_A=");
  });
});
