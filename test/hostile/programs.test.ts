// Programs that must not run, tried every way there is, as root and as a plain user: denied by name where everything else may run, and everything
// denied but a list. The same attempts without a rule show that each of them has teeth.

import { describe, expect, test } from "bun:test";
import { chownSync, copyFileSync, cpSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { LAUNCHER } from "#test/support/broke.ts";
import { layBait } from "./bait.ts";

const PLAIN_UID = 54_321;
const identities =
  process.getuid!() === 0
    ? [
        { name: "root", uid: 0, as: [] as string[] },
        {
          name: "a plain user",
          uid: PLAIN_UID,
          as: ["setpriv", `--reuid=${PLAIN_UID}`, `--regid=${PLAIN_UID}`, "--clear-groups"],
        },
      ]
    : [{ name: "a plain user", uid: process.getuid!(), as: [] as string[] }];

// asm/unistd_64.h, asm-generic/unistd.h
const numbers = {
  x64: { mmap: 9, read: 0, pread64: 17, execve: 59, execveat: 322, openat: 257, memfd_create: 319 },
  arm64: { mmap: 222, read: 63, pread64: 67, execve: 221, execveat: 281, openat: 56, memfd_create: 279 },
}[process.arch as "x64" | "arm64"];
const loader = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"].find((path) => existsSync(path))!;
const DENIED = "/usr/bin/wc";
const RACES = 400;

type Tried = { results: Record<string, string>; race: string; events: Record<string, unknown>[] };

async function tryAll({ uid, as }: { uid: number; as: string[] }, flags: string[], profile = "strict"): Promise<Tried> {
  await using bait = await layBait(uid);
  const put = (from: string, name: string) => {
    const file = join(bait.workspace, name);
    if (from.startsWith("/usr/")) copyFileSync(from, file);
    else cpSync(from, file);
    chownSync(file, uid, uid);
  };
  put(DENIED, "tool");
  put(join(import.meta.dir, "programs.pl"), "programs.pl");
  const told = {
    ...Object.fromEntries(Object.entries(numbers).map(([name, number]) => [`NR_${name}`, String(number)])),
    ...{ DENIED, OWN: join(bait.workspace, "tool"), LOADER: loader, HERE: bait.workspace, RACES: String(RACES) },
  };
  const exports = Object.entries(told).map(([key, value]) => `${key}='${value}'`);
  const words = ["harness", "run", "--client", "exec", "--sandbox", profile, ...flags, "--", "sh", "-c"];
  const child = Bun.spawn([...as, LAUNCHER, ...words, `export ${exports.join(" ")}; exec perl programs.pl`], {
    ...{ cwd: bait.workspace, env: bait.env, stdio: ["ignore", "pipe", "pipe"] },
  });
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  if ((await child.exited) !== 0) throw new Error(err);
  const lines = out.trimEnd().split("\n");
  const { race = "", ...results } = Object.fromEntries(lines.map((line) => line.split("\t") as [string, string]));
  const [run] = readdirSync(join(bait.brokeHome, "runs"));
  const ledger = readFileSync(join(bait.brokeHome, "runs", run!, "ledger.jsonl"), "utf8")
    .trimEnd()
    .split("\n");
  return { results, race, events: ledger.map((line) => JSON.parse(line)) };
}

const OWN = /^(own|in memory)/;
const ran = ({ results }: Tried, mine: boolean) =>
  Object.keys(results).filter((name) => OWN.test(name) === mine && results[name] === "ran");
const denials = ({ events }: Tried) =>
  events.filter(({ event }) => event === "command.denied").map(({ data }) => data as Record<string, unknown>);

for (const who of identities) {
  describe(`launched by ${who.name}`, () => {
    test("the attempts have teeth: without a rule each of them runs the program", async () => {
      const tried = await tryAll(who, []);
      const failed = Object.entries(tried.results).filter(([, told]) => told !== "ran");
      // Across mounts there is no hard link.
      expect(failed).toEqual([["by hard link", "E18"]]);
      expect(Object.keys(tried.results).length).toBeGreaterThan(24);
      expect(tried.race).toMatch(/denied ran=\d+/);
      expect(denials(tried)).toEqual([]);
    });

    test.each(["strict", "hardened", "normal"])(
      "%s, denied by name: no way leads to it, by a race neither",
      async (profile) => {
        const tried = await tryAll(who, ["--deny-run=wc"], profile);
        expect(ran(tried, false)).toEqual([]);
        expect(tried.race).not.toContain("denied ran");
        // The mount is what stands where the observer was shown another path (EACCES).
        expect(tried.race).toMatch(/E13=\d+/);
        // A copy that came from elsewhere is another program, as the README says.
        expect(ran(tried, true).length).toBeGreaterThan(8);
        const told = denials(tried);
        expect(told.length).toBeGreaterThan(10);
        expect(new Set(told.map(({ reason }) => reason))).toEqual(new Set([`a rule denies ${DENIED}`]));
      },
    );

    test.each([
      ["a list that does not name it", ["--allow-run=perl,true"]],
      ["nothing but the client's own", ["--allow-run=perl"]],
    ])("%s: no other program runs, whatever the worker brings along", async (_, flags) => {
      const tried = await tryAll(who, flags);
      expect([...ran(tried, false), ...ran(tried, true)]).toEqual([]);
      expect(tried.race).not.toContain("denied ran");
      const told = denials(tried);
      const files = (path: RegExp) => told.find(({ path: asked }) => path.test(String(asked)))?.files as string[];
      expect(files(/outer$/).map((file) => basename(file))).toEqual(["outer", "script"]);
      expect(files(/ps$/).map((file) => basename(file))).toEqual(["ps", "perl"]);
      expect(told.some(({ files: found }) => (found as string[])[0]?.startsWith("/memfd:m"))).toBe(true);
      expect(told.every(({ lineage }) => (lineage as number[]).length >= 2)).toBe(true);
    });
  });
}
