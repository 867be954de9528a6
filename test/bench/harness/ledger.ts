// What the record costs: events appended to a ledger, as a command is recorded and as a request is, and lines verified, each by wall and by
// processor time. Usage: bun test/bench/harness/ledger.ts [events]

import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Head, Ledger } from "#harness/ledger.ts";
import { verifyLedgerFile } from "#harness/verify.ts";
import type { Json } from "#src/core/json.ts";
import { newSecret } from "#src/core/ids.ts";
import { makeRedactor } from "#src/core/text.ts";

const events = Number(process.argv[2] ?? 100_000);
const RUN = "run_1800000000_00000000";
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const dir = mkdtempSync("/var/tmp/broke-bench-");

const kinds: Record<string, Record<string, Json>> = {
  "command.observed": {
    ...{ pid: 4711, at: 1_800_000_000_000, path: "/usr/bin/sh", argv: ["sh", "-c", "echo x > made"], cwd: "/work" },
    ...{ by: "/usr/bin/bash", cut: false, files: ["/usr/bin/sh"], lineage: [3, 2, 1], outcome: "started" },
  },
  "model.request": {
    ...{ slot: "sonnet", backend: "provider/model", path: "/v1/messages", status: 200, attempts: 1 },
    ...{ inputTokens: 1000, outputTokens: 100, losses: [], ms: 900, aborted: false },
  },
};

function timed(title: string, act: () => void): void {
  const [began, before] = [performance.now(), process.cpuUsage()];
  act();
  const { user, system } = process.cpuUsage(before);
  const rate = (ms: number) => `${Math.round((events / ms) * 1000).toLocaleString("en")}/s`;
  process.stdout.write(`| ${title} | ${rate(performance.now() - began)} | ${rate((user + system) / 1000)} |\n`);
}

process.stdout.write("| | by wall | by processor |\n| --- | --- | --- |\n");
for (const [event, data] of Object.entries(kinds)) {
  const file = join(dir, event);
  let head: Head = { seq: 0, hash: "" };
  const redact = makeRedactor(Array.from({ length: 8 }, () => newSecret("brokerun")));
  {
    using ledger = new Ledger({
      ...{ file, run: RUN, key: privateKey, clock: Date.now, redact },
      saveHead: (at) => (head = at),
    });
    timed(`${event} appended`, () => {
      for (let index = 0; index < events; index++) ledger.append(event, data);
    });
    ledger.append("run.completed", {});
  }
  timed(`${event} verified`, () => {
    const { state } = verifyLedgerFile(file, RUN, publicKey, head);
    if (state !== "intact") throw new Error(state);
  });
}
rmSync(dir, { recursive: true });
