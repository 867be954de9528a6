// The gateway as a process: started, asked, stopped; it ends only what is provably its own.

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, sequence } from "#test/support/upstream/script.ts";

type Owner = { pid: number; startTicks: string; bootId: string; port: number };
const ownerFile = (bench: Bench) => join(bench.home, "run", "gateway.json");
const owner = (bench: Bench) => JSON.parse(readFileSync(ownerFile(bench), "utf8")) as Owner;
const alive = (pid: number) =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
/** Who is connected to a port of 127.0.0.1 (proc_net_tcp(5); 01 is an established connection). */
const connected = (port: number) =>
  readFileSync("/proc/net/tcp", "utf8")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , to, state]) => to?.endsWith(`:${port.toString(16).toUpperCase().padStart(4, "0")}`) && state === "01")
    .length;
const status = async (bench: Bench) => JSON.parse((await bench.broke(["status", "--json"])).stdout);

test("start, status, restart, stop", async () => {
  using bench = makeBench();
  expect(await bench.broke(["status", "--json"])).toMatchObject({ code: 1 });
  const started = await bench.broke(["start", "--port=0"]);
  const first = owner(bench);
  expect(started).toEqual({
    code: 0,
    stdout: `gateway started on http://127.0.0.1:${first.port} (pid ${first.pid})\n`,
    stderr: "",
  });
  expect(statSync(ownerFile(bench)).mode & 0o777).toBe(0o600);
  expect(await status(bench)).toMatchObject({
    running: true,
    pid: first.pid,
    url: `http://127.0.0.1:${first.port}`,
    live: true,
    ready: true,
  });
  expect((await bench.broke(["start", "--port=0"])).stdout).toContain(`runs already on http://127.0.0.1:${first.port}`);

  expect((await bench.broke(["restart"])).code).toBe(0);
  const second = owner(bench);
  expect({ same: second.pid === first.pid, port: second.port, old: alive(first.pid) }).toEqual({
    same: false,
    port: first.port,
    old: false,
  });

  expect((await bench.broke(["stop"])).code).toBe(0);
  expect({ alive: alive(second.pid), file: existsSync(ownerFile(bench)) }).toEqual({ alive: false, file: false });
  expect((await bench.broke(["stop"])).code).toBe(0);
});

test("a proxy that the environment names is not asked for it", async () => {
  using bench = makeBench();
  const env = { HTTP_PROXY: "http://127.0.0.1:9", http_proxy: "http://127.0.0.1:9" };
  expect((await bench.broke(["start", "--port=0"], { env })).code).toBe(0);
  try {
    expect((await bench.broke(["status"], { env })).code).toBe(0);
    expect((await bench.broke(["metrics", "--raw"], { env })).stdout).toContain("# TYPE");
  } finally {
    await bench.broke(["stop"]);
  }
});

test("stopped while it answers, it ends with the answer, and waits for nothing else", async () => {
  const gate = Promise.withResolvers<void>();
  await using upstream = await startUpstream(() => ({
    ...say("one two"),
    pieces: 2,
    pause: { after: 3, until: gate.promise },
  }));
  using bench = makeBench();
  await bench.answerFrom(upstream.url);
  await bench.broke(["start", "--port=0"]);
  const { port } = owner(bench);
  const token = readFileSync(join(bench.home, "client-token"), "utf8").trim();
  const reply = await fetch(`http://127.0.0.1:${port}/v1/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "sonnet", max_tokens: 9, stream: true, messages: [{ role: "user", content: "hi" }] }),
  });
  // By now it has called a provider. A connection of its own to itself would be one more that its end waits for.
  expect(connected(port)).toBe(1);
  const stopping = bench.broke(["stop"]);
  while (existsSync(ownerFile(bench))) await Bun.sleep(5);
  gate.resolve();
  expect(await reply.text()).toContain("message_stop");
  const began = performance.now();
  expect((await stopping).code).toBe(0);
  expect(performance.now() - began).toBeLessThan(5_000);
});

test("one that cannot start says why", async () => {
  using bench = makeBench();
  using taken = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
  for (let round = 0; round < 2; round++)
    expect(await bench.broke(["start", `--port=${taken.port}`])).toEqual({
      ...{ code: 3, stdout: "" },
      stderr: `broke: the gateway did not start: port ${taken.port} on 127.0.0.1 is taken\nbroke: stop what holds it, or choose another with --port\n`,
    });
});

test("what is asked of one that runs otherwise is not passed over", async () => {
  using bench = makeBench();
  await bench.broke(["start", "--port=0"]);
  const { port } = owner(bench);
  const other = port === 65535 ? port - 1 : port + 1;
  const told = async (...words: string[]) => {
    const { code, stdout, stderr } = await bench.broke(["start", ...words]);
    return [code, stdout === "", stderr.split("\n")[0]];
  };
  try {
    for (const words of [[], [`--port=${port}`], ["--host=127.0.0.1"]])
      expect(await told(...words)).toEqual([0, false, ""]);
    expect(await told(`--port=${other}`)).toEqual([3, true, "broke: a gateway runs already, on another port"]);
    expect(await told("--tokens=any")).toEqual([
      ...[2, true, "broke: --tokens and --name go with a --host that others can reach"],
    ]);
    expect(await told("--host=0.0.0.0", "--tokens=any")).toEqual([
      ...[3, true, "broke: a gateway runs already, for others than asked"],
    ]);
  } finally {
    await bench.broke(["stop"]);
  }
});

test("one that hangs is said not to answer, and nobody waits for it", async () => {
  using bench = makeBench();
  await bench.broke(["start", "--port=0"]);
  const { pid, port } = owner(bench);
  process.kill(pid, "SIGSTOP");
  try {
    const [shown, json, raw, start] = await Promise.all(
      [["status"], ["status", "--json"], ["metrics", "--raw"], ["start"]].map((words) => bench.broke(words)),
    );
    const silent = {
      code: 3,
      stdout: "",
      stderr: `broke: the gateway (pid ${pid}) does not answer\nbroke: \`broke restart\` ends it and starts another\n`,
    };
    expect(shown).toEqual({
      code: 1,
      stdout: `http://127.0.0.1:${port} (pid ${pid}), does not answer, generation 0\n`,
      stderr: "",
    });
    expect([json!.code, JSON.parse(json!.stdout)]).toMatchObject([1, { running: true, live: false, ready: false }]);
    expect([raw, start]).toEqual([silent, silent]);
  } finally {
    process.kill(pid, "SIGKILL");
  }
});

test("clients use the generated token, and the answer comes from the slot's backend", async () => {
  using bench = makeBench();
  await using upstream = await startUpstream(sequence(say("from upstream")));
  await bench.broke(["backend", "add", "up", "--base-url", upstream.url, "--dialect", "anthropic", "--model", "m"]);
  await bench.broke(["swap", "sonnet=up"]);
  await bench.broke(["start", "--port=0"]);
  try {
    const token = readFileSync(join(bench.home, "client-token"), "utf8").trim();
    const ask = (key: string) =>
      fetch(`http://127.0.0.1:${owner(bench).port}/v1/messages`, {
        method: "POST",
        headers: { "x-api-key": key },
        body: JSON.stringify({ model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: "x" }] }),
      });
    expect((await ask("wrong")).status).toBe(401);
    expect(await (await ask(token)).text()).toContain("from upstream");
  } finally {
    await bench.broke(["stop"]);
  }
});

test("a swap is seen by the next request, without a restart", async () => {
  using bench = makeBench();
  await using one = await startUpstream(() => say("one"));
  await using two = await startUpstream(() => say("two"));
  for (const [label, url] of [
    ["one", one.url],
    ["two", two.url],
  ] as const) {
    await bench.broke(["backend", "add", label, "--base-url", url, "--dialect", "anthropic", "--model", "m"]);
  }
  await bench.broke(["swap", "sonnet=one"]);
  await bench.broke(["start", "--port=0"]);
  try {
    const token = readFileSync(join(bench.home, "client-token"), "utf8").trim();
    const ask = async () => {
      const response = await fetch(`http://127.0.0.1:${owner(bench).port}/v1/messages`, {
        method: "POST",
        headers: { "x-api-key": token },
        body: JSON.stringify({ model: "sonnet", max_tokens: 9, messages: [] }),
      });
      return ((await response.json()) as { content: { text: string }[] }).content[0]!.text;
    };
    expect(await ask()).toBe("one");
    await bench.broke(["swap", "sonnet=two"]);
    expect(await ask()).toBe("two");
  } finally {
    await bench.broke(["stop"]);
  }
});

describe("stop ends only our own process", () => {
  test("another process on the port, a connection of somebody else, and the file of a recycled pid", async () => {
    using bench = makeBench();
    await bench.broke(["start", "--port=0"]);
    const ours = owner(bench);
    const stranger = Bun.spawn(["sleep", "60"], { stdio: ["ignore", "ignore", "ignore"] });
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const third = connect(server.port, "127.0.0.1");
    const client = connect(ours.port, "127.0.0.1");
    await new Promise((resolve) => third.once("connect", resolve));
    client.on("error", () => undefined);
    try {
      const forged = { ...ours, pid: stranger.pid };
      writeFileSync(ownerFile(bench), JSON.stringify(forged));
      expect(await bench.broke(["stop"])).toMatchObject({ code: 0, stdout: "no gateway runs\n" });
      expect({ stranger: alive(stranger.pid), ours: alive(ours.pid) }).toEqual({ stranger: true, ours: true });
      for (const pid of [-1, 0, 1]) {
        writeFileSync(ownerFile(bench), JSON.stringify({ ...ours, pid }));
        const ran = await bench.broke(["stop"]);
        expect({ pid, code: ran.code, ours: alive(ours.pid) }).toEqual({ pid, code: 3, ours: true });
      }
      writeFileSync(ownerFile(bench), JSON.stringify(ours));
      expect((await bench.broke(["stop"])).code).toBe(0);
      expect({ ours: alive(ours.pid), stranger: alive(stranger.pid), third: third.readyState }).toEqual({
        ours: false,
        stranger: true,
        third: "open",
      });
    } finally {
      stranger.kill();
      client.destroy();
      third.destroy();
      server.stop(true);
    }
  });

  test("a port that is taken is named, and nothing is left running", async () => {
    using bench = makeBench();
    const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
    const ran = await bench.broke(["start", `--port=${server.port}`]);
    expect({ code: ran.code, file: existsSync(ownerFile(bench)) }).toEqual({ code: 3, file: false });
    expect(readFileSync(join(bench.home, "gateway.log"), "utf8")).toContain(
      `port ${server.port} on 127.0.0.1 is taken`,
    );
    server.stop(true);
  });

  test("an answer in flight is finished before the process ends", async () => {
    using bench = makeBench();
    const rest = Promise.withResolvers<void>();
    await using upstream = await startUpstream(() => ({
      ...say("one two three"),
      pieces: 3,
      pause: { after: 3, until: rest.promise },
    }));
    await bench.broke(["backend", "add", "up", "--base-url", upstream.url, "--dialect", "anthropic", "--model", "m"]);
    await bench.broke(["swap", "sonnet=up"]);
    await bench.broke(["start", "--port=0"]);
    const token = readFileSync(join(bench.home, "client-token"), "utf8").trim();
    const response = await fetch(`http://127.0.0.1:${owner(bench).port}/v1/messages`, {
      method: "POST",
      headers: { "x-api-key": token },
      body: JSON.stringify({ model: "sonnet", max_tokens: 9, stream: true, messages: [] }),
    });
    const stopping = bench.broke(["stop"]);
    while (existsSync(ownerFile(bench))) await Bun.sleep(5);
    rest.resolve();
    expect(await response.text()).toContain("message_stop");
    expect((await stopping).code).toBe(0);
  });
});

test("a second gateway for the same home refuses", async () => {
  using bench = makeBench();
  await bench.broke(["start", "--port=0"]);
  try {
    const child = Bun.spawn([LAUNCHER, "gateway", "--port=0"], {
      cwd: bench.workspace,
      env: bench.env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    expect({ code: await child.exited, said: await new Response(child.stderr).text() }).toEqual({
      code: 3,
      said: "broke: a gateway runs already for this BROKE_HOME\nbroke: `broke status` says where\n",
    });
  } finally {
    await bench.broke(["stop"]);
  }
  rmSync(bench.home, { recursive: true });
});
