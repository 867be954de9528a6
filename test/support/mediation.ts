// What every client must show when it runs in strict through the run's own gateway: the same conversation over each dialect, the same faults,
// the same traps. A client's own test says how it is asked and what it would fall for.

import { describe, expect, test } from "bun:test";
import { type Dirent, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Dialect } from "#src/core/dialects.ts";
import { type Bench, LAUNCHER, makeBench, type Ran, runIdOf } from "./broke.ts";
import { startUpstream, type Upstream } from "./upstream.ts";
import { type Part, refuse, say, type Script, task } from "./upstream/script.ts";

export type Subject = {
  client: "claude" | "codex" | "gemini";
  /** The slot it asks for when nobody says which. */
  slot: string;
  /** Dialects of providers, its own among them. */
  dialects: Dialect[];
  /** Its arguments for one task without a terminal. */
  ask(prompt: string): string[];
  /** The same, going on with its last session. */
  resume(prompt: string): string[];
  shell(command: string): Part;
  write(path: string, text: string): Part;
  /** How many variables of its tools hold the run's nonce: Claude Code hands its own on, and it opens nothing but the bridge they have anyway. */
  noncesInTools: number;
  /** Whether its folder in a workspace is closed as a whole, or only what in it runs something. */
  closesFolder: boolean;
  /** How it ends when it is interrupted. */
  interrupted: number;
  /** Files of a workspace that would make it run `touch <workspace>/sprung-…`, ask for another model, or say evil-words, if it believed them. */
  traps(workspace: string): Record<string, string>;
  /** Its folder in a home, a file of settings in that, a file of credentials, and where sessions are kept. */
  state: {
    folder: string;
    settings: string;
    secret: string;
    sessions: string;
    /** What of the home outlives a run. */
    kept: RegExp;
    /** A folder of things it runs unasked. */
    runs: string;
    /** What it shares with the user's own. */
    shared: string[];
  };
};

const basePath: Record<Dialect, string> = {
  anthropic: "",
  "openai-chat": "/v1",
  "openai-responses": "/v1",
  gemini: "/v1beta",
};
const KEYS = { TEST_PROVIDER_KEY: "provider-key-one", TEST_PROVIDER_KEY_2: "provider-key-two" };

/** The run's own credential, or a variable of ours. */
const NONCE = /brokerun_[\w-]{20}|BROKE_/;

type Mediation = AsyncDisposable & {
  bench: Bench;
  upstream: Upstream;
  show(ran: Ran): Promise<{
    id: string;
    ledger: { state: string };
    requests: { slot: string; status: number; attempts: number; aborted: boolean }[];
    inventory: { changes: { path: string; change: string }[] };
  }>;
};

/** Every slot answered by one scripted provider that has two keys. */
async function mediate(dialect: Dialect, script: (workspace: string) => Script): Promise<Mediation> {
  const bench = makeBench();
  const upstream = await startUpstream(script(bench.workspace));
  for (const words of [
    [
      ...["backend", "add", "scripted", "--base-url", `${upstream.url}${basePath[dialect]}`, "--dialect", dialect],
      ...["--model", "m", "--key-env", "TEST_PROVIDER_KEY"],
    ],
    ["swap", "all=scripted"],
  ]) {
    expect((await bench.broke(words)).stderr).toBe("");
  }
  const keys = Object.entries(KEYS).map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(bench.home, ".env"), keys.join(""), { mode: 0o600 });
  return {
    bench,
    upstream,
    async show(ran) {
      const id = runIdOf(ran);
      return { id, ...JSON.parse((await bench.broke(["harness", "show", id, "--json"])).stdout) };
    },
    async [Symbol.asyncDispose]() {
      await upstream[Symbol.asyncDispose]();
      bench[Symbol.dispose]();
    },
  };
}

const keyOf = ({ headers }: { headers: Record<string, string> }) =>
  headers["x-api-key"] ?? headers["x-goog-api-key"] ?? headers["authorization"]?.replace("Bearer ", "");

/** The kernel's counters of an own network namespace: what was opened, and what had nowhere to go. */
function networkCounts(text: string): Record<string, number> {
  const lines = text.split("\n").map((line) => line.trim().split(/\s+/));
  const pick = (group: string, name: string) => {
    const [names = [], values = []] = lines.filter(([head]) => head === `${group}:`);
    return Number(values[names.indexOf(name)]);
  };
  return {
    noRoute: pick("Ip", "OutNoRoutes"),
    noRoute6: Number(lines.find(([name]) => name === "Ip6OutNoRoutes")?.[1]),
    datagrams: pick("Udp", "OutDatagrams"),
    refused: pick("Tcp", "AttemptFails"),
  };
}

/** Registers the tests of one client. */
export function testMediation(subject: Subject): void {
  const { client, slot } = subject;
  const run = (bench: Bench, options: string[] = []) =>
    bench.broke(["harness", "run", "--client", client, ...options, "--", ...subject.ask("make the files")]);

  describe.each(subject.dialects)(`${client}, strict, over %s`, (dialect) => {
    test("a task of several turns: a command, a file, and a word; all of it explained, nothing of ours given away", async () => {
      const command =
        "cat /proc/net/snmp /proc/net/snmp6 > net.txt; echo from-shell | tee shell.txt; env | grep -c brokerun_";
      await using world = await mediate(dialect, (workspace) =>
        task([
          { ...say("Looking.", subject.shell(command)), pieces: 3 },
          { ...say(subject.write(join(workspace, "hello.txt"), "hello\n")), split: 13 },
          say("All done."),
        ]),
      );
      const { bench, upstream } = world;
      const ran = await run(bench);
      expect({ code: ran.code, said: ran.stdout.includes("All done.") }).toEqual({ code: 0, said: true });
      const read = (name: string) => readFileSync(join(bench.workspace, name), "utf8");
      expect([read("shell.txt"), read("hello.txt")]).toEqual(["from-shell\n", "hello\n"]);
      // One refusal is our own: the host's loopback is tried before the client starts.
      expect(networkCounts(read("net.txt"))).toEqual({ noRoute: 0, noRoute6: 0, datagrams: 0, refused: 1 });
      const asked = upstream.asked();
      expect(asked.map((seen) => [seen.dialect, keyOf(seen)])).toEqual(asked.map(() => [dialect, "provider-key-one"]));
      for (const { headers, raw } of asked) expect(`${JSON.stringify(headers)}${raw}`).not.toMatch(NONCE);
      // The command's own last line: how many of its variables hold the run's nonce.
      const told = asked[1]!.history.flatMap(({ results }) => results)[0]!.text;
      expect(/from-shell\\?n?\s*(\d+)/.exec(told)?.[1]).toBe(String(subject.noncesInTools));
      const shown = await world.show(ran);
      expect(shown.requests.map(({ slot, status }) => [slot, status])).toEqual(asked.map(() => [slot, 200]));
      expect(shown.inventory.changes.map(({ change, path }) => [change, path])).toEqual([
        ["created", "hello.txt"],
        ["created", "net.txt"],
        ["created", "shell.txt"],
      ]);
      expect((await bench.broke(["harness", "verify", shown.id])).code).toBe(0);
      expect(readFileSync(join(bench.home, "runs", shown.id, "ledger.jsonl"), "utf8")).not.toMatch(
        /provider-key|brokerun_[\w-]{20}/,
      );
    });
  });

  const foreign = subject.dialects[0]!;

  test("a key over its limit: the next one answers, and the client sees nothing of it", async () => {
    await using world = await mediate(
      foreign,
      () => (seen) =>
        keyOf(seen) === KEYS.TEST_PROVIDER_KEY ? refuse(429, "slow down", { "retry-after": "120" }) : say("Fine."),
    );
    const ran = await world.bench.broke(["launch", client, ...subject.ask("say something")]);
    expect({ code: ran.code, stdout: ran.stdout.trim() }).toEqual({ code: 0, stdout: "Fine." });
    expect(world.upstream.asked().map(keyOf)).toEqual(["provider-key-one", "provider-key-two"]);
    const { requests } = await world.show(ran);
    expect(requests.map(({ status, attempts }) => ({ status, attempts }))).toEqual([{ status: 200, attempts: 2 }]);
  });

  test.each(subject.dialects)(
    "an answer of %s that is cut off in the middle: asked again, and the task is done",
    async (dialect) => {
      let cut = false;
      await using world = await mediate(dialect, () => {
        const steps = task([
          say("One two three four five six", subject.shell("echo made > made.txt")),
          say("All done."),
        ]);
        return async (seen, index) => {
          const reply = await steps(seen, index);
          if (cut || seen.tools.length === 0) return reply;
          cut = true;
          return { ...reply, pieces: 6, cut: { frames: 5 } };
        };
      });
      const ran = await run(world.bench);
      expect({ code: ran.code, said: ran.stdout.includes("All done.") }).toEqual({ code: 0, said: true });
      expect(readFileSync(join(world.bench.workspace, "made.txt"), "utf8")).toBe("made\n");
      expect(world.upstream.asked()).toHaveLength(3);
      const { ledger } = await world.show(ran);
      expect(ledger.state).toBe("intact");
    },
  );

  test("Ctrl-C ends the client and the call it waits for; the run is whole", async () => {
    const reached = Promise.withResolvers<void>();
    await using world = await mediate(foreign, () => () => {
      reached.resolve();
      return { ...say("Waiting now"), pieces: 1, pause: { after: 3, until: new Promise<void>(() => {}) } };
    });
    const { bench, upstream } = world;
    const words = ["harness", "run", "--client", client, "--", ...subject.ask("hello")];
    const child = Bun.spawn([LAUNCHER, ...words], {
      cwd: bench.workspace,
      env: bench.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    await reached.promise;
    child.kill("SIGINT");
    const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    const code = await child.exited;
    await upstream.until((seen) => seen.some(({ aborted }) => aborted));
    const shown = await world.show({ code, stdout, stderr });
    expect({ code, state: shown.ledger.state }).toEqual({ code: subject.interrupted, state: "intact" });
    expect((await bench.broke(["harness", "events", shown.id])).stdout).toContain("session.interrupted");
    expect((await bench.broke(["harness", "verify", shown.id])).code).toBe(0);
  });

  test("a workspace full of its settings, hooks and servers: none runs, none is believed, none can be changed", async () => {
    const { folder, settings } = subject.state;
    const command = `echo x >> ${folder}/${settings}; echo x > ${folder}/more; echo x >> ~/${folder}/${settings}; true`;
    await using world = await mediate(foreign, () => task([say(subject.shell(command)), say("All done.")]));
    const { bench, upstream } = world;
    const traps = subject.traps(bench.workspace);
    for (const [path, text] of Object.entries(traps)) {
      mkdirSync(dirname(join(bench.workspace, path)), { recursive: true });
      writeFileSync(join(bench.workspace, path), text);
    }
    expect(Bun.spawnSync(["git", "init", "-q"], { cwd: bench.workspace }).success).toBe(true);
    const ran = await run(bench);
    expect({
      code: ran.code,
      sprung: readdirSync(bench.workspace).filter((name) => name.startsWith("sprung")),
    }).toEqual({
      ...{ code: 0, sprung: [] },
    });
    for (const [path, text] of Object.entries(traps))
      expect(readFileSync(join(bench.workspace, path), "utf8")).toBe(text);
    const results = upstream
      .asked()
      .at(-1)!
      .history.flatMap(({ results }) => results);
    expect(results[0]!.text.match(/Read-only file system/g)).toHaveLength(subject.closesFolder ? 3 : 2);
    expect(upstream.asked().filter(({ raw }) => raw.includes("evil-words"))).toEqual([]);
    const { requests } = await world.show(ran);
    expect(new Set(requests.map(({ slot }) => slot))).toEqual(new Set([slot]));
  });

  test("nothing worth stealing inside: no key, no secret, nothing of ours in any process, argument or file; only sessions are kept", async () => {
    const needles = ["pro''vider-key", "can''ary-of-the-host", "BRO''KE_"];
    const command = [
      "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline > all.txt 2>/dev/null",
      ...needles.map((needle) => `grep -ac -e ${needle} all.txt; grep -ras -e ${needle} ~ /tmp /etc | wc -l`),
      "rm all.txt",
    ].join("; ");
    await using world = await mediate(foreign, () => task([say(subject.shell(command)), say("All done.")]));
    const { bench, upstream } = world;
    const names = ["OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY", "AWS_SECRET_ACCESS_KEY", "ORDINARY"];
    const env = Object.fromEntries(names.map((name) => [name, "canary-of-the-host"]));
    const ran = await bench.broke(["launch", client, ...subject.ask("look around")], { env });
    expect(ran.code).toBe(0);
    const result = upstream
      .asked()
      .at(-1)!
      .history.flatMap(({ results }) => results)[0]!.text;
    // Each on its own line; what the client says around them is its own matter.
    expect(result).toMatch(/(?:\b0\n){5}0$/m);
    const { folder, sessions } = subject.state;
    const home = join(bench.env["HOME"]!, "home", "runs", runIdOf(ran), "home");
    const kept = (readdirSync(home, { recursive: true, withFileTypes: true }) as Dirent[]).filter(
      (entry) => !entry.isDirectory(),
    );
    const paths = kept.map((entry) => relative(home, join(entry.parentPath, entry.name)));
    expect(paths.filter((path) => !subject.state.kept.test(path))).toEqual([]);
    expect(paths.some((path) => path.startsWith(`${folder}/${sessions}/`))).toBe(true);
    const texts = paths.map((path) => readFileSync(join(home, path), "utf8")).join("");
    expect(texts).not.toMatch(/provider-key|canary-of-the-host/);
  });

  test("--home user: its sessions are the user's own; nothing else of the user's can be changed, planted or robbed", async () => {
    const { folder, settings, secret, sessions, runs } = subject.state;
    const command = [
      `cd ~/${folder}`,
      `cat ${secret} ${runs}/mine`,
      `mkdir -p hooks ${runs}`,
      `for f in ${settings} AGENTS.md ${secret} more hooks/x ${runs}/mine; do echo evil >> $f; done`,
      `ln -s ~/.bashrc ${sessions}/link.jsonl`,
      "true",
    ].join("; ");
    await using world = await mediate(foreign, () => task([say(subject.shell(command)), say("All done.")]));
    const { bench, upstream } = world;
    const refused = await run(bench, ["--home", "user"]);
    expect({ code: refused.code, why: refused.stderr.includes(`there is no ${bench.env["HOME"]}/${folder}`) }).toEqual({
      ...{ code: 3, why: true },
    });
    const own = (path: string) => join(bench.env["HOME"]!, folder, path);
    mkdirSync(own(""));
    mkdirSync(own(runs));
    const before = {
      [settings]: "the user's own",
      "AGENTS.md": "",
      [secret]: "the user's secret",
      [`${runs}/mine`]: "mine",
    };
    for (const [path, text] of Object.entries(before)) writeFileSync(own(path), text);
    const ran = await run(bench, ["--home", "user"]);
    expect({
      code: ran.code,
      told: ran.stderr.includes(`broke: ${client} works with its state in your own home`),
    }).toEqual({
      ...{ code: 0, told: true },
    });
    const result = upstream
      .asked()
      .at(-1)!
      .history.flatMap(({ results }) => results)[0]!.text;
    expect(result).not.toMatch(/the user's secret|\bmine$/m);
    expect(result.match(/Read-only file system/g)!.length).toBeGreaterThanOrEqual(2);
    const after = Object.keys(before).map((path) => [path, readFileSync(own(path), "utf8")]);
    expect(Object.fromEntries(after)).toEqual(before);
    const found = readdirSync(own("")).filter((name) => !subject.state.shared.includes(name));
    expect(found.sort()).toEqual([settings, "AGENTS.md", secret, runs].sort());
    expect(readdirSync(own(sessions), { recursive: true }).length).toBeGreaterThan(0);
    expect(existsSync(own(`${sessions}/link.jsonl`))).toBe(false);
    const again = ["harness", "run", "--client", client, "--home", "user", "--", ...subject.resume("once more")];
    expect((await bench.broke(again)).code).toBe(0);
    expect(upstream.asked().at(-1)!.raw.toString()).toMatch(/make the files[\s\S]*once more/);
    const { id, ledger } = await world.show(ran);
    const text = readFileSync(join(bench.home, "runs", id, "ledger.jsonl"), "utf8");
    expect([
      ledger.state,
      text.includes('"home":"user"'),
      existsSync(join(bench.home, "runs", id, "home", folder, sessions)),
    ]).toEqual(["intact", true, false]);
  });
}
