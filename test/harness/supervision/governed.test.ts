// The operator's word to a run's governor, through the real launcher.

import { describe, expect, test } from "bun:test";
import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { makeBench } from "#test/support/broke.ts";
import { start } from "#test/support/going.ts";

describe("force-verify and clear", () => {
  const LOOP = "while :; do /usr/bin/touch a && echo wrote; /usr/bin/sleep 0.05; done";

  test("what writes is refused until the operator clears it; both are on record, and once", async () => {
    using bench = makeBench();
    await using run = await start(bench, LOOP, { flags: ["--policy", "throughput", "--workspace", "direct"] });
    await run.out.until("wrote");
    expect(await run.say("force-verify")).toMatchObject({ code: 0, changed: true });
    expect(await run.say("force-verify")).toMatchObject({ code: 0, changed: false });
    const refused = () => run.events().filter(({ event }) => event === "governor.intervened").length;
    while (refused() === 0) await Bun.sleep(20);
    expect(run.events().findLast(({ event }) => event === "governor.intervened")!.data).toMatchObject({
      ...{ mode: "verification_only", cause: "operator" },
    });
    expect(await run.say("clear")).toMatchObject({ code: 0, changed: true });
    rmSync(join(bench.workspace, "a"));
    while (!existsSync(join(bench.workspace, "a"))) await Bun.sleep(20);
    await run.say("kill");
    await run.exited;
    const told = run.events().filter(({ event }) => event.startsWith("operator."));
    expect(told.map(({ event, data }) => [event, data.changed])).toEqual([
      ["operator.forced_verification", true],
      ["operator.forced_verification", false],
      ["operator.cleared", true],
      ["operator.killed", true],
    ]);
  });

  test("where nobody governs there is nobody to tell", async () => {
    using bench = makeBench();
    await using run = await start(bench, "sleep 60");
    expect(await run.say("force-verify")).toMatchObject({ code: 1, error: expect.stringContaining("policy is off") });
    await run.say("kill");
    await run.exited;
  });
});
