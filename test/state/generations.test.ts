// Stored generations: what an earlier version wrote is read as it was meant, and what is damaged is never an empty routing.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openState } from "#src/cli/compose.ts";
import { emptyRouting } from "#src/routing/generation.ts";

function stored(body: string) {
  const dir = mkdtempSync(join(tmpdir(), "broke-generations-"));
  const state = openState({ BROKE_HOME: dir });
  state.db.query("INSERT INTO generations (created_ms, reason, body) VALUES (0, 'test', ?)").run(body);
  return { state, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) };
}

test("a routing of the first version: a slot's later backends are its fallbacks", () => {
  const first = { backends: {}, slots: { sonnet: ["a", "b", "c"], opus: ["a"] }, lossless: true };
  using home = stored(JSON.stringify(first));
  const { generations } = home.state;
  const wanted = {
    ...emptyRouting,
    slots: { sonnet: "a", opus: "a" },
    fallbacks: { ...emptyRouting.fallbacks, direct: { sonnet: ["b", "c"] } },
    lossless: true,
  };
  expect(generations.current()).toEqual({ ...wanted, id: 1 });
  expect(generations.commit("again", (routing) => routing)).toEqual({ ...wanted, id: 2 });
});

test("a damaged one is an error, and stays one", () => {
  for (const body of ["", "{}", "[]", '{"slots":{"sonnet":[]}}', '{"slots":{"sonnet":"a"},"secret":1}']) {
    using home = stored(body);
    // However often it is asked for: what was read before it, here nothing, is never given out in its place.
    for (let ask = 0; ask < 3; ask++)
      expect(() => home.state.generations.current()).toThrow("generation 1 in broke.db is damaged");
  }
});
