// The hostile probes from inside a strict run, as root and as a plain user, and what is left on the host afterwards.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LAUNCHER } from "#test/support/broke.ts";
import { type Bait, CANARY, layBait } from "./bait.ts";

const PLAIN_UID = 54_321;
const root = process.getuid!() === 0;
const identities = root
  ? [
      { name: "root", uid: 0, as: [] as string[] },
      {
        name: "a plain user",
        uid: PLAIN_UID,
        as: ["setpriv", `--reuid=${PLAIN_UID}`, `--regid=${PLAIN_UID}`, "--clear-groups"],
      },
      { name: "root in a user's workspace", uid: PLAIN_UID, as: [] as string[] },
    ]
  : [{ name: "a plain user", uid: process.getuid!(), as: [] as string[] }];

type Probed = { code: number; stderr: string; results: Map<string, string> };

async function runProbes(bait: Bait, as: string[], profile: string, flags: string[] = []): Promise<Probed> {
  const exports = Object.entries(bait.told).map(([key, value]) => `${key}='${value}'`);
  const script = `export ${exports.join(" ")}; . ./probes.sh`;
  const child = Bun.spawn(
    [...as, LAUNCHER, "harness", "run", "--client", "exec", "--sandbox", profile, ...flags, "--", "bash", "-c", script],
    { cwd: bait.workspace, env: bait.env, stdio: ["ignore", "pipe", "pipe"] },
  );
  const [out, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const results = new Map<string, string>();
  for (const line of out.split("\n").filter((text) => text !== "")) {
    const [id, verdict, found] = line.split("\t");
    results.set(id!, verdict === "ok" ? "ok" : `${verdict}: ${found}`);
  }
  return { code: await child.exited, stderr, results };
}

for (const { name, uid, as } of identities) {
  describe(`strict, launched by ${name}`, () => {
    let bait: Bait;
    let probed: Probed;

    beforeAll(async () => {
      bait = await layBait(uid);
      probed = await runProbes(bait, as, "strict");
    });
    afterAll(() => bait[Symbol.asyncDispose]());

    test("every probe ran and none got through", () => {
      const { code, stderr, results } = probed;
      expect({ code, stderr: stderr.split("\n").at(-2) }).toMatchObject({ code: 0 });
      expect(Object.fromEntries([...results].filter(([, verdict]) => verdict !== "ok"))).toEqual({});
      expect(results.size).toBeGreaterThan(120);
    });

    test("nothing of it is left: no process, no planted file, no placeholder", () => {
      const survivors = readdirSync("/proc")
        .filter((pid) => /^\d+$/.test(pid))
        .filter((pid) => {
          try {
            return readFileSync(`/proc/${pid}/cmdline`, "utf8") === "sleep\u0000300\u0000";
          } catch {
            return false;
          }
        });
      expect(survivors).toEqual([]);
      const planted = [
        ".git/hooks/post-checkout",
        "vendor/sub/.git/hooks/post-checkout",
        ".mcp.json",
        ".s",
        ".n",
        ".l",
        ".big",
      ];
      expect(planted.filter((path) => existsSync(join(bait.workspace, path)))).toEqual([]);
      expect(readdirSync(bait.workspace).sort()).toEqual([
        ".claude",
        ".env",
        ".git",
        "link-out",
        "probe.pl",
        "probes.sh",
        "vendor",
      ]);
      expect(readFileSync(join(bait.home, ".bashrc"), "utf8")).toBe(`${CANARY.join("-")}\n`);
    });

    test("what the run left belongs to its user, and holds no secret", () => {
      const [run] = readdirSync(join(bait.brokeHome, "runs"));
      const folder = join(bait.brokeHome, "runs", run!);
      const ledger = join(folder, "ledger.jsonl");
      expect(lstatSync(ledger).uid).toBe(uid);
      expect(lstatSync(ledger).mode & 0o777).toBe(0o600);
      const text = readFileSync(ledger, "utf8");
      for (const secret of ["-key", "-aws", "-github", "-openai", "-ordinary"])
        expect(text).not.toContain(`${CANARY.join("-")}${secret}`);
      expect(text).not.toContain("brokerun_");
    });
  });
}

// Not root as itself, whose probes would write to this machine's own folders.
for (const { name, uid, as } of identities.filter((each) => each.uid !== 0)) {
  test(`with -A, launched by ${name}: files and variables are open, nothing else is`, async () => {
    await using bait = await layBait(uid);
    const { results } = await runProbes(bait, as, "strict", ["-A"]);
    const opened = ["read/home-listing", "read/others-environ", "secret/env", "write/host-home", "write/link-out"];
    const through = [...results].filter(([, verdict]) => verdict !== "ok").map(([id]) => id);
    expect(through.filter((id) => !opened.includes(id))).toEqual([]);
    expect(through).toContain("secret/env");
    expect(results.size).toBeGreaterThan(120);
  });
}

test("the probes have teeth: without a sandbox they get through", async () => {
  await using bait = await layBait(identities[0]!.uid);
  const { results } = await runProbes(bait, [], "normal");
  const through = [...results].filter(([, verdict]) => verdict !== "ok").map(([id]) => id);
  expect(through).toEqual(
    expect.arrayContaining([
      "read/home/.ssh/id_rsa",
      "read/home-listing",
      "read/sibling",
      "read/host-tmp",
      "read/dotenv",
      "write/host-home",
      "write/sibling",
      "write/link-out",
      "write/git-config",
      "write/git-hook",
      "write/claude-settings",
      "net/host-port",
      "net/unix-path",
      "net/unix-abstract",
      "net/interfaces",
    ]),
  );
});
