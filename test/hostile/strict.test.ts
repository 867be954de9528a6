// The hostile probes from inside a strict and a hardened run, as root and as a plain user, and what is left on the host afterwards.
// What makes each of them notice is shown in controls.test.ts.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Bait, CANARY, layBait } from "./bait.ts";
import { judgeIds, probeIds } from "./controls.ts";
import { identities, type Probed, runProbes, through } from "./inside.ts";
import { judge } from "./judge.ts";

type Ran = { profile: string; bait: Bait; probed: Probed };

for (const { name, uid, as } of identities) {
  describe(`launched by ${name}`, () => {
    let runs: Ran[];
    beforeAll(async () => {
      runs = await Promise.all(
        ["strict", "hardened"].map(async (profile) => {
          const bait = await layBait(uid);
          return { profile, bait, probed: await runProbes(bait, as, profile) };
        }),
      );
    });
    afterAll(async () => {
      for (const { bait } of runs) await bait[Symbol.asyncDispose]();
    });

    test("every probe ran and none got through", () => {
      for (const { profile, probed } of runs) {
        const { code, stderr, results } = probed;
        expect({ profile, code, said: stderr.split("\n").at(-2) }).toMatchObject({ code: 0 });
        expect({ profile, through: through(probed) }).toEqual({ profile, through: {} });
        expect([...results.keys()].sort()).toEqual(probeIds);
      }
    });

    test("nothing of it is left: what was planted is swept away, and nothing goes on", () => {
      for (const { profile, bait, probed } of runs) {
        const rows = judge(bait);
        expect({ profile, rows }).toEqual({ profile, rows: Object.fromEntries(judgeIds.map((id) => [id, "ok"])) });
        expect(probed.stderr).toContain("ACCEPT_WITH_WARNINGS");
      }
    });

    test("what the run left belongs to its user, and holds no secret", () => {
      for (const { bait } of runs) {
        const [run] = readdirSync(join(bait.brokeHome, "runs"));
        const ledger = join(bait.brokeHome, "runs", run!, "ledger.jsonl");
        expect({ uid: lstatSync(ledger).uid, mode: lstatSync(ledger).mode & 0o777 }).toEqual({ uid, mode: 0o600 });
        const text = readFileSync(ledger, "utf8");
        for (const secret of ["-key", "-aws", "-github", "-openai", "-ordinary"])
          expect(text).not.toContain(`${CANARY.join("-")}${secret}`);
        expect(text).not.toContain("brokerun_");
      }
    });
  });
}

/** What -A means: the person's files and variables, and what any user of the machine may read. */
const opened = [
  ...[
    "read/home-listing",
    "read/others-environ",
    "secret/env",
    "secret/own-environ",
    "write/host-home",
    "write/link-out",
  ],
  ...[
    "write/proc-root",
    "write/dots",
    "theirs/srt/write-outside",
    "theirs/srt/link-out",
    "read/up-listing",
    "read/machine-id",
    "read/etc-rest",
  ],
  ...["/home", "/mnt", "/srv", "/media", "/boot", "/var/log", "/var/lib", "/var/spool", "/var/backups"].map(
    (path) => `read${path}`,
  ),
];

// Not root as itself, whose probes would write to this machine's own folders.
for (const { name, uid, as } of identities.filter((each) => each.uid !== 0)) {
  test(`with -A, launched by ${name}: files and variables are open, nothing else is`, async () => {
    await using bait = await layBait(uid);
    const probed = await runProbes(bait, as, "strict", ["-A"]);
    expect(Object.keys(through(probed)).filter((id) => !opened.includes(id))).toEqual([]);
    expect(Object.keys(through(probed))).toContain("secret/env");
    expect([...probed.results.keys()].sort()).toEqual(probeIds);
  });
}
