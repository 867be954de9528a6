// A workspace put back to what it was before a run that is not to be kept: only where nobody has been since, never through a link, and what cannot be put back is
// said. Through the real launcher.

import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench, runIdOf } from "#test/support/broke.ts";

async function blocked(bench: Bench, script: string): Promise<string> {
  const at = (name: string) => join(bench.workspace, name);
  writeFileSync(at("a"), "one\n");
  writeFileSync(at("run.sh"), "echo hi\n");
  chmodSync(at("run.sh"), 0o755);
  writeFileSync(at("picture"), Buffer.from([0, 1, 2]));
  mkdirSync(at("d/e"), { recursive: true });
  writeFileSync(at("d/e/f"), "deep\n");
  const ran = await bench.broke([
    ...["harness", "run", "--client", "exec", "--workspace", "direct", "--policy", "throughput"],
    ...["--forbidden-paths", "a", "--verify", "true", "--", "sh", "-c", script],
  ]);
  expect([ran.code, ran.stderr.includes("broke harness restore")]).toEqual([13, true]);
  return runIdOf(ran);
}
const files = (bench: Bench) => readdirSync(bench.workspace, { recursive: true }).map(String).sort();
const WAS = ["a", "d", "d/e", "d/e/f", "picture", "run.sh"];

test("what was made goes, what was changed or taken away comes back, with its mode", async () => {
  using bench = makeBench();
  const id = await blocked(
    bench,
    "echo two > a; rm -r d; rm run.sh; mkdir -p new/er; echo x > new/er/y; ln -s a link; chmod 600 picture",
  );
  const ran = await bench.broke(["harness", "restore", id, "--json"]);
  expect([
    files(bench),
    readFileSync(join(bench.workspace, "a"), "utf8"),
    readFileSync(join(bench.workspace, "d/e/f"), "utf8"),
  ]).toEqual([WAS, "one\n", "deep\n"]);
  expect(statSync(join(bench.workspace, "run.sh")).mode & 0o777).toBe(0o755);
  expect([ran.code, (JSON.parse(ran.stdout) as { left: string[] }).left]).toEqual([1, ["picture"]]);
  const again = await bench.broke(["harness", "restore", id]);
  expect([again.code, again.stderr]).toEqual([4, expect.stringContaining("changed since it ended")] as never);
  expect((await bench.broke(["audit", "verify"])).code).toBe(0);
});

test("what took another's place gives it back: a folder for a file or a link, a file for a folder, a folder that was closed", async () => {
  using bench = makeBench();
  const id = await blocked(
    bench,
    "echo two > a; rm -r d; ln -s /tmp d; rm run.sh; mkdir run.sh; echo x > run.sh/in; mkdir shut; echo x > shut/in; chmod 555 shut",
  );
  const ran = await bench.broke(["harness", "restore", id]);
  expect([ran.code, ran.stderr, files(bench)]).toEqual([0, "", WAS]);
  expect([
    readFileSync(join(bench.workspace, "d/e/f"), "utf8"),
    readFileSync(join(bench.workspace, "run.sh"), "utf8"),
    lstatSync(join(bench.workspace, "d")).isDirectory(),
  ]).toEqual(["deep\n", "echo hi\n", true]);
  const other = await blocked(bench, "echo two > a; rm -r d; echo x > d");
  expect([(await bench.broke(["harness", "restore", other])).code, files(bench)]).toEqual([0, WAS]);
});

test("a byte order mark is part of a text, and of a name", async () => {
  using bench = makeBench();
  writeFileSync(join(bench.workspace, "marked"), "\ufeffone\n");
  const id = await blocked(bench, "echo two > a; echo two > marked");
  expect((await bench.broke(["harness", "restore", id])).stderr).toBe("");
  expect(readFileSync(join(bench.workspace, "marked"))).toEqual(Buffer.from("\ufeffone\n"));
  const other = await bench.broke([
    ...["harness", "run", "--client", "exec", "--workspace", "copy", "--policy", "throughput", "--allowed-paths", "b"],
    ...["--verify", "true", "--", "sh", "-c", "echo x > $(printf '\\357\\273\\277b')"],
  ]);
  expect([other.code, existsSync(join(bench.workspace, "\ufeffb"))]).toEqual([13, false]);
});

test("not where somebody has been since, nor for a run on a tree of its own", async () => {
  using bench = makeBench();
  const id = await blocked(bench, "echo two > a");
  writeFileSync(join(bench.workspace, "mine"), "mine\n");
  expect((await bench.broke(["harness", "restore", id])).code).toBe(4);
  expect([readFileSync(join(bench.workspace, "a"), "utf8"), existsSync(join(bench.workspace, "mine"))]).toEqual([
    "two\n",
    true,
  ]);
  const copy = await bench.broke(["harness", "run", "--client", "exec", "--workspace", "copy", "--", "true"]);
  expect((await bench.broke(["harness", "restore", runIdOf(copy)])).code).toBe(4);
});

test("a link where a folder was leads nowhere, and goes", async () => {
  using bench = makeBench();
  const outside = join(bench.env["HOME"]!, "outside");
  mkdirSync(join(outside, "e"), { recursive: true });
  const id = await blocked(bench, `rm -r d; ln -s ${outside} d; echo two > a`);
  const ran = await bench.broke(["harness", "restore", id]);
  expect([ran.code, existsSync(join(outside, "e/f")), lstatSync(join(bench.workspace, "d")).isSymbolicLink()]).toEqual([
    0,
    false,
    false,
  ]);
  expect(readFileSync(join(bench.workspace, "a"), "utf8")).toBe("one\n");
  symlinkSync(outside, join(bench.workspace, "later"));
});

test("a run without a policy kept nothing to go back to, and that is what is said", async () => {
  using bench = makeBench();
  const id = runIdOf(await bench.broke(["harness", "run", "--client", "exec", "--", "sh", "-c", "echo x > made"]));
  expect(await bench.broke(["harness", "restore", id])).toEqual({
    code: 3,
    stdout: "",
    stderr:
      "broke: what the workspace was before the run was not kept\nbroke: it is kept of a run with a policy that was not accepted; `broke harness diff` shows what this one changed\n",
  });
  expect(files(bench)).toEqual(["made"]);
});
