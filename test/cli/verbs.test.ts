// The commands, through the real launcher: stdout, stderr and exit code together.

import { describe, expect, test } from "bun:test";
import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

const local = ["--base-url", "http://127.0.0.1:9/x", "--dialect", "anthropic", "--model", "m"];
const add = (bench: Bench, label: string, ...words: string[]) =>
  bench.broke(["backend", "add", label, ...(words.length > 0 ? words : local)]);
const fail = (code: number, ...lines: string[]) => ({
  code,
  stdout: "",
  stderr: lines.map((line) => `broke: ${line}\n`).join(""),
});

describe("what is not understood is refused with a way on", () => {
  const cases: [string, string[], number, string, string][] = [
    ["an unknown command", ["lst"], 2, "broke has no such command", "did you mean list?"],
    [
      "an unknown subcommand",
      ["harness", "frobnicate"],
      2,
      "broke harness has no such command",
      "`broke harness --help` lists them",
    ],
    ["an unknown option", ["list", "--jsn"], 2, "unknown option", "did you mean --json?"],
    ["a short option", ["list", "-j"], 2, "unknown option", "add --help to see how it is called"],
    ["an abbreviated option", ["backend", "add", "x", "--mode", "m"], 2, "unknown option", "did you mean --model?"],
    ["a missing word", ["backend", "add"], 2, "<label> is missing", "add --help to see how it is called"],
    [
      "a missing option",
      ["backend", "add", "x", "--provider", "groq"],
      2,
      "--model is missing",
      "add --help to see how it is called",
    ],
    [
      "an option without its value",
      ["backend", "add", "x", "--model"],
      2,
      "--model needs a value",
      "add --help to see how it is called",
    ],
    [
      "an option given twice",
      ["backend", "add", "x", "--model", "a", "--model", "b"],
      2,
      "--model is given twice",
      "add --help to see how it is called",
    ],
    ["a value for a flag", ["list", "--json=yes"], 2, "--json takes no value", "add --help to see how it is called"],
    [
      "a label that is none",
      ["backend", "add", "x=y", "--provider", "groq", "--model", "m"],
      2,
      "label is not valid",
      "letters, digits, spaces and . _ + : / @ -, 64 at most",
    ],
    ["a word too many", ["list", "more"], 2, "too many arguments", "add --help to see how it is called"],
    [
      "words for a client where there is none",
      ["list", "--", "x"],
      2,
      "`--` is not taken here",
      "add --help to see how it is called",
    ],
    ["a slot that is none", ["swap", "sonet=OR/GLM-4.5"], 2, "unknown slot", "did you mean sonnet?"],
    ["a backend that is none", ["swap", "sonnet=OR/GLM-4,5"], 2, "unknown backend", "did you mean OR/GLM-4.5?"],
    ["half an assignment", ["swap", "sonnet="], 2, "an assignment is slot=backend", ""],
    [
      "a provider that is none",
      ["backend", "add", "x", "--provider", "grok", "--model", "m"],
      2,
      "unknown provider",
      "did you mean groq?",
    ],
    [
      "a base URL without a dialect",
      ["backend", "add", "x", "--base-url", "http://h", "--model", "m"],
      2,
      "a backend needs --provider, or --base-url with --dialect",
      "",
    ],
    [
      "credentials in a base URL",
      ["backend", "add", "x", "--base-url", "http://u:secret@h", "--dialect", "anthropic", "--model", "m"],
      2,
      "--base-url must not carry credentials",
      "put the key in .env and name it with --key-env",
    ],
    [
      "a client that is none",
      ["harness", "run", "--client", "cladue"],
      2,
      "unknown client",
      "use one of: claude, codex, gemini, agent, exec",
    ],
    [
      "a profile that is none",
      ["harness", "run", "--sandbox", "none"],
      2,
      "unknown sandbox profile",
      "use one of: strict, hardened, normal",
    ],
    ...(
      [
        ["a limit that is none", ["--limit", "memroy=4g"], "unknown limit", "did you mean memory?"],
        ["a limit out of range", ["--limit", "pids=400,memory=1m"], "memory takes 128m to 1024t", ""],
        ["half a limit", ["--limit", "memory"], "a limit is name=value", ""],
        ["a limit twice", ["--limit", "cpu=1,cpu=2"], "cpu is given twice", ""],
        ["a duration that is none", ["--timeout", "10"], "--timeout takes 1s to 7d", "as in 90s, 10m, 2h"],
        [
          "a limit the profile has no use for",
          ["--sandbox", "normal", "--limit", "tmp=8m"],
          "normal has no /tmp of its own to limit",
          "use strict or hardened",
        ],
      ] as [string, string[], string, string][]
    ).map(([name, words, message, hint]): [string, string[], number, string, string] => {
      const whole = ["harness", "run", "--client", "exec", ...words, "--", "true"];
      return [name, whole, 2, message, hint];
    }),
    [
      "exec without a command",
      ["harness", "run", "--client", "exec"],
      2,
      "no command given",
      "it goes after `--`, as in `-- npm test`",
    ],
    [
      "a run id that is none",
      ["harness", "show", "../../etc"],
      2,
      "not a run id",
      "`broke harness list` shows the runs",
    ],
    [
      "a run that is not there",
      ["harness", "show", "run_1700000000_00000000"],
      3,
      "no such run",
      "`broke harness list` shows the runs",
    ],
    ["a port that is none", ["start", "--port=70000"], 2, "--port takes a number from 0 to 65535", ""],
  ];
  for (const [name, words, code, message, hint] of cases) {
    test(name, async () => {
      using bench = makeBench();
      expect(await bench.broke(words)).toEqual(fail(code, ...[message, hint].filter(Boolean)));
    });
  }

  test("what was written is not said back: it may be a secret", async () => {
    using bench = makeBench();
    const ran = await bench.broke(["backend", "add", "x", "--model", "m", "--sk-ant-secret-thing"]);
    expect(`${ran.stdout}${ran.stderr}`).not.toContain("secret");
  });
});

describe("backends and slots", () => {
  test("added, shown, routed, swapped, removed", async () => {
    using bench = makeBench();
    expect(await add(bench, "mine")).toEqual({
      code: 0,
      stdout: "added mine; `broke swap <slot>=mine` uses it\n",
      stderr: "",
    });
    expect(await add(bench, "mine")).toEqual(
      fail(2, "there is a backend mine already", "`broke backend remove mine` first, or choose another label"),
    );
    expect((await bench.broke(["backend", "list"])).stdout).toContain("mine");
    expect(await bench.broke(["route", "sonnet"])).toMatchObject({ code: 1, stderr: "" });
    expect(await bench.broke(["swap", "sonnet=mine", "haiku=mine"])).toEqual({
      code: 0,
      stdout: "generation 2: sonnet → mine, haiku → mine\n",
      stderr: "",
    });
    expect(JSON.parse((await bench.broke(["route", "claude-sonnet-5[1m]", "--json"])).stdout)).toEqual({
      kind: "attempts",
      slot: "sonnet",
      generation: 2,
      attempts: [
        { backend: "mine", model: "m", dialect: "anthropic", key: null, pinned: null, why: "the slot's backend" },
      ],
      skipped: [],
    });
    expect(await bench.broke(["backend", "remove", "mine"])).toEqual(
      fail(4, "mine answers for sonnet, haiku", "swap those slots to another backend first"),
    );
    await add(bench, "other");
    await bench.broke(["swap", "all=other"]);
    expect((await bench.broke(["backend", "remove", "mine"])).code).toBe(0);
    const slots = JSON.parse((await bench.broke(["list", "--json"])).stdout) as {
      backends: string[];
      served: boolean;
    }[];
    expect(slots.every(({ backends, served }) => served && backends.join() === "other")).toBe(true);
  });

  test("a swap is all or nothing", async () => {
    using bench = makeBench();
    await add(bench, "mine");
    expect((await bench.broke(["swap", "sonnet=mine", "nope=mine"])).code).toBe(2);
    expect((await bench.broke(["route", "sonnet"])).code).toBe(1);
  });

  test("edits at once all happen", async () => {
    using bench = makeBench();
    await bench.broke(["list"]);
    const labels = Array.from({ length: 12 }, (_, index) => `b${index}`);
    const codes = await Promise.all(labels.map(async (label) => (await add(bench, label)).code));
    expect(codes.filter((code) => code !== 0)).toEqual([]);
    const listed = (await bench.broke(["backend", "list", "--json"])).stdout;
    expect(labels.filter((label) => !listed.includes(`"${label}"`))).toEqual([]);
  });
});

describe("keys", () => {
  const route = async (bench: Bench, env: Record<string, string> = {}) => {
    const { stdout } = await bench.broke(["route", "sonnet", "--json"], { env });
    const view = JSON.parse(stdout) as { attempts?: { key: string }[]; reason?: string };
    return view.attempts?.map(({ key }) => key) ?? view.reason;
  };

  test("come from .env and the environment, pooled in numeric order", async () => {
    using bench = makeBench();
    await add(bench, "pooled", "--provider", "groq", "--model", "m");
    await bench.broke(["swap", "sonnet=pooled"]);
    expect(await route(bench)).toBe("no_key");
    writeFileSync(
      join(bench.home, ".env"),
      "GROQ_API_KEY_10=j-value\nGROQ_API_KEY_2='b-value'\nexport GROQ_API_KEY=a-value # first\nGROQ_API_KEY_3=\n",
      { mode: 0o600 },
    );
    expect(await route(bench)).toEqual(["GROQ_API_KEY", "GROQ_API_KEY_2", "GROQ_API_KEY_10"]);
    expect(await route(bench, { GROQ_API_KEY_4: "d-value" })).toEqual([
      "GROQ_API_KEY",
      "GROQ_API_KEY_2",
      "GROQ_API_KEY_4",
      "GROQ_API_KEY_10",
    ]);
  });

  test("are never shown, by any command", async () => {
    using bench = makeBench();
    await add(bench, "pooled", "--provider", "groq", "--model", "m");
    await bench.broke(["swap", "all=pooled"]);
    writeFileSync(join(bench.home, ".env"), "GROQ_API_KEY=the-secret-value\n", { mode: 0o600 });
    for (const words of [["list"], ["models"], ["backend", "list"], ["route", "sonnet"], ["status"]]) {
      for (const json of [[], ["--json"]]) {
        const ran = await bench.broke([...words, ...json]);
        expect(`${ran.stdout}${ran.stderr}`).not.toContain("the-secret-value");
      }
    }
  });

  test("a key file others could read is made private", async () => {
    using bench = makeBench();
    await add(bench, "pooled", "--provider", "groq", "--model", "m");
    await bench.broke(["swap", "sonnet=pooled"]);
    const file = join(bench.home, ".env");
    writeFileSync(file, "GROQ_API_KEY=value\n");
    chmodSync(file, 0o644);
    const ran = await bench.broke(["route", "sonnet"]);
    const mode = statSync(file).mode & 0o777;
    expect({ mode, code: ran.code }).toEqual({ mode: 0o600, code: 0 });
  });

  test("a key file that cannot be read says which line, and not what is in it", async () => {
    using bench = makeBench();
    await add(bench, "pooled", "--provider", "groq", "--model", "m");
    await bench.broke(["swap", "sonnet=pooled"]);
    writeFileSync(join(bench.home, ".env"), "A=1\nthis is no assignment secret\n", { mode: 0o600 });
    const ran = await bench.broke(["route", "sonnet"]);
    expect(ran.code).toBe(3);
    expect(ran.stderr).toMatch(/line 2/);
    expect(ran.stderr).not.toContain("secret");
  });
});

test("the state is private: folders 0700, files 0600", async () => {
  using bench = makeBench();
  await bench.broke(["harness", "run", "--client", "exec", "--", "true"]);
  const mode = (name: string) => (statSync(join(bench.home, name)).mode & 0o777).toString(8);
  expect([".", "runs", "run"].map(mode)).toEqual(["700", "700", "700"]);
  expect(["broke.db", "ledger.key"].map(mode)).toEqual(["600", "600"]);
});

test("help for every command, and the version", async () => {
  using bench = makeBench();
  const top = await bench.broke(["--help"]);
  expect({ code: top.code, stderr: top.stderr }).toEqual({ code: 0, stderr: "" });
  // A group's own options, taken without a command.
  expect((await bench.broke(["key-state", "--help"])).stdout).toMatch(/--log .*\n +--json /);
  const groups: Record<string, string[]> = {
    "": ["list", "models", "swap", "settings", "route", "start", "stop", "restart", "status", "gateway"],
    harness: ["run", "list", "show", "events", "verify", "reconcile"],
    backend: ["add", "list", "remove"],
    audit: ["verify", "restart"],
    sandbox: ["set"],
    "key-state": ["set"],
  };
  for (const [group, verbs] of Object.entries(groups)) {
    for (const verb of verbs) {
      const words = [group, verb].filter(Boolean);
      const { code, stdout, stderr } = await bench.broke([...words, "--help"]);
      expect({ words, code, stderr, usage: stdout.includes(`USAGE broke ${words.join(" ")}`) }).toEqual({
        words,
        code: 0,
        stderr: "",
        usage: true,
      });
    }
  }
  const { version } = JSON.parse(readFileSync(join(import.meta.dir, "../../package.json"), "utf8")) as {
    version: string;
  };
  expect(await bench.broke(["--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test("events --follow tells what happens while it happens, and ends with the run", async () => {
  using bench = makeBench();
  const env = bench.env;
  const child = Bun.spawn([LAUNCHER, "harness", "run", "--client", "exec", "--", "sh", "-c", "echo up; read x; true"], {
    cwd: bench.workspace,
    env,
    stdio: ["pipe", "pipe", "ignore"],
  });
  await readFrom(child.stdout).until("up");
  const [{ id }] = JSON.parse((await bench.broke(["harness", "list", "--json"])).stdout) as [{ id: string }];
  const follow = Bun.spawn([LAUNCHER, "harness", "events", id, "--follow", "--json"], {
    cwd: bench.workspace,
    env,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const followed = readFrom(follow.stdout);
  expect(await followed.until("agent.launched")).not.toContain("agent.exited");
  child.stdin.write("x\n");
  child.stdin.end();
  const lines = (await followed.rest()).trim().split("\n");
  expect(await follow.exited).toBe(0);
  const events = lines.map((line) => (JSON.parse(line) as { event: string }).event);
  expect([events[0], events.at(-1)]).toEqual(["run.registered", "run.completed"]);
});
