// A run of any command from outside: bytes, exit codes, standard input, and a ledger that explains what was done.

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";
import { readFrom } from "#test/support/reading.ts";

describe("broke harness run --client exec", () => {
  test("the client's bytes and exit code are the product's; the ledger verifies and explains the file", async () => {
    using bench = makeBench();
    const ran = await bench.broke([
      "harness",
      "run",
      "--client",
      "exec",
      "--",
      "sh",
      "-c",
      "echo out; echo err >&2; echo x > made; exit 7",
    ]);
    expect({ code: ran.code, stdout: ran.stdout, first: ran.stderr.split("\n")[0] }).toEqual({
      code: 7,
      stdout: "out\n",
      first: "err",
    });
    expect(ran.stderr).toMatch(/run run_\S+ RETRY_NARROW exit 7 exit_source client\n$/);
    expect(readFileSync(join(bench.workspace, "made"), "utf8")).toBe("x\n");
    const id = runIdOf(ran);
    const shown = JSON.parse((await bench.broke(["harness", "show", id, "--json"])).stdout);
    expect(
      shown.inventory.changes.map((change: { path: string; change: string }) => [change.change, change.path]),
    ).toEqual([["created", "made"]]);
    expect((await bench.broke(["harness", "verify", id])).code).toBe(0);
  });

  test("what comes on stdin after the client's end is left for whoever reads next", async () => {
    using bench = makeBench();
    const script = `${LAUNCHER} harness run --client exec -- head -1 2>/dev/null; echo next; cat`;
    const child = Bun.spawn(["/bin/sh", "-c", script], {
      ...{ cwd: bench.workspace, env: bench.env },
      stdio: ["pipe", "pipe", "ignore"],
    });
    child.stdin.write("first\n");
    const reading = readFrom(child.stdout);
    await reading.until("next");
    child.stdin.write("second\n");
    child.stdin.end();
    expect(await reading.rest()).toBe("first\nnext\nsecond\n");
  });

  test("stdin reaches the client and ends", async () => {
    using bench = makeBench();
    const ran = await bench.broke(["harness", "run", "--client", "exec", "--", "cat"], {
      stdin: "line\n".repeat(50_000),
    });
    expect({ code: ran.code, bytes: ran.stdout.length }).toEqual({ code: 0, bytes: 250_000 });
  });

  test("an edit, a deletion, a swap and a cut of any line are caught, with the line", async () => {
    using bench = makeBench();
    const id = runIdOf(await bench.broke(["harness", "run", "--client", "exec", "--", "true"]));
    const file = join(bench.home, "runs", id, "ledger.jsonl");
    const good = readFileSync(file, "utf8");
    const lines = good.split("\n").slice(0, -1);
    const verify = async (text: string) => {
      writeFileSync(file, text);
      const ran = await bench.broke(["harness", "verify", id, "--json"]);
      return { code: ran.code, ...JSON.parse(ran.stdout) };
    };
    const join_ = (changed: string[]) => `${changed.join("\n")}\n`;
    for (let index = 0; index < lines.length; index++) {
      const edited = lines.with(index, lines[index]!.replace(/"ts":"2/, '"ts":"1'));
      expect(await verify(join_(edited))).toMatchObject({ code: 1, state: "tampered", line: index + 1 });
    }
    expect(await verify(join_(lines.toSpliced(2, 1)))).toMatchObject({ code: 1, state: "tampered", line: 3 });
    expect(await verify(join_(lines.with(2, lines[3]!).with(3, lines[2]!)))).toMatchObject({
      code: 1,
      state: "tampered",
      line: 3,
    });
    expect(await verify(join_(lines.slice(0, -1)))).toMatchObject({ code: 1, state: "tampered", line: lines.length });
    expect(await verify(good)).toMatchObject({ code: 0, state: "intact" });
  });
});
