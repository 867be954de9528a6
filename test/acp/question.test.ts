// What the sandbox asks about, put to the person at the editor: as a form where there are forms, else as a permission; a plain yes or none.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { faultOf } from "#test/support/acp.ts";
import { openPair, text } from "#test/support/acp-pair.ts";
import { openHeadless } from "#test/support/headless.ts";
import { say, tool } from "#test/support/upstream/script.ts";

const question = { title: "run \u202ewc?", rows: [["program", "/usr/bin/wc\nforged"]] as [string, string][] };
const isAsked = ({ method }: { method?: string }) =>
  method === "elicitation/create" || method === "session/request_permission";

/** A turn in which the sandbox asks; what came of it is `answers`. */
async function asking(elicitation?: object) {
  const answers: unknown[] = [];
  let over = new AbortController();
  const pair = openPair(async () => {
    answers.push(await pair.runtimes[0]!.options.question(question, over.signal));
    return "end_turn";
  });
  await pair.ask("initialize", { protocolVersion: 1, clientCapabilities: elicitation ? { elicitation } : {} });
  const { result } = await pair.ask("session/new", { cwd: pair.cwd, mcpServers: [] });
  const { sessionId } = result as unknown as { sessionId: string };
  const going = pair.ask("session/prompt", { sessionId, prompt: text("go") });
  const asked = await pair.until(isAsked);
  return Object.assign(pair, { sessionId, answers, going, asked, lapse: () => over.abort() });
}

describe("a form", () => {
  test.each([
    [{ action: "accept", content: { answer: "once" } }, "once"],
    [{ action: "accept", content: { answer: "run" } }, "run"],
    [{ action: "accept", content: { answer: "deny" } }, "deny"],
    [{ action: "accept", content: { answer: "always" } }, "deny"],
    [{ action: "accept" }, "deny"],
    [{ action: "decline" }, "deny"],
    [{ action: "cancel", content: { answer: "once" } }, "deny"],
    [null, "deny"],
  ])("%j is %s", async (answer, wanted) => {
    using pair = await asking({ form: {} });
    expect(pair.asked.method).toBe("elicitation/create");
    expect(faultOf("CreateElicitationRequest", pair.asked.params)).toBeUndefined();
    const { message } = pair.asked.params as unknown as { message: string };
    expect([message.includes("\u202e"), message.split("\n").length]).toEqual([false, 2]);
    pair.answer(pair.asked.id, answer);
    await pair.going;
    expect(pair.answers).toEqual([wanted]);
  });
});

describe("without forms, a permission", () => {
  test.each([
    [{ outcome: { outcome: "selected", optionId: "once" } }, "once"],
    [{ outcome: { outcome: "selected", optionId: "run" } }, "run"],
    [{ outcome: { outcome: "selected", optionId: "deny" } }, "deny"],
    [{ outcome: { outcome: "selected", optionId: "allow" } }, "deny"],
    [{ outcome: { outcome: "cancelled" } }, "deny"],
    [{}, "deny"],
  ])("%j is %s", async (answer, wanted) => {
    using pair = await asking();
    expect(pair.asked.method).toBe("session/request_permission");
    expect(faultOf("RequestPermissionRequest", pair.asked.params)).toBeUndefined();
    pair.answer(pair.asked.id, answer);
    await pair.going;
    expect(pair.answers).toEqual([wanted]);
  });

  test.each(["cancel", "lapse"] as const)("%s withdraws it, and it is nobody's yes", async (how) => {
    using pair = await asking();
    if (how === "cancel") pair.tell("session/cancel", { sessionId: pair.sessionId });
    else pair.lapse();
    await pair.until(({ method }) => method === "$/cancel_request");
    pair.answer(pair.asked.id, { outcome: { outcome: "selected", optionId: "once" } });
    await pair.going;
    expect(pair.answers).toEqual([undefined]);
  });
});

test.each([
  ["once", true],
  ["deny", false],
])(
  "a program the operator wants to be asked about waits for the person at the editor, whatever the mode: %s",
  async (answer, runs) => {
    const command = "wc -c </dev/null >n";
    await using work = await openHeadless({
      ...{ args: ["--ask-run=wc"], mode: "auto", permit: () => answer },
      script: ({ history }) =>
        history.at(-1)?.results.length ? say("Tried.") : say(tool("run_command", { command: `${command} || rm n` })),
    });
    await work.ask("Count.");
    expect(work.asked.length).toBe(1);
    expect(work.asked[0]).toContain("run");
    expect(existsSync(join(work.bench.workspace, "n"))).toBe(runs);
    await work.server.connection.agent.request("session/close", { sessionId: work.sessionId });
    const [run] = readdirSync(join(work.bench.home, "runs"));
    const ledger = readFileSync(join(work.bench.home, "runs", run!, "ledger.jsonl"), "utf8");
    expect(ledger).toMatch(new RegExp(`"permission.answered".*"answer":"${answer}","by":"person"`));
    expect(work.server.faults).toEqual([]);
  },
  60_000,
);
