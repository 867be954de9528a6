// The folder of a session: what is said when it is gone.

import { expect, test } from "bun:test";
import { mkdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { openTalk, stopOf, text } from "#test/support/acp-pair.ts";

test("no client is started where the folder is gone, which is said by its name and held against no lane", async () => {
  using pair = await openTalk();
  const folder = join(pair.cwd, "gone");
  mkdirSync(folder);
  const { result } = await pair.ask("session/new", { cwd: folder, mcpServers: [] });
  const { sessionId } = result as unknown as { sessionId: string };
  const say = (id: string) => pair.ask("session/prompt", { sessionId: id, prompt: text("go") });
  rmdirSync(folder);
  for (let asked = 0; asked < 4; asked++)
    expect((await say(sessionId)).error).toMatchObject({
      message: `the folder of this session is gone: ${folder}`,
      data: { kind: "missing" },
    } as never);
  expect([pair.runtimes.length, stopOf(await say(pair.sessionId))]).toEqual([0, "end_turn"]);
});
