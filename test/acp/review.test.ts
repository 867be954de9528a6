// A prompt that is marked as a review, on our own lane and on a vendor's: the result in the response, and its opinion in the verdict of the run.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LANE_RESULT, LANE_ROLE } from "#acp/lane-result.ts";
import { openHeadless } from "#test/support/headless.ts";
import { say, type Seen, tool } from "#test/support/upstream/script.ts";
import { codeOf, openTalk, text } from "#test/support/acp-pair.ts";

const object = {
  ...{ role: "verifier", status: "completed", summary: "It does not.", confidence: 0.9 },
  ...{ recommended_verdict: "RETRY_NARROW", findings: [], objections: [], evidence_refs: ["path:a.txt"] },
};
const wordsOf = ({ history }: Pick<Seen, "history">) => history.findLast(({ role }) => role === "user")!.text;

test.each(["local", "claude"])(
  "%s: the answer's object is checked, shown, and said to the verdict; one that is none is degraded",
  async (lane) => {
    await using work = await openHeadless({
      lane,
      files: { "a.txt": "alpha\n" },
      dialect: lane === "local" ? "openai-chat" : "anthropic",
      mode: "auto",
      script: (seen) => {
        const asked = JSON.stringify(seen.body);
        if (asked.includes("Once more")) return say("I accept this.");
        if (seen.history.some(({ results }) => results.length > 0)) return say(JSON.stringify(object));
        const look =
          lane === "local" ? tool("run_command", { command: "ls" }) : tool("Bash", { command: "ls", description: "d" });
        return say("I look {first}.", look);
      },
    });
    const { agent } = work.server.connection;
    const { sessionId } = work;
    const review = (words: string) =>
      agent.request("session/prompt", {
        ...{ sessionId, prompt: [{ type: "text", text: words }], _meta: { [LANE_ROLE]: "verifier" } },
      });
    const first = await review("Review it.");
    expect(first._meta?.[LANE_RESULT]).toMatchObject({
      ...{ ...object, degraded: false, degraded_reason: null },
      provider_metadata: { lane, run: expect.stringMatching(/^run_/) },
    });
    expect(wordsOf(work.upstream.asked()[0]!)).toContain("recommended_verdict");
    const second = await review("Once more.");
    expect(second._meta?.[LANE_RESULT]).toMatchObject({
      ...{ status: "failed_schema", degraded: true, degraded_reason: "the answer is not one JSON object" },
    });
    const plain = await work.ask("Once more, plainly.");
    expect((plain as { _meta?: object })._meta).not.toHaveProperty(LANE_RESULT);
    await agent.request("session/close", { sessionId });
    const [run] = readdirSync(join(work.bench.home, "runs"));
    const ledger = readFileSync(join(work.bench.home, "runs", run!, "ledger.jsonl"), "utf8");
    const told = ledger.split("\n").filter((line) => line.includes('"role.told"'));
    expect([told.length, told[0]]).toEqual([
      1,
      expect.stringContaining('"verdict":"RETRY_NARROW"') as unknown as string,
    ]);
    expect(work.server.faults).toEqual([]);
  },
  120_000,
);

test("the option policy is what the next run is held to, with what the operator's own file says, and the verdict is as that says", async () => {
  await using work = await openHeadless({
    mode: "auto",
    script: (seen) => {
      const path = /Write (\w\.txt)$/.exec(wordsOf(seen))?.[1];
      if (path === undefined) return say("I accept this.");
      const written = seen.history.at(-1)?.results.length !== 0;
      return written ? say("Done.") : say(tool("write_file", { path, content: "x\n" }));
    },
  });
  const { agent } = work.server.connection;
  const { sessionId } = work;
  const verdicts: string[] = [];
  const judged = async (policy: string, path: string) => {
    await agent.request("session/set_config_option", { sessionId, configId: "policy", value: policy });
    await work.ask(`Write ${path}`);
    // Ends the run, so that it is judged.
    const before = work.said().length;
    await work.ask("/verdict");
    verdicts.push(work.said().slice(before).split("\n")[0]!.split(" ").at(-1)!);
  };
  await judged("off", "a.txt");
  await judged("throughput", "b.txt");
  writeFileSync(join(work.bench.home, "broke.toml"), '[harness]\nverify = ["test -e c.txt"]\n', { mode: 0o600 });
  await judged("off", "d.txt");
  await judged("throughput", "c.txt");
  await judged("balanced", "e.txt");
  expect(verdicts).toEqual(["ACCEPT", "RETRY_NARROW", "ACCEPT_WITH_WARNINGS", "ACCEPT", "RETRY_NARROW"]);
  const policies = readdirSync(join(work.bench.home, "runs")).map((run) => {
    const { policy, mode } = JSON.parse(readFileSync(join(work.bench.home, "runs", run, "contract.json"), "utf8"));
    return `${policy} ${mode}`;
  });
  expect(policies.toSorted()).toEqual([
    "balanced direct",
    "off direct",
    "off direct",
    "throughput direct",
    "throughput direct",
  ]);
  expect(work.server.faults).toEqual([]);
}, 120_000);

test.each(["claude", "codex", "gemini", "local"])(
  "%s: a session that is closed ends its client in peace, and its verdict says so",
  async (lane) => {
    const dialect = lane === "local" ? "openai-chat" : "anthropic";
    await using work = await openHeadless({ lane, dialect, script: () => say("Done.") });
    await work.ask("Hello.");
    await work.server.connection.agent.request("session/close", { sessionId: work.sessionId });
    const listed = JSON.parse((await work.bench.broke(["harness", "list", "--json"])).stdout) as { verdict: string }[];
    expect(listed.map(({ verdict }) => verdict)).toEqual(["ACCEPT"]);
  },
  60_000,
);

test("a role that there is none of is refused before anything is asked", async () => {
  using talk = await openTalk();
  const { sessionId } = talk;
  const answer = await talk.ask("session/prompt", { sessionId, prompt: text("x"), _meta: { [LANE_ROLE]: "judge" } });
  expect([codeOf(answer), talk.runtimes.length]).toEqual([-32602, 0]);
});
