// Keys of the environment and of the key file, as they are given out.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openKeyRing } from "#src/state/keys.ts";
import { GAP_MS } from "#src/state/moment.ts";
import { openHome } from "#src/state/paths.ts";

test("the environment wins, nothing is no key, and white space around one is not part of it", () => {
  const dir = mkdtempSync(join(tmpdir(), "broke-keys-"));
  try {
    const home = openHome({ BROKE_HOME: dir });
    writeFileSync(home.env, 'A=of-the-file\nB=of-the-file\nC="  \\n"\nD=" spaced\\r\\n"\n', { mode: 0o600 });
    const ring = openKeyRing(home, { A: "of-the-environment\r\n", B: "", E: "\t", F: " f ", G: undefined });
    const told = (keys: Pick<typeof ring, "get">) => ["A", "B", "C", "D", "E", "F", "G"].map((name) => keys.get(name));
    const all = ["of-the-environment", "of-the-file", undefined, "spaced", undefined, "f", undefined];
    const held = ring.held();
    expect(told(ring)).toEqual(all);
    expect(ring.names().toSorted()).toEqual(["A", "B", "D", "F"]);
    writeFileSync(home.env, "C=now\n", { mode: 0o600 });
    for (const from = performance.now(); performance.now() - from <= GAP_MS;);
    expect(ring.names().toSorted()).toEqual(["A", "C", "F"]);
    expect([told(held), held.names().toSorted()]).toEqual([all, ["A", "B", "D", "F"]]);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
