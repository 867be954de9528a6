// Lanes that failed again and again: held back, and let try again by whoever is at the editor.

import { expect, test } from "bun:test";
import type { AgentRuntime } from "#acp/runtime.ts";
import { acpCommands } from "#src/cli/acp-commands.ts";
import { codeOf, type Frame, openTalk, type Pair, stopOf, text, updatesOf } from "#test/support/acp-pair.ts";

const until = async (is: () => boolean) => {
  while (!is()) await Bun.sleep(1);
};
const say = (pair: Pair & { sessionId: string }, words = "go") =>
  pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text(words) });
const reasonOf = ({ error }: Frame) => (error?.data as { reason?: string } | undefined)?.reason;

test("a lane that dies again and again is held back until the operator clears it", async () => {
  using pair = await openTalk(() => new Promise(() => {}));
  for (let died = 0; died < 3; died++) {
    const going = say(pair);
    await until(() => pair.runtimes.length === died + 1);
    await Bun.sleep(5);
    pair.runtimes[died]!.die();
    expect(reasonOf(await going)).toBe("runtime_exited");
  }
  const held = await say(pair);
  expect([reasonOf(held), pair.runtimes.length]).toEqual(["lane_quarantined", 3]);
  const { sessionId } = pair;
  expect((await pair.ask("_broke/state", { sessionId })).result).toMatchObject({ state: "quarantined" });
  expect((await pair.ask("_broke/clear", { lane: "claude" })).result).toEqual({} as never);
  expect(codeOf(await pair.ask("_broke/clear", { lane: "claude" }))).toBe(-32002);
  const going = say(pair);
  await until(() => pair.runtimes.length === 4);
  pair.tell("session/cancel", { sessionId });
  pair.runtimes[3]!.die();
  expect(stopOf(await going)).toBe("cancelled");
});

test("one that is held back is let try again by a slash command, which the refusal names", async () => {
  let isBroken = true;
  const { unquarantine } = acpCommands({} as never);
  const works: AgentRuntime = {
    ended: new Promise(() => {}),
    prompt: () => Promise.resolve("end_turn"),
    close: () => Promise.resolve(),
  };
  using pair = await openTalk(undefined, {
    commands: { unquarantine: unquarantine! },
    starting: () => (isBroken ? Promise.reject(new Error("broken")) : Promise.resolve(works)),
  });
  const said = async (words: string) => {
    const from = updatesOf(pair).length;
    await say(pair, words);
    return JSON.stringify(updatesOf(pair).slice(from));
  };
  for (let failed = 0; failed < 3; failed++) await say(pair);
  isBroken = false;
  const held = await say(pair);
  expect([reasonOf(held), JSON.stringify(held.error)]).toEqual([
    "lane_quarantined",
    expect.stringContaining("/unquarantine"),
  ]);
  expect(await said("/unquarantine codex")).toContain("nothing is held against codex");
  expect(reasonOf(await say(pair))).toBe("lane_quarantined");
  expect(await said("/unquarantine")).toContain("claude may try again");
  expect(stopOf(await say(pair))).toBe("end_turn");
});
