// A lane's review of work that another lane did in the same session: it is for the verdict of the run that did it, bound to the tree that run left; about any
// other tree it counts nowhere.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LANE_ROLE, REVIEWED } from "#acp/lane-result.ts";
import { startAcp } from "#test/support/acp.ts";
import { type Headless, openHeadless } from "#test/support/headless.ts";
import { say, type Seen, tool } from "#test/support/upstream/script.ts";

const answerOf = (role: string, verdict: string) =>
  JSON.stringify({
    ...{ role, status: "completed", summary: "It does not do what was asked.", confidence: 0.9 },
    ...{ recommended_verdict: verdict, findings: [], objections: [], evidence_refs: ["path:a.txt"] },
  });
const wordsOf = ({ history }: Pick<Seen, "history">) =>
  history.findLast(({ role, text, results }) => role === "user" && text !== "" && results.length === 0)!.text;

type LedgerLine = { event: string; data: Record<string, unknown> };
const ledgerOf = (work: Headless, run: string): LedgerLine[] =>
  readFileSync(join(work.bench.home, "runs", run, "ledger.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as LedgerLine);
const wordOf = (work: Headless, run: string) =>
  ledgerOf(work, run).findLast(({ event }) => event === "verdict.issued")!.data["verdict"];

/** A session whose worker has made a file; what it says of it is `verdict`. */
async function afterWork(verdict = "RETRY_NARROW") {
  const work = await openHeadless({
    dialect: "anthropic",
    mode: "auto",
    script: (seen) => {
      const words = wordsOf(seen);
      const did = seen.history.at(-1)!.results.length > 0;
      // What was said before stands in it too.
      if (!words.includes("You are the verifier"))
        return did ? say("Written.") : say(tool("write_file", { path: "a.txt", content: `${Math.random()}\n` }));
      if (words.includes("and mend it") && !did)
        return say(tool("Bash", { command: "echo mended > a.txt", description: "d" }));
      return say(answerOf("verifier", verdict));
    },
  });
  writeFileSync(join(work.bench.home, "broke.toml"), '[harness]\nverify = ["test -e a.txt"]\n', { mode: 0o600 });
  const { agent } = work.server.connection;
  const { sessionId } = work;
  const choose = (configId: string, value: string) =>
    agent.request("session/set_config_option", { sessionId, configId, value });
  await choose("policy", "throughput");
  await work.ask("Write it.");
  const folder = join(work.bench.home, "runs");
  // Their names tell the second only.
  const madeAt = (run: string) => statSync(join(folder, run)).birthtimeMs;
  const runs = () => readdirSync(folder).toSorted((one, other) => madeAt(one) - madeAt(other));
  const review = async (words = "Review it.") => {
    await choose("lane", "claude");
    const answer = await agent.request("session/prompt", {
      ...{ sessionId, prompt: [{ type: "text" as const, text: words }], _meta: { [LANE_ROLE]: "verifier" } },
    });
    return answer._meta?.[REVIEWED];
  };
  const extra = (method: string) =>
    agent.request(method as "session/close", { sessionId } as never) as Promise<unknown>;
  return Object.assign(work, { runs, review, choose, extra });
}

test("an objection of the verifier's lane is for the run whose work it saw: in its ledger, its verdict and the session's", async () => {
  await using work = await afterWork();
  const reviewed = await work.review();
  const [worker, reviewer] = work.runs() as [string, string];
  expect(reviewed).toEqual({ run: worker, counted: true, verdict: "RETRY_NARROW" });
  const ledger = ledgerOf(work, worker);
  const told = ledger.findLast(({ event }) => event === "role.told")!.data;
  const after = ledger.findLast(({ event, data }) => event === "tree.hashed" && data["when"] === "after")!.data[
    "sha256"
  ];
  expect(told).toEqual({
    ...{ role: "verifier", state: "given", verdict: "RETRY_NARROW", reason: "It does not do what was asked." },
    ...{ by_run: reviewer, by: "claude", tree_sha256: after },
    evidence_sha256: ledger.findLast(({ event }) => event === "evidence.packed")!.data["sha256"],
  });
  expect(ledger.filter(({ event }) => event === "verdict.issued").map(({ data }) => data["verdict"])).toEqual([
    "ACCEPT",
    "RETRY_NARROW",
  ]);
  const shown = JSON.parse((await work.bench.broke(["harness", "show", worker, "--json"])).stdout) as {
    verdict: { verdict: string };
  };
  expect(shown.verdict.verdict).toBe("RETRY_NARROW");
  expect((await work.bench.broke(["harness", "verify", worker])).code).toBe(0);
  const file = join(work.bench.home, "..", "bundle.tar");
  expect((await work.bench.broke(["harness", "export", worker, "--out", file])).code).toBe(0);
  expect((await work.bench.broke(["harness", "verify", file])).code).toBe(0);
  expect((await work.bench.broke(["audit", "verify"])).code).toBe(0);
  expect(readFileSync(join(work.bench.home, "audit.jsonl"), "utf8")).toContain('"work.reviewed"');
  const evaluated = JSON.parse((await work.bench.broke(["harness", "evaluate", worker, "--json"])).stdout) as {
    verdict: string;
  };
  expect(evaluated.verdict).toBe("RETRY_NARROW");
  expect((await work.extra("_broke/verdict")) as { run: string; verdict: string }).toEqual({
    run: worker,
    verdict: "RETRY_NARROW",
  });
  // The reviewer's own run is not held to what was said of another's work.
  await work.extra("session/close");
  expect([wordOf(work, reviewer), ledgerOf(work, reviewer).some(({ event }) => event === "role.told")]).toEqual([
    "ACCEPT_WITH_WARNINGS",
    false,
  ]);
  expect(work.server.faults).toEqual([]);
}, 120_000);

test("one that accepts takes nothing away, and what was said before stays", async () => {
  await using work = await afterWork("ACCEPT");
  const [worker] = work.runs() as [string];
  expect(await work.review()).toEqual({ run: worker, counted: true, verdict: "ACCEPT" });
  expect(await work.review("Review it again.")).toEqual({ run: worker, counted: true, verdict: "ACCEPT" });
  expect((await work.bench.broke(["harness", "verify", worker])).code).toBe(0);
}, 120_000);

test("it is for work of before the server was started anew, too", async () => {
  await using work = await afterWork();
  const [worker] = work.runs() as [string];
  await work.extra("session/close");
  await work.server.process.stdin.end();
  await work.server.process.exited;
  await using server = startAcp(work.bench);
  const { agent } = server.connection;
  await agent.request("initialize", { protocolVersion: 1, clientCapabilities: {} });
  const { sessionId } = work;
  await agent.request("session/resume", { sessionId, cwd: work.bench.workspace, mcpServers: [] });
  await agent.request("session/set_config_option", { sessionId, configId: "lane", value: "claude" });
  const answer = await agent.request("session/prompt", {
    ...{ sessionId, prompt: [{ type: "text" as const, text: "Review it." }], _meta: { [LANE_ROLE]: "verifier" } },
  });
  expect(answer._meta?.[REVIEWED]).toEqual({ run: worker, counted: true, verdict: "RETRY_NARROW" });
}, 120_000);

test("what its operator has decided about already is not judged anew", async () => {
  await using work = await afterWork();
  const [worker] = work.runs() as [string];
  expect(await work.review()).toMatchObject({ counted: true, verdict: "RETRY_NARROW" });
  expect((await work.bench.broke(["harness", "decide", worker, "accept"])).code).toBe(0);
  expect(await work.review("Review it again.")).toEqual({
    ...{ run: worker, counted: false, reason: "its operator has decided about that work already" },
  });
}, 120_000);

test("of a tree that somebody changed since, or that the reviewer changed itself, it does not count, anywhere", async () => {
  for (const how of ["person", "reviewer"]) {
    await using work = await afterWork();
    const [worker] = work.runs() as [string];
    if (how === "person") {
      // The worker's run is over, as the lane is another; then somebody edits.
      await work.choose("lane", "claude");
      await work.ask("/verdict");
      writeFileSync(join(work.bench.workspace, "a.txt"), "edited\n");
    }
    const reviewed = await work.review(how === "person" ? "Review it." : "Review it, and mend it.");
    const reason =
      how === "person" ? "the tree it saw is not the one that work left" : "the tree was changed while it was reviewed";
    expect(reviewed).toEqual({ run: worker, counted: false, reason });
    expect(wordOf(work, worker)).toBe("ACCEPT");
    await work.extra("session/close");
    expect(ledgerOf(work, work.runs().at(-1)!).some(({ event }) => event === "role.told")).toBe(false);
  }
}, 120_000);

test("an opinion about the work of one run is none about what the next made of it", async () => {
  await using work = await afterWork();
  await work.review();
  await work.choose("lane", "local");
  await work.ask("Write it once more.");
  await work.ask("/verdict");
  const [first, , third] = work.runs() as [string, string, string];
  expect([wordOf(work, first), wordOf(work, third)]).toEqual(["RETRY_NARROW", "ACCEPT"]);
  expect(existsSync(join(work.bench.workspace, "a.txt"))).toBe(true);
}, 120_000);
