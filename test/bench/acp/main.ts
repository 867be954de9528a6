// Our ACP server beside the vendors' own adapters, on the same turns of a scripted model: how soon it answers, what it adds to each piece of an answer, what it
// takes, how it ends, and what it says it can do. Agents take turns; of each figure the best of the rounds counts, because the machine's other work only
// ever makes things worse. Usage: bun test/bench/acp/main.ts [--quick] [--adapters FOLDER (node_modules with them)] [--only NAME]

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { figuresOf } from "../stats.ts";
import { type Contender, installAdapters, ours, theirs } from "./agents.ts";
import { type Agent, startAgent } from "./client.ts";
import { nowMs, STAMP, startModel } from "./upstream.ts";

const option = (name: string) => {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
};
const quick = process.argv.includes("--quick");
const ROUNDS = quick ? 1 : 5;
const say = (text: string) => void process.stdout.write(`${text}\n`);

/** Milliseconds and mebibytes; `left` are processes. */
const figures = {
  initialized: "start to initialize's answer, ms",
  firstTurn: "start to the first prompt's end, ms",
  nextTurn: "a further short turn, ms",
  updateP50: "a piece on its way, median, ms",
  updateP99: "a piece on its way, p99, ms",
  idleMb: "memory before any session, MiB",
  sessionMb: "memory with one session, MiB",
  furtherMb: "memory of a further session, MiB",
  endMs: "end of input to exit, ms",
  left: "processes left after it",
} as const;
type Name = keyof typeof figures;
type Figures = Record<Name, number>;
type Seen = { greeting: Record<string, unknown>; session: Record<string, unknown>; kinds: string[] };

const textOf = (words: string) => [{ type: "text", text: words }];

async function openSession(agent: Agent, { options }: Contender, cwd: string) {
  const session = await agent.ask("session/new", { cwd, mcpServers: [] });
  const { sessionId } = session;
  for (const [configId, value] of Object.entries(options))
    await agent.ask("session/set_config_option", { sessionId, configId, value });
  const prompt = (words: string) => agent.ask("session/prompt", { sessionId, prompt: textOf(words) });
  return { session, prompt };
}

/** How long each piece was on its way, from the model to us. */
function delaysOf(agent: Agent): number[] {
  let rest = "";
  return agent.takeText().flatMap(({ text, atMs }) => {
    const all = rest + text;
    const found = [...all.matchAll(STAMP)];
    rest = all.slice(found.length === 0 ? 0 : found.at(-1)!.index + found.at(-1)![0].length);
    return found.map((match) => atMs - Number(match[1]));
  });
}

async function measure(contender: Contender): Promise<{ figures: Figures; seen: Seen }> {
  const { cwd } = contender.start;
  const other = join(cwd, "other");
  mkdirSync(other, { recursive: true });
  const began = nowMs();
  const agent = startAgent(contender.start);
  const greeting = await agent.ask("initialize", { protocolVersion: 1, clientCapabilities: {} });
  const initialized = nowMs() - began;
  const idleMb = agent.pssMb();
  const { session, prompt } = await openSession(agent, contender, cwd);
  await prompt("Say hello");
  const firstTurn = nowMs() - began;
  const againMs = nowMs();
  await prompt("Say hello again");
  const nextTurn = nowMs() - againMs;
  agent.takeText();
  await prompt("Now say it at a pace");
  const { p50, p99 } = figuresOf(delaysOf(agent));
  const sessionMb = agent.pssMb();
  // Beside the first one, whose folder is another: with ours one client at a time works in a folder and those below it.
  const second = await openSession(agent, contender, contender.name.startsWith("broke") ? `${cwd}-other` : other);
  await second.prompt("Say hello");
  const furtherMb = agent.pssMb() - sessionMb;
  const kinds = [...agent.kinds].toSorted();
  const { ms: endMs, left } = await agent.end();
  const all = {
    initialized,
    firstTurn,
    nextTurn,
    updateP50: p50,
    updateP99: p99,
    idleMb,
    sessionMb,
    furtherMb,
    endMs,
    left,
  };
  return { figures: all, seen: { greeting, session, kinds } };
}

const best = (rounds: Figures[]): Figures =>
  Object.fromEntries(
    (Object.keys(figures) as Name[]).map((name) => [name, Math.min(...rounds.map((each) => each[name]))]),
  ) as Figures;

type Capabilities = {
  loadSession?: boolean;
  promptCapabilities?: Record<string, unknown>;
  mcpCapabilities?: Record<string, unknown>;
  sessionCapabilities?: Record<string, unknown>;
};

/** What it says of itself, in words. */
function describe({ greeting, session, kinds }: Seen): [string, string][] {
  const {
    loadSession,
    promptCapabilities = {},
    mcpCapabilities = {},
    sessionCapabilities = {},
  } = (greeting["agentCapabilities"] ?? {}) as Capabilities;
  const yes = (record: Record<string, unknown>) =>
    Object.entries(record)
      .flatMap(([name, value]) => (value ? [name] : []))
      .join(", ") || "none";
  const ids = (list: unknown) =>
    Array.isArray(list) ? list.map((each) => (each as { id?: string }).id ?? "?").join(", ") : "none";
  const modes = (session["modes"] as { availableModes?: unknown } | undefined)?.availableModes;
  return [
    ["sessions", yes({ load: loadSession, ...sessionCapabilities })],
    ["prompts", yes(promptCapabilities)],
    ["MCP beyond stdio", yes(mcpCapabilities)],
    ["must log in by", ids(greeting["authMethods"])],
    ["modes", ids(modes)],
    ["options", ids(session["configOptions"])],
    ["updates in these turns", kinds.join(", ")],
  ];
}

const number = (value: number) => (value < 10 ? value.toFixed(1) : value.toFixed(0)).padStart(8);

using model = await startModel();
const adapters = installAdapters(option("--adapters"));
const only = option("--only");
const contenders = [...(await ours(model.url)), ...theirs(model.url, adapters)].filter(
  ({ name }) => only === undefined || name.includes(only),
);
for (const { start, name } of contenders)
  if (name.startsWith("broke")) mkdirSync(`${start.cwd}-other`, { recursive: true });
const rounds = new Map<Contender, Figures[]>(contenders.map((each) => [each, []]));
const seen = new Map<Contender, Seen>();
for (let round = 0; round < ROUNDS; round++)
  for (const contender of contenders) {
    const measured = await measure(contender).catch((error: unknown) => {
      throw new Error(`${contender.name}: ${error instanceof Error ? error.message : String(error)}`);
    });
    rounds.get(contender)!.push(measured.figures);
    seen.set(contender, measured.seen);
  }
for (const client of ["claude", "codex", "gemini", "own"] as const) {
  const side = contenders.filter((each) => each.client === client);
  if (side.length === 0) continue;
  say(`\n${client}: ${side.map(({ name }) => name).join(" | ")}`);
  const results = side.map((each) => best(rounds.get(each)!));
  for (const [name, words] of Object.entries(figures) as [Name, string][]) {
    const [mine, its] = results.map((each) => each[name]);
    const ratio = mine === undefined || its === undefined || its === 0 ? "" : `   ours ×${(mine / its).toFixed(2)}`;
    say(`  ${words.padEnd(40)}${results.map((each) => number(each[name])).join(" |")}${ratio}`);
  }
  for (const [at] of describe(seen.get(side[0]!)!).entries()) {
    const told = side.map((each) => describe(seen.get(each)!)[at]!);
    say(`  ${told[0]![0]}`);
    for (const [index, [, words]] of told.entries()) say(`    ${side[index]!.name.padEnd(34)}${words}`);
  }
}
say(`\n${ROUNDS} rounds, the best of each; memory is proportional (Pss) over the whole tree of processes`);
