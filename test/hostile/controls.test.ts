// Every probe and every row of the judge has teeth: where the control it tests is off, it reports a breach. And the stock of probes that this
// collection was begun with is in it, row by row.

import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import * as libc from "#sandbox/libc.ts";
import { LAUNCHER } from "#test/support/broke.ts";
import { type Bait, layBait } from "./bait.ts";
import { controls, judgeIds, probeIds } from "./controls.ts";
import { type Control, PLAIN_UID, runControl } from "./inside.ts";
import { judge } from "./judge.ts";
import written from "./stock.json";

const root = process.getuid!() === 0;

describe("each probe reports a breach where nothing holds it", () => {
  const off = (["outside", "terminal", "bare", "sham"] as Control[]).map((control) => [control] as const);
  test.skipIf(!root).each(off)("%s (needs root, to put the host up and to be somebody else)", async (control) => {
    await using bait = await layBait(control === "sham" ? 0 : PLAIN_UID);
    const { results } = await runControl(control, bait, controls[control]);
    const silent = controls[control].filter((id) => !results.get(id)?.startsWith("breach"));
    expect(silent.map((id) => `${id}: ${results.get(id) ?? "did not run"}`)).toEqual([]);
  });

  test("no probe is listed twice", () => {
    expect(probeIds.filter((id, at) => probeIds.indexOf(id) !== at)).toEqual([]);
  });
});

/** What each row of the judge must notice, done to the bait. */
const sabotage: Record<string, (bait: Bait) => void> = {
  "judge/home": ({ home }) => writeFileSync(join(home, ".ssh", "authorized_keys"), "key"),
  "judge/hooks": ({ workspace }) => writeFileSync(join(workspace, ".git", "hooks", "post-checkout"), ""),
  "judge/repository": ({ workspace }) => {
    mkdirSync(join(workspace, "packages", "a", ".git", "hooks"), { recursive: true });
    writeFileSync(join(workspace, "packages", "a", ".git", "hooks", "post-checkout"), "");
  },
  "judge/artifacts": ({ workspace }) => {
    libc.makePipe(join(workspace, "vendor", "pipe"));
    writeFileSync(join(workspace, "vendor", "s"), "");
    chmodSync(join(workspace, "vendor", "s"), 0o4755);
  },
  "judge/placeholders": ({ workspace }) => writeFileSync(join(workspace, ".envrc"), ""),
  "judge/ledger": ({ brokeHome }) => {
    const [run] = readdirSync(join(brokeHome, "runs"));
    const file = join(brokeHome, "runs", run!, "ledger.jsonl");
    writeFileSync(file, readFileSync(file, "utf8").replace("checkpoint.opened", "session.end"));
  },
};

test("each row of the judge notices what it is there for", async () => {
  await using bait = await layBait(process.getuid!());
  const ran = Bun.spawnSync([LAUNCHER, "sandbox", "run", "--", "true"], { cwd: bait.workspace, env: bait.env });
  expect(ran.exitCode).toBe(0);
  expect(judge(bait)).toEqual(Object.fromEntries(judgeIds.map((id) => [id, "ok"])));
  for (const act of Object.values(sabotage)) act(bait);
  const orphan = Bun.spawn(["sleep", bait.told["ORPHAN"]!]);
  // The parent goes on while the kernel is still laying the new program's arguments out.
  while (readFileSync(`/proc/${orphan.pid}/cmdline`).length === 0) await Bun.sleep(1);
  const rows = judge(bait);
  orphan.kill();
  expect(judgeIds.filter((id) => rows[id] === "ok")).toEqual([]);
});

test("every row of the stock is one of ours, or says why it follows the issue instead", () => {
  const stock = v.parse(
    v.strictObject({
      rows: v.record(v.string(), v.pipe(v.array(v.string()), v.minLength(1))),
      issue: v.record(v.string(), v.string()),
    }),
    written,
  );
  const egress = readFileSync(join(import.meta.dir, "egress-probes.sh"), "utf8");
  const isOurs = (id: string) => {
    if (id.endsWith(".test.ts")) return existsSync(join(import.meta.dir, id.includes("/") ? ".." : "", id));
    if (id.startsWith("egress/")) return egress.includes(id.split("/").slice(2).join("/"));
    return probeIds.includes(id) || judgeIds.includes(id);
  };
  const names = Object.values(stock.rows).flat();
  expect(names.filter((id) => !isOurs(id))).toEqual([]);
  expect(Object.keys(stock.rows).length + Object.keys(stock.issue).length).toBe(184);
  expect(probeIds.filter((id) => !names.includes(id)).length).toBeGreaterThan(60);
});
