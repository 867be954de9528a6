// The package as npm packs it: installed next to its dependencies it works, knows its own files, and refuses to run when one of them was changed.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "#test/support/broke.ts";

const dir = mkdtempSync(join(tmpdir(), "broke-pack-"));
const modules = join(dir, "node_modules");
const installed = join(modules, "broke");
const work = join(dir, "work");
afterAll(() => rmSync(dir, { recursive: true, force: true }));

async function run(argv: string[], cwd = ROOT) {
  const child = Bun.spawn(argv, {
    ...{ cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    env: { PATH: process.env.PATH ?? "", HOME: dir, BROKE_HOME: join(dir, "home") },
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout, stderr };
}
const broke = (...words: string[]) => run([join(installed, "shims", "broke"), ...words], work);

beforeAll(async () => {
  mkdirSync(installed, { recursive: true });
  mkdirSync(work);
  const packed = await run(["npm", "pack", "--silent", "--offline", "--pack-destination", dir]);
  expect(packed).toMatchObject({ code: 0 });
  const archive = packed.stdout.trim().split("\n").at(-1)!;
  expect(await run(["tar", "-xzf", join(dir, archive), "-C", installed, "--strip-components=1"])).toMatchObject({
    code: 0,
  });
  // As npm lays them out: dependencies beside the package.
  for (const name of readdirSync(join(ROOT, "node_modules")))
    symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
});

test("what is packed is what runs, and no more", async () => {
  expect(existsSync(join(ROOT, "manifest.json"))).toBe(false);
  expect(readdirSync(installed).sort()).toEqual(
    ["LICENSE", "README.md", "harness", "manifest.json", "package.json", "sandbox", "shims", "src"]
      .concat(existsSync(join(ROOT, "acp")) ? ["acp"] : [])
      .sort(),
  );
  const { stdout } = await broke("doctor", "--json");
  const { checks } = JSON.parse(stdout) as { checks: { id: string; status: string; detail: string }[] };
  expect(checks.filter(({ status }) => status === "failed")).toEqual([]);
  expect(checks.find(({ id }) => id === "installation")!.detail).toMatch(
    /^\d+ files are as they were packed; \d+ packages are the pinned ones$/,
  );
  expect(await broke("harness", "run", "--client", "exec", "--", "echo", "ran")).toMatchObject({
    code: 0,
    stdout: "ran\n",
  });
});

test("changed afterwards it runs nothing", async () => {
  appendFileSync(join(installed, "src", "main.ts"), "\n");
  expect(await broke("harness", "run", "--client", "exec", "--", "echo", "ran")).toMatchObject({ code: 4, stdout: "" });
  expect((await broke("harness", "run", "--client", "exec", "--", "echo", "ran")).stderr).toStartWith(
    "broke: src/main.ts of this installation of broke was changed\n",
  );
});
