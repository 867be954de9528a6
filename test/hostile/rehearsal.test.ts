// What `explain` and `--dry-run` say is what a run gets: the rehearsed words are given to the real bwrap, and the mounts it makes are compared.

import { describe, expect, test } from "bun:test";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tmpdir } from "node:os";
import { runIdOf } from "#test/support/broke.ts";
import { makeTree } from "#test/support/tree.ts";

type Rehearsed = {
  argv: string[];
  args: string[];
  descriptors: { token: string; path?: string; base64?: string }[];
  order: { env: Record<string, string>; argv: string[] };
};
type Mount = { path: string; kind: string };

const files = {
  ...{
    "ws/a": "a",
    "ws/.env": "K=1",
    "ws/sub/x": "x",
    "data/f": "f",
    "data/deep/g": "g",
    "out/o": "o",
    ".ssh/id": "k",
  },
};
const flagSets: [string, string[]][] = [
  ["nothing allowed", []],
  ["folders", ["--allow-read=../data", "--allow-write=../out", "--deny-read=../data/deep", "--deny-write=sub"]],
  ["what holds the workspace", ["--allow-write=.."]],
  ["hardened with a network", ["--sandbox", "hardened", "--allow-net=example.com"]],
  ["the host's files", ["--allow-read", "--deny-read=../data"]],
];

/** Everything that must be there for bwrap to mount it and was there only for the rehearsal. */
function restore({ args, descriptors }: Rehearsed, brokeHome: string): void {
  const sources = args.flatMap((word, at) => (/^--(ro-)?bind$/.test(word) ? [args[at + 1]!] : []));
  for (const path of sources.filter((each) => each.startsWith(`${brokeHome}/runs/`) && !existsSync(each))) {
    if (path.endsWith("/events")) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, "");
    } else mkdirSync(path, { recursive: true });
  }
  for (const { path } of descriptors) if (path !== undefined && !existsSync(path)) mkdirSync(path, { recursive: true });
}

/** Runs the rehearsed words with a command of ours in place of init; its output. */
async function runByBwrap(rehearsed: Rehearsed, command: string[]): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "fds-"));
  const opened: number[] = [];
  const numbers = new Map<string, string>();
  const open = (token: string, path: string) => {
    opened.push(openSync(path, "r"));
    numbers.set(token, String(2 + opened.length));
  };
  const bytes = (name: string, content: Uint8Array | string) => {
    writeFileSync(join(dir, name), content);
    return join(dir, name);
  };
  try {
    for (const [at, { token, path, base64 }] of rehearsed.descriptors.entries()) {
      open(token, path ?? bytes(`${at}`, Buffer.from(base64!, "base64")));
    }
    const words = rehearsed.args.map((word) => numbers.get(word) ?? word);
    open("{args}", bytes("args", words.map((word) => `${word}\0`).join("")));
    const head = rehearsed.argv.slice(0, rehearsed.argv.indexOf("--") + 1);
    const child = Bun.spawn([...head.map((word) => numbers.get(word) ?? word), ...command], {
      ...{ env: {}, cwd: "/", stdio: ["ignore", "pipe", "pipe", ...opened] as ["ignore", "pipe", "pipe"] },
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect({ code: await child.exited, err }).toEqual({ code: 0, err: "" });
    return out;
  } finally {
    for (const fd of opened) closeSync(fd);
    rmSync(dir, { recursive: true });
  }
}

describe.each(flagSets)("%s", (_, flags) => {
  test("bwrap takes the rehearsed words, and makes the mounts that are explained", async () => {
    using tree = makeTree("root", files);
    const options = { cwd: tree.ws };
    const explained = await tree.broke(["sandbox", "explain", "--json", ...flags], options);
    const { mounts } = JSON.parse(explained.stdout) as { mounts: Mount[] };
    const dry = await tree.broke(["sandbox", "run", "--dry-run", ...flags, "--", "true"], options);
    const rehearsed = JSON.parse(dry.stdout) as Rehearsed;
    expect(readdirSync(join(tree.home, "runs"))).toEqual([]);
    expect(readdirSync(tree.ws).sort()).toEqual([".env", "a", "sub"]);
    restore(rehearsed, tree.home);
    const table = await runByBwrap(rehearsed, ["/usr/bin/cat", "/proc/self/mountinfo"]);
    const made = new Map(
      table.split("\n").flatMap((line) => {
        const [, , , , path, how] = line.split(" ");
        return path === undefined ? [] : [[path.replaceAll("\\040", " "), how!.split(",")[0]] as const];
      }),
    );
    const standing = [...new Map(mounts.map((mount) => [mount.path, mount])).values()];
    const wrong = standing
      .filter(({ kind }) => kind !== "link" && kind !== "kernel")
      .filter(({ path, kind }) => made.get(path) !== (kind === "write" ? "rw" : "ro"))
      .map(({ path, kind }) => `${path} is said to be ${kind}, and is ${made.get(path) ?? "not mounted"}`);
    expect(wrong).toEqual([]);
    // Nothing is mounted that is not explained, but for what comes along with /dev and with folders of the host.
    const known = new Set(standing.map(({ path }) => path));
    const whole = flags.includes("--allow-read");
    const silent = [...made.keys()].filter((path) => !known.has(path) && path !== "/" && !path.startsWith("/dev/"));
    expect(whole ? [] : silent).toEqual([]);
  });
});

test("a rehearsal shows no secret, and a launch after it has the same words", async () => {
  using tree = makeTree("root", files);
  const flags = ["--allow-env=A_TOKEN,PLAIN", "--allow-read=../data"];
  const options = { cwd: tree.ws, env: { A_TOKEN: "the-secret-value", PLAIN: "plain" } };
  const dry = await tree.broke(["sandbox", "run", "--dry-run", ...flags, "--", "true"], options);
  const { order } = JSON.parse(dry.stdout) as Rehearsed;
  expect({ ...order.env, PATH: "" }).toMatchObject({
    A_TOKEN: "{A_TOKEN}",
    PLAIN: "plain",
    ANTHROPIC_AUTH_TOKEN: "{token}",
  });
  expect(dry.stdout).not.toContain("the-secret-value");
  const ran = await tree.broke(["sandbox", "run", ...flags, "--", "env"], options);
  const names = ran.stdout
    .split("\n")
    .flatMap((line) => (line === "" || line.startsWith("PWD=") ? [] : [line.split("=")[0]!]));
  expect(names.sort()).toEqual(Object.keys(order.env).sort());
  expect(runIdOf(ran)).toStartWith("run_");
});

test("what would be refused is refused", async () => {
  using tree = makeTree("root", files);
  const wrong = ["--allow-read=../none"];
  for (const words of [["explain"], ["run", "--dry-run"], ["run"]]) {
    const ran = await tree.broke(["sandbox", ...words, ...wrong, "--", "true"], { cwd: tree.ws });
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 2, stdout: "" });
  }
});
