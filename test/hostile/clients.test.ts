// The hostile probes as a tool call of a model, through each real client, in strict: what surrounds the client's tools is what surrounds any command.

import { expect, test } from "bun:test";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAUNCHER } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Part, say, task, tool } from "#test/support/upstream/script.ts";
import { type Bait, layBait } from "./bait.ts";
import { probeIds } from "./controls.ts";
import { parse, script } from "./inside.ts";

const LINE = "bash ./attack.sh > found.txt 2>/dev/null; echo ran";
const clients: [string, string[], Part][] = [
  ["claude", ["-p", "go"], tool("Bash", { command: LINE, description: "d" })],
  ["codex", ["exec", "--skip-git-repo-check", "go"], tool("exec_command", { cmd: LINE, yield_time_ms: 60_000 })],
  ["gemini", ["-p", "go"], tool("run_shell_command", { command: LINE, description: "d" })],
];

/** Without the gateway's, whose token each client has under a name of its own, and without what says only what a command of ours was given. */
const tried = probeIds.filter(
  (id) =>
    /^(read|write|net|service|secret|proc|ns|tty|priv|family|shim)\//.test(id) &&
    !/^(proc\/(descriptors|signal)|secret\/terminal)/.test(id),
);
/** What the clients themselves make look like one. */
const own: Record<string, string[]> = {
  claude: [],
  codex: ["write/path"], // a folder of its home, the run's own, is on its tools' PATH
  gemini: ["secret/sockets"], // it sets DISPLAY and DBUS_SESSION_BUS_ADDRESS, to nothing
};

async function broke(bait: Bait, args: string[]): Promise<{ code: number; out: string; err: string }> {
  const child = Bun.spawn([LAUNCHER, ...args], {
    cwd: bait.workspace,
    env: bait.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, out, err };
}

test.each(clients)("%s", async (client, args, call) => {
  await using bait = await layBait(process.getuid!());
  const attack = join(bait.workspace, "attack.sh");
  writeFileSync(
    attack,
    `export ANTHROPIC_BASE_URL=\${ANTHROPIC_BASE_URL:-:4000} ANTHROPIC_AUTH_TOKEN=\${ANTHROPIC_AUTH_TOKEN:-none}; ${script(bait, { ONLY: tried.join(" ") })}\n`,
  );
  chmodSync(attack, 0o755);
  await using upstream = await startUpstream(task([say("Looking.", call), say("Finished.")]));
  await broke(bait, [
    "backend",
    "add",
    "scripted",
    "--base-url",
    upstream.url,
    "--dialect",
    "anthropic",
    "--model",
    "m",
  ]);
  await broke(bait, ["swap", "all=scripted"]);
  const ran = await broke(bait, ["harness", "run", "--client", client, "--", ...args]);
  expect({ code: ran.code, said: ran.out.includes("Finished.") }).toEqual({ code: 0, said: true });
  const results = parse(readFileSync(join(bait.workspace, "found.txt"), "utf8"));
  const breached = [...results].filter(([id, verdict]) => verdict !== "ok" && !own[client]!.includes(id));
  expect(Object.fromEntries(breached)).toEqual({});
  expect([...results.keys()].sort()).toEqual(tried);
});
