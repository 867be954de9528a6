// Our gateway beside the floor (a bare Bun.serve proxy) and the peers, in one run: the gateway measured alone on core 0; upstream and load share core 1.
// Each cell is measured in turns, `ROUNDS` times; the best of them counts, because the machine's other work only ever makes things worse.
// Usage: bun test/bench/gateway/main.ts [--no-peers] [--quick]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { figuresOf } from "../stats.ts";
import { type Aim, hammer, stream } from "./load.ts";
import { type Peer, peers } from "./peers.ts";
import { startOn, type Target } from "./process.ts";
import { BENCH_TOKEN } from "./token.ts";

const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 3 : 12;
/** Short, so that every row gets its share of the machine's good moments. */
const CELL_MS = 500;
/** A gateway runs for days: what counts is what its code does once it is compiled, so everybody is asked for as long as this before. */
const WARM_MS = 1_000;
const CONNECTIONS = [1, 16, 64];
const here = import.meta.dir;
const bun = (script: string, ...words: string[]) => [
  process.execPath,
  "--config=/dev/null",
  "--no-env-file",
  join(here, script),
  ...words,
];
const say = (text: string) => void process.stdout.write(`${text}\n`);

const OURS = { authorization: `Bearer ${BENCH_TOKEN}` };
const slots: Record<string, string> = { json: "sonnet", burst: "opus", paced: "haiku" };

type Dialect = "anthropic" | "openai-chat";

/** The shape of a Claude Code request: a long system prompt, tools with schemas, rounds of calls and results; about 109 KB when big. */
function bodyOf(dialect: Dialect, model: string, big: boolean, streams: boolean): string {
  const flow = streams ? { stream: true } : {};
  if (!big)
    return JSON.stringify({
      model,
      max_tokens: 64,
      ...flow,
      messages: [{ role: "user", content: "What is six times seven? Answer in one word." }],
    });
  const words = (count: number) => "The tool reads a file and returns its lines with numbers. ".repeat(count);
  const schema = {
    type: "object",
    properties: { path: { type: "string", description: words(4) }, limit: { type: "number" } },
    required: ["path"],
  };
  const tools = Array.from({ length: 18 }, (_, index) => ({ name: `tool_${index}`, description: words(28), schema }));
  const rounds = Array.from({ length: 14 }, (_, index) => ({
    id: `toolu_${index}`,
    args: { path: `/src/${index}.ts` },
    result: words(55),
  }));
  const system = words(310);
  if (dialect === "anthropic") {
    return JSON.stringify({
      model,
      max_tokens: 4096,
      ...flow,
      system: [{ type: "text", text: system, cache_control: { type: "ephemeral" } }],
      tools: tools.map(({ name, description, schema: input_schema }) => ({ name, description, input_schema })),
      messages: [
        { role: "user", content: "Go." },
        ...rounds.flatMap(({ id, args, result }) => [
          { role: "assistant", content: [{ type: "tool_use", id, name: "tool_1", input: args }] },
          { role: "user", content: [{ type: "tool_result", tool_use_id: id, content: result }] },
        ]),
      ],
    });
  }
  return JSON.stringify({
    model,
    max_tokens: 4096,
    ...flow,
    tools: tools.map(({ name, description, schema: parameters }) => ({
      type: "function",
      function: { name, description, parameters },
    })),
    messages: [
      { role: "system", content: system },
      { role: "user", content: "Go." },
      ...rounds.flatMap(({ id, args, result }) => [
        {
          role: "assistant",
          content: null,
          tool_calls: [{ id, type: "function", function: { name: "tool_1", arguments: JSON.stringify(args) } }],
        },
        { role: "tool", tool_call_id: id, content: result },
      ]),
    ],
  });
}

type Row = { name: string; target: Target; aim(mode: string, big: boolean): Aim; end: RegExp };

function rowOf(
  name: string,
  target: Target,
  dialect: Dialect,
  path: string,
  headers: Record<string, string>,
  modelOf: (mode: string) => string,
): Row {
  return {
    name,
    target,
    aim: (mode, big) => ({
      port: target.port,
      path,
      headers,
      body: bodyOf(dialect, modelOf(mode), big, mode !== "json"),
    }),
    end: dialect === "anthropic" ? /message_stop/ : /\[DONE\]/,
  };
}

type Cell = { rps: number; p50: number; p99: number; cpuUs: number };

async function cell({ target, aim }: Row, big: boolean, connections: number): Promise<Cell> {
  const before = target.cpuMs();
  const { rps, latencies, failures } = await hammer(aim("json", big), connections, CELL_MS);
  if (failures > 0) throw new Error(`${failures} requests failed`);
  const { p50, p99 } = figuresOf(latencies);
  // The warm-up's requests cost too: a fifth more time, about a fifth more requests.
  return { rps, p50, p99, cpuUs: ((target.cpuMs() - before) * 1000) / (latencies.length * 1.2) };
}

const best = (cells: Cell[]): Cell => ({
  rps: Math.max(...cells.map(({ rps }) => rps)),
  p50: Math.min(...cells.map(({ p50 }) => p50)),
  p99: Math.min(...cells.map(({ p99 }) => p99)),
  cpuUs: Math.min(...cells.map(({ cpuUs }) => cpuUs)),
});

const ratio = (value: number, base: number) => `×${(value / base).toFixed(2)}`.padStart(8);

async function warm(rows: Row[]): Promise<void> {
  for (const { aim } of rows) for (const big of [false, true]) await hammer(aim("json", big), 16, WARM_MS);
}

async function requests(rows: Row[], floors: Map<string, Cell>): Promise<void> {
  await warm(rows);
  for (const big of [false, true]) {
    for (const connections of CONNECTIONS) {
      const cells = new Map<Row, Cell[]>(rows.map((row) => [row, []]));
      for (let round = 0; round < ROUNDS; round++)
        for (const row of rows) cells.get(row)!.push(await cell(row, big, connections));
      const key = `${big} ${connections}`;
      if (!floors.has(key)) floors.set(key, best(cells.get(rows[0]!)!));
      const floor = floors.get(key)!;
      say(
        `\n${big ? "109 KB" : "small"} bodies, ${connections} connection${connections > 1 ? "s" : ""}${"".padEnd(16)}rps   ×floor   p50 ms   ×floor   p99 ms   µs CPU   ×floor`,
      );
      for (const row of rows) {
        const { rps, p50, p99, cpuUs } = best(cells.get(row)!);
        say(
          `${row.name.padEnd(44)}${rps.toFixed(0).padStart(7)}${ratio(rps, floor.rps)}${p50.toFixed(2).padStart(9)}${ratio(p50, floor.p50)}${p99.toFixed(2).padStart(9)}${cpuUs.toFixed(0).padStart(9)}${ratio(cpuUs, floor.cpuUs)}`,
        );
      }
    }
  }
}

async function streams(rows: Row[], direct: Row | undefined): Promise<void> {
  const all = direct === undefined ? rows : [direct, ...rows];
  const COUNT = quick ? 200 : 600;
  say(`\nstreams of 200 events at once, 16 at a time${"".padEnd(8)}streams/s   first byte p50 ms   µs CPU an event`);
  const bursts = (row: Row) => Promise.all(Array.from({ length: 16 }, () => stream(row.aim("burst", false), row.end)));
  for (const row of all) {
    for (const from = performance.now(); performance.now() < from + WARM_MS;) await bursts(row);
    const before = row.target.cpuMs();
    const started = performance.now();
    const firsts: number[] = [];
    for (let done = 0; done < COUNT; done += 16) {
      const got = await bursts(row);
      for (const { first, whole, events } of got) {
        if (!whole || events !== 200) throw new Error(`${row.name}: a stream lost something (${events} events)`);
        firsts.push(first);
      }
    }
    const total = Math.ceil(COUNT / 16) * 16;
    const cpu = ((row.target.cpuMs() - before) * 1000) / (total * 200);
    say(
      `${row.name.padEnd(44)}${((total * 1000) / (performance.now() - started)).toFixed(0).padStart(14)}${figuresOf(firsts).p50.toFixed(2).padStart(20)}${cpu.toFixed(2).padStart(18)}`,
    );
  }
  for (const count of quick ? [64] : [1, 64]) {
    say(`\nlag of an event, ${count} streams of one every 5 ms${"".padEnd(8)}p50 ms   p99 ms`);
    for (const row of all) {
      const got = await Promise.all(Array.from({ length: count }, () => stream(row.aim("paced", false), row.end)));
      if (got.some(({ whole, lags }) => !whole || lags.length !== 200))
        throw new Error(`${row.name}: a stream lost something`);
      const { p50, p99 } = figuresOf(got.flatMap(({ lags }) => lags));
      say(`${row.name.padEnd(44)}${p50.toFixed(2).padStart(10)}${p99.toFixed(2).padStart(9)}`);
    }
  }
}

async function endurance(row: Row): Promise<void> {
  say(`\n${row.name}: memory`);
  say(`idle ${row.target.rssMb().toFixed(0)} MB`);
  const rows: string[] = [];
  for (let part = 1; part <= 5; part++) {
    for (let sent = 0; sent < (quick ? 2_000 : 20_000);)
      sent += (await hammer(row.aim("json", false), 64, 500)).latencies.length;
    rows.push(`${row.target.rssMb().toFixed(0)} MB`);
  }
  say(`after each of five times ${quick ? "2 000" : "20 000"} requests: ${rows.join(", ")}`);
  const many = await Promise.all(Array.from({ length: 1_000 }, () => stream(row.aim("paced", false), row.end)));
  say(
    `1 000 streams at once: ${many.filter(({ whole, lags }) => whole && lags.length === 200).length} whole, ${row.target.rssMb().toFixed(0)} MB`,
  );
}

const home = mkdtempSync(join(tmpdir(), "broke-bench-home-"));
const upstream = await startOn(1, bun("upstream.ts"));
const url = `http://127.0.0.1:${upstream.port}`;
const direct = rowOf("straight to the upstream", upstream, "anthropic", "/v1/messages", {}, (mode) => mode);
const floors = new Map<string, Cell>();
{
  using floor = await startOn(0, bun("floor.ts", url));
  using pass = await startOn(0, bun("ours.ts", join(home, "pass"), url, "anthropic"));
  using least = await startOn(0, bun("least.ts", url, "json"));
  using leastChat = await startOn(0, bun("least.ts", url, "json", "chat"));
  using limited = await startOn(0, bun("ours.ts", join(home, "limited"), url, "anthropic", "limited"));
  using chat = await startOn(0, bun("ours.ts", join(home, "chat"), url, "openai-chat"));
  say(`idle memory: floor ${floor.rssMb().toFixed(0)} MB, ours ${pass.rssMb().toFixed(0)} MB`);
  const slotOf = (mode: string) => slots[mode]!;
  const rows = [
    rowOf("floor: a bare proxy", floor, "anthropic", "/v1/messages", {}, (mode) => mode),
    rowOf("the least a gateway does", least, "anthropic", "/v1/messages", OURS, (mode) => mode),
    rowOf("ours, passing through", pass, "anthropic", "/v1/messages", OURS, slotOf),
    rowOf("ours, passing, limits and budget on", limited, "anthropic", "/v1/messages", OURS, slotOf),
    rowOf("the least translation", leastChat, "anthropic", "/v1/messages", OURS, (mode) => mode),
    rowOf("ours, Messages over Chat", chat, "anthropic", "/v1/messages", OURS, slotOf),
  ];
  await requests(rows, floors);
  // What the least one puts in is one model: its streams would all be of one kind.
  await streams(
    rows.filter(({ target }) => target !== least && target !== leastChat),
    direct,
  );
  await endurance(rows[2]!);
  await endurance(rows.at(-1)!);
}
if (!process.argv.includes("--no-peers")) {
  for (const start of peers) {
    const started = await start(url, 0);
    const rows = started.map(({ name, target, aim }: Peer) => {
      const { path, headers, dialect } = aim("json");
      return rowOf(name, target, dialect, path, headers, (mode) => aim(mode).model);
    });
    await requests(rows, floors);
    await streams(rows, undefined);
    for (const { target } of started) target[Symbol.dispose]();
  }
}
upstream[Symbol.dispose]();
rmSync(home, { recursive: true, force: true });
