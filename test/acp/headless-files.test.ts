// A wish of our agent's for the editor's files: within a turn, a write once, for a change that was allowed, at its very path. The agent lives in the sandbox,
// so what wishes may be anybody.

import { expect, test } from "bun:test";
import { turnFiles } from "#acp/runtimes/headless-files.ts";
import type { Outside } from "#harness/outside.ts";

const outside: Outside = {
  read: async (_, ask) => ({ kind: "read", text: await ask() }),
  async write(_, __, ask) {
    await ask();
    return { kind: "written" };
  },
};

function makeTurn(offered = { read: true, write: true }) {
  const asked: string[] = [];
  const over = new AbortController();
  const files = {
    offered: () => offered,
    read: async (path: string) => (asked.push(`read ${path}`), "text"),
    write: async (path: string) => void asked.push(`write ${path}`),
  };
  const turn = turnFiles(files, "/ws", over.signal);
  const wish = async (act: "read" | "write", path: string, more: { call?: string; text?: string } = {}) =>
    (await turn.answer({ kind: "file", id: "f1", act, path, ...more }, outside)).outcome;
  return { turn, asked, over, wish };
}
const call = (id: string, name: string, path: string) => ({ kind: "tool" as const, id, name, input: { path } });
const write = (id: string) => ({ call: id, text: "x" });

test("a write is granted once, for a call that was allowed, at its path", async () => {
  const { turn, asked, wish } = makeTurn();
  expect(await wish("write", "/ws/a", write("c1"))).toBe("own");
  turn.allowed(call("c1", "write_file", "a"));
  turn.allowed(call("c2", "run_command", "b"));
  expect(await wish("write", "/ws/b", write("c1"))).toBe("own");
  expect(await wish("write", "/ws/b", write("c2"))).toBe("own");
  expect(await wish("write", "/ws/a", { call: "c1" })).toBe("own");
  expect(await wish("write", "/ws/a", write("c1"))).toBe("done");
  expect(await wish("write", "/ws/a", write("c1"))).toBe("own");
  expect(asked).toEqual(["write /ws/a"]);
});

test("nothing is asked that was not offered, and nothing when the turn is over", async () => {
  const none = makeTurn({ read: false, write: false });
  none.turn.allowed(call("c1", "edit_file", "/ws/a"));
  expect([await none.wish("read", "/ws/a"), await none.wish("write", "/ws/a", write("c1"))]).toEqual(["own", "own"]);
  const late = makeTurn();
  late.over.abort();
  expect([await late.wish("read", "/ws/a"), none.asked, late.asked]).toEqual(["own", [], []]);
});

test("more wishes at once than a model makes are left to the agent", async () => {
  const gate = Promise.withResolvers<void>();
  const { turn } = makeTurn();
  const held: Outside = { ...outside, read: () => gate.promise.then(() => ({ kind: "own" })) };
  const wishes = Array.from({ length: 200 }, (_, at) =>
    turn.answer({ kind: "file", id: `f${at}`, act: "read", path: "/ws/a" }, held),
  );
  expect((await wishes[199]!).outcome).toBe("own");
  gate.resolve();
  expect((await Promise.all(wishes)).length).toBe(200);
});
