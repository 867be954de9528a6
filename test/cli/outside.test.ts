// What is chosen stays chosen, and what cannot be done says so by its exit code, having done nothing.

import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { makeBench } from "#test/support/broke.ts";

test("a policy of the harness survives a restart of the gateway, and a new process of everything", async () => {
  using bench = makeBench();
  await bench.broke(["harness", "set", "balanced"]);
  await bench.broke(["start", "--port=0"]);
  const policy = async () =>
    (JSON.parse((await bench.broke(["harness", "status", "--json"])).stdout) as { policy: string }).policy;
  expect(await policy()).toBe("balanced");
  expect((await bench.broke(["restart"])).code).toBe(0);
  expect(await policy()).toBe("balanced");
  expect((await bench.broke(["stop"])).code).toBe(0);
  expect(await policy()).toBe("balanced");
});

test("every verb that fails exits with what is not 0, launches nothing and leaves nothing behind", async () => {
  using bench = makeBench();
  const failing: string[][] = [
    ["nonsense"],
    ["claud"],
    ["--nonsense"],
    ["harness", "runn", "--client", "exec", "--", "touch", "made"],
    ["harness", "run", "--client", "nobody", "--", "touch", "made"],
    ["harness", "run", "--sandbox", "lenient", "--client", "exec", "--", "touch", "made"],
    ["harness", "set", "nonsense"],
    ["launch", "nobody"],
    ["swap", "sonnet=nobody"],
    ["swap", "nobody=OR/GLM-4.5"],
    ["fallback", "sonnet", "nobody"],
    ["provider", "swap", "nobody"],
    ["mode", "nonsense"],
    ["team", "load", "nobody"],
    ["team", "delete", "nobody"],
    ["profile", "new", "app", "nobody"],
    ["profile", "load", "nobody"],
    ["connect", "--profile=nobody"],
    ["token", "revoke", "nobody"],
    ["snapshot", "restore", "nobody"],
    ["freeze", "maybe"],
    ["import", "nobody.json"],
    ["key-policy", "nobody", "--mode=sticky"],
    ["key-state", "set", "NOBODY", "blocked"],
    ["model-state", "set", "nobody", "blocked"],
    ["explain", "nobody"],
    ["route", "nobody"],
    ["probe", "nobody"],
    ["metrics", "--nonsense"],
    ["active-model", "--lines=few"],
    ["sandbox", "set", "lenient"],
    ["start", "--port=many"],
    ["gateway", "--host=0.0.0.0"],
    ["completion", "tcsh"],
    ["settings", "nonsense=1"],
  ];
  for (const words of failing) {
    const { code, stdout, stderr } = await bench.broke(words);
    expect([words, code === 0, stdout + stderr === ""]).toEqual([words, false, false]);
  }
  expect(readdirSync(bench.workspace)).toEqual([]);
  expect([existsSync(join(bench.home, "run", "gateway.json")), readdirSync(join(bench.home, "runs"))]).toEqual([
    false,
    [],
  ]);
  const { stdout } = await bench.broke(["list", "--json"]);
  expect(stdout).not.toContain("nobody");
});
