// The folder of a session: however it is spelled it is one, another is refused, and what is said when it is gone.

import { expect, test } from "bun:test";
import { mkdirSync, rmdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { codeOf, openTalk, stopOf, text } from "#test/support/acp-pair.ts";

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

test.each(["session/load", "session/resume"])("%s is in the session's own folder alone", async (method) => {
  using pair = await openTalk();
  const { sessionId, cwd } = pair;
  const link = join(cwd, "link");
  symlinkSync(cwd, link);
  mkdirSync(join(cwd, "other"));
  const back = (folder: string) => pair.ask(method, { sessionId, cwd: folder, mcpServers: [] });
  for (const folder of [cwd, `${cwd}/`, link, join(cwd, "other", "..")])
    expect((await back(folder)).error).toBeUndefined();
  for (const folder of [join(cwd, "other"), "/nope", "/"]) {
    const refused = await back(folder);
    expect([codeOf(refused), refused.error?.data]).toEqual([-32602, { path: "cwd", hint: `it works in ${cwd}` }]);
  }
});

test("a session whose folder is gone is shown again", async () => {
  using pair = await openTalk();
  const folder = join(pair.cwd, "gone");
  mkdirSync(folder);
  const { result } = await pair.ask("session/new", { cwd: folder, mcpServers: [] });
  const { sessionId } = result as unknown as { sessionId: string };
  rmdirSync(folder);
  expect((await pair.ask("session/load", { sessionId, cwd: folder, mcpServers: [] })).error).toBeUndefined();
});

test("sessions are listed by their folder however it is spelled, one that is gone too", async () => {
  using pair = await openTalk();
  const { sessionId, cwd } = pair;
  const link = join(cwd, "link");
  const folder = join(cwd, "gone");
  symlinkSync(cwd, link);
  mkdirSync(folder);
  const { result } = await pair.ask("session/new", { cwd: folder, mcpServers: [] });
  rmdirSync(folder);
  const listed = async (at: string) => {
    const { result: page } = await pair.ask("session/list", { cwd: at });
    return (page as unknown as { sessions: { sessionId: string }[] }).sessions.map((each) => each.sessionId);
  };
  for (const at of [cwd, `${cwd}/`, link, join(link, "..", "link")]) expect(await listed(at)).toEqual([sessionId]);
  expect(await listed(`${folder}/`)).toEqual([(result as unknown as { sessionId: string }).sessionId]);
});
