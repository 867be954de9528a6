// The main job, from nothing to a verdict, with no account and no key: a strict run of the real Claude Code on a small workspace, answered by an
// embedded scripted model through the real gateway. Everything it makes is in `.demo/`.

import { cpSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startUpstream } from "#test/support/upstream.ts";
import { demoScript } from "./script.ts";

const root = join(import.meta.dir, "..", "..");
const demo = join(root, ".demo");
const workspace = join(demo, "workspace");
const before = join(demo, "before");
const home = join(demo, "home");
const launcher = join(root, "shims", "broke");

const print = (text: string) => void process.stdout.write(`${text}\n`);
const title = (text: string) => print(`\n── ${text} ${"─".repeat(Math.max(0, 72 - text.length))}`);

async function run(argv: string[], cwd = workspace): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = Bun.spawn(argv, {
    cwd,
    env: { ...process.env, BROKE_HOME: home },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() };
}

async function broke(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await run([launcher, ...words]);
  if (code !== 0) throw new Error(`broke ${words.join(" ")}: exit ${code}\n${stderr}`);
  return stdout;
}

rmSync(demo, { recursive: true, force: true });
mkdirSync(demo, { mode: 0o700 });
cpSync(join(import.meta.dir, "workspace"), workspace, { recursive: true });
cpSync(workspace, before, { recursive: true });

await using upstream = await startUpstream(demoScript(workspace));
title("Set-up: a backend, and the slots that use it");
print(
  await broke("backend", "add", "scripted", "--base-url", upstream.url, "--dialect", "anthropic", "--model", "demo"),
);
print(await broke("swap", "all=scripted"));

title('broke harness run -- -p "The test fails. Find out why and fix it."');
const started = performance.now();
const ran = await run([launcher, "harness", "run", "--", "-p", "The test fails. Find out why and fix it."]);
const seconds = ((performance.now() - started) / 1000).toFixed(1);
print(ran.stdout);
print(ran.stderr);
const id = /run (run_\d+_[0-9a-f]{8}) (\w+)/.exec(ran.stderr);
if (id === null) throw new Error("the run left no id");

title("The timeline (broke harness show)");
print(await broke("harness", "show", id[1]!));

title("The diff");
print((await run(["diff", "-ruN", "before", "workspace"], demo)).stdout);

title("The verdict");
const verified = await run([launcher, "harness", "verify", id[1]!]);
print(`${id[2]} after ${seconds} s, the client's exit code ${ran.code}`);
print(`ledger: ${join(home, "runs", id[1]!, "ledger.jsonl")}`);
print(verified.stdout);

title("Next");
print(`export BROKE_HOME=${home}`);
print("npx broke harness list");
print(`npx broke harness events ${id[1]}`);
print("npx broke --help");

const asked = upstream.asked().length;
const good = ran.code === 0 && verified.code === 0 && asked >= 5 && /^ACCEPT/.test(id[2]!);
if (!good)
  print(`\nthe demo did not do what it shows: exit ${ran.code}, verify ${verified.code}, ${asked} model requests`);
process.exitCode = good ? 0 : 1;
