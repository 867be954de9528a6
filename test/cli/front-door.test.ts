// What a person meets first: `broke` alone, init, mode, provider, logs, completion.

import { describe, expect, test } from "bun:test";
import { appendFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench } from "#test/support/broke.ts";
import { completionScript, walkTree } from "#src/cli/completion.ts";
import { root } from "#src/cli/tree.ts";
import { readTail } from "#src/cli/tail.ts";

describe("broke alone", () => {
  test("launches the active client in the sandbox; as a router it starts the gateway and nobody", async () => {
    using bench = makeBench();
    const run = (...words: string[]) => bench.broke(words);
    expect((await run("provider", "swap", "codex")).stdout).toBe("codex\n");
    // Without a terminal Codex itself says that it wants one.
    expect((await run()).code).not.toBe(0);
    const runs = JSON.parse((await run("harness", "list", "--json")).stdout) as { client: string }[];
    expect(runs.map(({ client }) => client)).toEqual(["codex"]);
    expect((await run("mode", "router")).stdout).toBe("router\n");
    try {
      expect((await run()).stdout).toStartWith("gateway started on http://127.0.0.1:");
      expect((await run()).stdout).toStartWith("gateway runs already on ");
      expect((await run("logs", "--lines", "1")).stdout).toContain("listening on");
    } finally {
      await run("stop");
    }
  });

  test.each(["--model", "nosuch", "-p"])("%s is an error and launches nothing", async (word) => {
    using bench = makeBench();
    const ran = await bench.broke([word]);
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 2, stdout: "" });
    expect(JSON.parse((await bench.broke(["harness", "list", "--json"])).stdout)).toEqual([]);
  });
});

test("init makes everything private and says what is next; again it changes nothing", async () => {
  using bench = makeBench();
  expect(await bench.broke(["init"])).toEqual({
    code: 0,
    stdout: `${bench.home} is ready\nnext: keys into .env there, then \`broke swap sonnet=<backend>\`\n`,
    stderr: "",
  });
  const token = readFileSync(join(bench.home, "client-token"), "utf8");
  await bench.broke(["init"]);
  expect(readFileSync(join(bench.home, "client-token"), "utf8")).toBe(token);
});

test("init counts the keys that something could use, and nothing else of the environment", async () => {
  using bench = makeBench();
  const keys = async (env: Record<string, string>) =>
    JSON.parse((await bench.broke(["init", "--json"], { env })).stdout) as { keys: number };
  expect((await keys({ SOMETHING: "else" })).keys).toBe(0);
  expect((await keys({ GROQ_API_KEY: "one", GROQ_API_KEY_2: "two" })).keys).toBe(2);
});

test("what is chosen survives, and what is no choice changes nothing", async () => {
  using bench = makeBench();
  expect((await bench.broke(["provider", "swap", "claud"])).stderr).toBe(
    "broke: unknown client\nbroke: did you mean claude?\n",
  );
  expect((await bench.broke(["mode", "gateway"])).code).toBe(2);
  const all = JSON.parse((await bench.broke(["provider", "--json"])).stdout) as { client: string; active: boolean }[];
  expect(all.map(({ client, active }) => [client, active])).toEqual([
    ["claude", true],
    ["codex", false],
    ["gemini", false],
  ]);
});

describe("the end of a log", () => {
  test("so many lines, then what is added, whole lines only; a new file is read from its beginning", () => {
    using bench = makeBench();
    const path = join(bench.workspace, "log");
    const tail = readTail(path, 2);
    expect(tail.lines()).toEqual([]);
    writeFileSync(path, "a\nb\nc\nhal");
    const again = readTail(path, 2);
    expect(again.lines()).toEqual(["b", "c"]);
    appendFileSync(path, "f\nd\n");
    expect(again.more()).toEqual(["half", "d"]);
    expect(again.more()).toEqual([]);
    writeFileSync(path, "new\n");
    expect(again.more()).toEqual(["new"]);
  });
});

describe("completion", () => {
  test("bash completes commands, their commands and their options, and nothing of a client's", async () => {
    using bench = makeBench();
    const script = join(bench.workspace, "broke.bash");
    const made = await bench.broke(["completion", "bash"]);
    writeFileSync(script, made.stdout);
    const complete = async (...words: string[]) => {
      const line = `source ${script}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(" ")}); COMP_CWORD=${words.length - 1}; _broke; echo "\${COMPREPLY[@]}"`;
      const child = Bun.spawn(["bash", "--norc", "-c", line], { stdout: "pipe", stderr: "pipe" });
      return (await new Response(child.stdout).text()).trim().split(" ");
    };
    expect(await complete("broke", "snap")).toEqual(["snapshot"]);
    expect(await complete("broke", "snapshot", "")).toEqual(["save", "list", "diff", "restore"]);
    expect(await complete("broke", "snapshot", "-")).toEqual(["--json", "--help"]);
    expect(await complete("broke", "export", "")).toEqual([""]);
    expect(await complete("broke", "completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(await complete("broke", "completion", "bash", "")).toEqual([""]);
    expect(await complete("broke", "key-state", "")).toEqual(["set"]);
    expect(await complete("broke", "key-state", "--")).toEqual(["--log", "--json", "--help"]);
    expect(await complete("broke", "import", "--")).toEqual([
      "--overwrite",
      "--trust",
      "--dry-run",
      "--json",
      "--help",
    ]);
    expect(await complete("broke", "import", "some.json", "--ov")).toEqual(["--overwrite"]);
    expect(await complete("broke", "launch", "claude", "")).toEqual([""]);
  });

  test.each(["bash", "zsh", "fish"] as const)("%s: every command of the tree is in it", async (shell) => {
    const places = await walkTree(root);
    const script = completionScript(shell, places);
    expect(places.length).toBeGreaterThan(60);
    for (const { path } of places) for (const word of path) expect(script).toContain(word);
  });

  test("fish: words and options of a place, those of a group alone too", async () => {
    const lines = completionScript("fish", await walkTree(root)).split("\n");
    const at = (path: string) =>
      lines
        .filter((line) => line.includes(`'__broke_at ${path}'`))
        .map((line) => line.slice(`complete -c broke -n '__broke_at ${path}' `.length));
    expect(at("key-state")).toEqual(["-f -a set", "-l log", "-l json", "-l help"]);
    expect(at("completion")).toEqual(["-f -a bash", "-f -a zsh", "-f -a fish", "-l help"]);
  });

  test("another shell", async () => {
    using bench = makeBench();
    expect(await bench.broke(["completion", "tcsh"])).toEqual({
      code: 2,
      stdout: "",
      stderr: "broke: the shell is bash, zsh or fish\n",
    });
  });
});
