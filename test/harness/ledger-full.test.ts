// A disk that is full: the ledger says so to its writer, takes nothing more, and is incomplete, not tampered with.

import { expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { verifyLedger } from "#harness/verify.ts";
import { ROOT } from "#test/support/broke.ts";

test("a line that could not be written whole is the last", () => {
  const folder = mkdtempSync(join(tmpdir(), "broke-ledger-full-"));
  try {
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const [file, key, script] = ["ledger.jsonl", "key.pem", "fill.ts"].map((name) => join(folder, name)) as [
      ...[string, string, string],
    ];
    writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
    writeFileSync(
      script,
      `import { createPrivateKey } from "node:crypto";
      import { readFileSync } from "node:fs";
      import { Ledger } from "${ROOT}/harness/ledger.ts";
      const key = createPrivateKey(readFileSync("${key}"));
      const ledger = new Ledger({ file: "${file}", run: "run", key, clock: () => 0, redact: (text) => text, saveHead() {} });
      const refused = [];
      for (let index = 0; index < 100; index++) {
        try { ledger.append("x", { text: "x".repeat(500) }); } catch { refused.push(index); }
      }
      console.log(JSON.stringify(refused));`,
    );
    // 8 blocks of 512 bytes; the signal that would end the writer is ignored, as where the disk itself is full.
    const ran = Bun.spawnSync(
      ["/bin/sh", "-c", `trap "" XFSZ; ulimit -f 8; exec "$@"`, "sh", process.execPath, script],
      {
        env: { BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0" },
      },
    );
    const refused = JSON.parse(ran.stdout.toString()) as number[];
    expect(refused[0]).toBeGreaterThan(2);
    expect(refused).toEqual(Array.from({ length: 100 - refused[0]! }, (_, index) => refused[0]! + index));
    const text = readFileSync(file, "utf8");
    expect(verifyLedger(text, "run", publicKey, undefined)).toEqual({
      ...{ state: "incomplete", records: refused[0]!, line: null, reason: "the last line is torn" },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
