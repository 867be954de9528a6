// What a run leaves as evidence, through the real launcher: who changed what, what nobody changed, and that the artifacts alone tell it.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EvidencePacket } from "#harness/evidence/packet.ts";
import type { Narrative } from "#harness/evidence/replay.ts";
import { type Bench, LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";

const words = (...options: string[]) => ["harness", "run", "--client", "exec", ...options, "--", "bash", "-c"];

async function replayed(bench: Bench, id: string): Promise<Narrative> {
  const ran = await bench.broke(["harness", "replay", id, "--json"]);
  if (ran.code !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout);
}
async function evidenceOf(bench: Bench, script: string, ...options: string[]) {
  const ran = await bench.broke([...words(...options), script]);
  const id = runIdOf(ran);
  const folder = join(bench.home, "runs", id, "artifacts");
  return { ran, id, folder, ...(await replayed(bench, id)) };
}
const changes = ({ changes }: EvidencePacket) =>
  changes.listed.map(
    ({ path, change, by }) => `${change} ${path}: ${by.client ? "client" : by.argv.join(" ").replace("/usr/bin/", "")}`,
  );

describe("evidence", () => {
  test("is not what a worker says in the words of evidence", async () => {
    using bench = makeBench();
    const known = await evidenceOf(bench, "true");
    const forged = { ...known.packet, head: { seq: 999_999, hash: "x" }, run: "RUN" };
    writeFileSync(join(bench.workspace, "forged"), JSON.stringify(forged));
    // Where its tree lies says which run it is.
    const { id, packet } = await evidenceOf(
      bench,
      "run=$(grep -o 'run_[0-9]*_[0-9a-f]*' /proc/self/mountinfo | head -1); sed -i s/RUN/$run/ forged; grep -q $run forged || exit 9",
      ...["--workspace", "copy", "--verify", "cat forged"],
    );
    expect([packet.run, packet.head.seq < 999_999, packet.end?.code]).toEqual([id, true, 0]);
  });

  test("has every change with the command that explains it, every command with how it ended", async () => {
    using bench = makeBench();
    for (const name of ["edited", "gone", "mode"]) writeFileSync(join(bench.workspace, name), "1\n");
    const { packet, commands } = await evidenceOf(
      bench,
      // Waits without a command of its own.
      `spin() { local end=$((\${EPOCHREALTIME/./} + 500000)); until ((\${EPOCHREALTIME/./} > end)); do :; done; }
      sleep 0.1; sh -c 'sleep 0.05; echo 2 > edited; sleep 0.05'; sleep 0.1; rm gone; sleep 0.1; chmod 755 mode; sleep 0.1; ln -s edited link; sleep 0.1
      python3 -c 'open("made", "w").write("x")' || true; sleep 0.1; (exit 3); sh -c 'kill -9 $$'; spin; echo own > own; spin`,
    );
    expect(changes(packet)).toEqual([
      "modified edited: sh -c sleep 0.05; echo 2 > edited; sleep 0.05",
      "deleted gone: rm gone",
      "created link: ln -s edited link",
      ...[
        'created made: python3 -c open("made", "w").write("x")',
        "modified mode: chmod 755 mode",
        "created own: client",
      ],
    ]);
    expect(packet.changes.listed.find(({ path }) => path === "mode")!.mode).toEqual({ before: 0o644, after: 0o755 });
    const ends = commands.filter(({ argv }) => argv[0] === "rm" || argv.at(-1) === "kill -9 $$");
    expect(ends.map(({ code, signal, ms }) => [code, signal, typeof ms])).toEqual([
      [0, null, "number"],
      [null, 9, "number"],
    ]);
  });

  test("explains a change whichever way its program was started, and of one that outlives the client there is none", async () => {
    using bench = makeBench();
    const ways: Record<string, string> = {
      absolute: "/usr/bin/touch absolute",
      shell: "sh -c 'touch shell'",
      python: 'python3 -c \'open("python", "w")\'',
      shebang: "printf '#!/bin/sh\\ntouch shebang\\n' > script; chmod 755 script; sleep 0.1; ./script",
      copied: "cp /usr/bin/touch unknown; sleep 0.1; ./unknown copied",
      linked: "ln -s /usr/bin/touch link; sleep 0.1; ./link linked",
      descriptor: "exec 9< /usr/bin/touch; sleep 0.1; /proc/self/fd/9 descriptor",
      loader: '$(echo /lib64/ld-linux-*.so.* /lib/ld-linux-*.so.* | cut -d" " -f1) /usr/bin/touch loader',
    };
    const script = `${Object.values(ways).join("; sleep 0.1; ")}; (setsid sh -c 'sleep 0.5; touch after' &)`;
    const { packet, commands } = await evidenceOf(bench, script);
    const by = new Map(packet.changes.listed.map((change) => [change.path, change.by]));
    const told = Object.keys(ways).map((name) => [name, by.get(name)?.argv.some((word) => word.includes(name))]);
    expect(told).toEqual(Object.keys(ways).map((name) => [name, true]));
    expect([packet.changes.unattributed, by.has("after"), commands.some(({ argv }) => argv.includes("after"))]).toEqual(
      [...[0, false, false]],
    );
  });

  test("a time that a worker sets, a command that is over, a process that lives on: it is explained all the same", async () => {
    using bench = makeBench();
    writeFileSync(join(bench.workspace, "old"), "1\n");
    const { packet } = await evidenceOf(
      bench,
      "touch -d 2001-01-01 old; (setsid bash -c 'sleep 0.4; echo late > late' & ) ; sleep 0.8; mkdir -p a/b; echo x > a/b/f; touch -d 2001-01-01 a/b/f; mv a moved",
    );
    expect([packet.changes.unattributed, packet.changes.total]).toEqual([0, 5]);
  });

  test.each([
    [
      "before the client begins",
      '"event":"tree.hashed"',
      "balanced",
      'no command explains 1 of the changes: "by-somebody"',
    ],
    [
      "while its work is verified",
      '"event":"workspace.swept"',
      "throughput",
      '1 paths changed after the client was gone: "by-somebody"',
    ],
  ])(
    "what somebody else changes in the workspace %s is nobody's, and speaks against the run",
    async (_, sign, policy, said) => {
      using bench = makeBench();
      const run = Bun.spawn(
        [LAUNCHER, ...words("--workspace", "direct", "--policy", policy, "--verify", "sleep 1"), "echo x > made"],
        { cwd: bench.workspace, env: bench.env, stdio: ["ignore", "ignore", "pipe"] },
      );
      const runs = join(bench.home, "runs");
      const begun = () => {
        const [id] = existsSync(runs) ? readdirSync(runs) : [];
        const file = join(runs, id ?? "", "ledger.jsonl");
        return id !== undefined && existsSync(file) && readFileSync(file, "utf8").includes(sign);
      };
      while (!begun()) await Bun.sleep(5);
      writeFileSync(join(bench.workspace, "by-somebody"), "y\n");
      const { outcome } = await replayed(
        bench,
        runIdOf({ code: 0, stdout: "", stderr: await new Response(run.stderr).text() }),
      );
      expect(outcome!.reasons).toContain(said);
      expect(outcome!.categories).toContain("unattributed_mutation");
    },
  );

  test("is told by the artifacts alone, whoever took the ledger away", async () => {
    using bench = makeBench();
    const verify = ["--policy", "throughput", "--verify", "grep x made"];
    const { id, outcome } = await evidenceOf(bench, "echo x > made", ...verify);
    const cast = (await bench.broke(["harness", "replay", id, "--cast"])).stdout.trim().split("\n");
    expect(JSON.parse(cast[0]!)).toMatchObject({ version: 3, title: id });
    expect(JSON.parse(cast.at(-1)!).slice(1)).toEqual(["x", "0"]);
    rmSync(join(bench.home, "runs", id, "ledger.jsonl"));
    const told = await bench.broke(["harness", "replay", id]);
    expect({ code: told.code, verdict: outcome!.verdict }).toEqual({ code: 0, verdict: "ACCEPT" });
    for (const line of ["created made  (the client", "grep x made → held", "ACCEPT, exit 0 by client"])
      expect(told.stdout).toContain(line);
    expect((await bench.broke(["harness", "verify", id])).code).toBe(1);
  });

  test("holds no secret, stays bounded and private, and what was cut counts as missing", async () => {
    using bench = makeBench();
    const secret = "sk-ant-api03-abcdefghijklmnopqrstuvwxyz";
    const { ran, folder, packet } = await evidenceOf(
      bench,
      `echo key ${secret.slice(0, 9)}"${secret.slice(9)}"; echo ${secret} > made; touch 'token=aaaaaaaa"x'; head -c 20000000 /dev/zero | tr '\\0' 'x'; echo; echo the-end`,
    );
    const all = readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
    expect([all.filter((text) => text.includes(secret)).length, packet.changes.total]).toEqual([0, 2]);
    expect(all.join("").length).toBeLessThan(8 * 1024 ** 2);
    expect(all.some((text) => text.includes("the-end"))).toBe(true);
    expect([packet.cut.length, packet.transcript!.cut > 10_000_000]).toEqual([1, true]);
    expect(ran.stderr).toMatch(/\d+ bytes of the transcript were not kept/);
    expect(readdirSync(folder).map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual(all.map(() => 0o600));
  });
});
