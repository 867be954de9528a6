// What a run is held to, by options, files and broke.toml, and what its verdict makes of it. Through the real launcher.

import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { LedgerRecord } from "#harness/record.ts";
import { type Bench, makeBench, ROOT, runIdOf } from "#test/support/broke.ts";

type Ended = { code: number; why: string[]; verdict: string | undefined; ledger: LedgerRecord[]; run: string };

async function run(bench: Bench, options: string[], script: string, env: Record<string, string> = {}): Promise<Ended> {
  const words = ["harness", "run", "--client", "exec", "--workspace", "direct", ...options, "--", "sh", "-c", script];
  const ran = await bench.broke(words, { env });
  const id = /run (run_\S+)/.exec(ran.stderr) === null ? "" : runIdOf(ran);
  const file = join(bench.home, "runs", id, "ledger.jsonl");
  const lines = id === "" ? [] : readFileSync(file, "utf8").trim().split("\n");
  return {
    code: ran.code,
    why: ran.stderr
      .split("\n")
      .slice(0, -2)
      .map((line) => line.replace(/^broke: /, "")),
    verdict: / ([A-Z_]+) exit /.exec(ran.stderr)?.[1],
    ledger: lines.map((line) => JSON.parse(line) as LedgerRecord),
    run: join(bench.home, "runs", id),
  };
}
const events = ({ ledger }: Ended, event: string) =>
  ledger.filter((record) => record.event === event).map(({ data }) => data);
/** What a verification said, from its artifact. */
const said = ({ run }: Ended, data: LedgerRecord["data"] | undefined) =>
  readFileSync(join(run, "artifacts", String(data?.output)), "utf8");
const own = (bench: Bench, text: string) => {
  mkdirSync(bench.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(bench.home, "broke.toml"), text, { mode: 0o600 });
};

describe("verification", () => {
  test("commands that end with 0 on the result let it be accepted; what they write is nobody's work", async () => {
    using bench = makeBench();
    const verify = ["--verify", "echo told; cat made; echo more > made; touch left", "--verify", "grep more made"];
    const ended = await run(bench, ["--policy", "throughput", ...verify], "echo x > made");
    expect([ended.code, ended.verdict]).toEqual([0, "ACCEPT"]);
    const [first, second] = events(ended, "verification.ran");
    expect(first).toMatchObject({ code: 0, failure: null, output_bytes: 7 });
    expect(said(ended, first)).toBe("told\nx\n");
    expect(second).toMatchObject({ code: 0, failure: null });
    expect(second!.tree_sha256).not.toBe(first!.tree_sha256);
    expect([readFileSync(join(bench.workspace, "made"), "utf8"), readdirSync(bench.workspace)]).toEqual([
      ...["x\n", ["made"]],
    ] as never);
    expect(existsSync(join(ended.run, "verification"))).toBe(false);
  });

  test("one that fails is a correctness finding, whatever the worker says", async () => {
    using bench = makeBench();
    const ended = await run(
      bench,
      ["--policy", "throughput", "--verify", "test -e other"],
      "echo 10 passed; echo x > made",
    );
    expect([ended.code, ended.verdict, ended.why]).toEqual([
      ...[12, "ESCALATE"],
      ["verification: `test -e other` exited with 1"],
    ] as never);
    expect(events(ended, "verdict.issued")[0]).toMatchObject({ categories: ["correctness"] });
    expect(events(ended, "attempt.ended").map(({ verdict, next }) => [verdict, next])).toEqual([
      ...Array.from({ length: 3 }, () => ["RETRY_NARROW", "narrow"]),
      ["ESCALATE", null],
    ]);
  });

  test("under off it is told, and under a grave risk the tree is not believed any more", async () => {
    using bench = makeBench();
    const off = await run(bench, ["--verify", "false"], "true");
    const grave = await run(bench, ["--policy", "throughput", "--risk", "critical", "--verify", "false"], "true");
    const spent = await run(bench, ["--policy", "throughput", "--retries", "0", "--verify", "false"], "true");
    expect([off, grave, spent].map(({ code, verdict }) => [code, verdict])).toEqual([
      [0, "ACCEPT_WITH_WARNINGS"],
      [11, "RETRY_BROAD"],
      [12, "ESCALATE"],
    ]);
  });

  test("a policy wants one, where something was changed", async () => {
    using bench = makeBench();
    const none = await run(bench, ["--policy", "throughput"], "echo x > made");
    const still = await run(bench, ["--policy", "throughput"], "true");
    expect([none.code, none.why[0], still.code]).toEqual([
      ...[10, "no verification command was given, so nothing was verified"],
      0,
    ] as never);
  });

  test("it has no network, no gateway, no secret of the workspace, and nothing of the run's home", async () => {
    using bench = makeBench();
    writeFileSync(join(bench.workspace, ".env"), "KEY=hidden");
    const look = "env | grep -c ANTHROPIC; cat .env; ls -A $HOME; grep -c : /proc/net/dev; ls /run/broke";
    const ended = await run(
      bench,
      ["--policy", "throughput", "--verify", `${look}; true`],
      "touch $HOME/of-the-worker",
    );
    const [ran] = events(ended, "verification.ran");
    expect([ended.code, ran!.failure]).toEqual([0, null]);
    const output = said(ended, ran);
    expect(output).not.toMatch(/hidden|of-the-worker|gateway\.sock/);
    expect(output.split("\n").slice(0, 1)).toEqual(["0"]);
  });

  test("what the worker was allowed to write elsewhere, it only reads; hosts by name stay, asking and programs do not", async () => {
    using bench = makeBench();
    const data = join(bench.env["HOME"]!, "data");
    mkdirSync(data);
    const allow = [`--allow-write=${data}`, "--allow-net=a.example", "--allow-run=sh"];
    const look = `exec 2>&1; cat ${data}/f; echo y > ${data}/g || echo held; cp /dev/null here && echo ran; echo $HTTPS_PROXY`;
    const ended = await run(bench, [...allow, "--verify", look], `echo x > ${data}/f`);
    expect(said(ended, events(ended, "verification.ran")[0])).toMatch(
      /^x\n[^\n]*\nheld\nran\nhttp:\/\/127\.0\.0\.1:\d+\n$/,
    );
    expect(readdirSync(data)).toEqual(["f"]);
  });

  test("one that does not end is ended, and one that floods is bounded", async () => {
    using bench = makeBench();
    const late = await run(bench, ["--policy", "throughput", "--timeout", "1s", "--verify", "sleep 100"], "true");
    const loud = await run(bench, ["--verify", "head -c 3000000 /dev/zero | tr '\\0' x"], "true");
    expect([late.why[0], late.verdict]).toEqual([
      ...["verification: `sleep 100` reached its limit: timeout 1 s", "RETRY_NARROW"],
    ]);
    const [flood] = events(loud, "verification.ran");
    expect([flood!.output_bytes, said(loud, flood), loud.verdict]).toEqual([
      ...[3_000_000, "x".repeat(1024 * 1024), "ACCEPT_WITH_WARNINGS"],
    ]);
    expect(loud.why).toEqual(["1951424 bytes of the verification output were not kept"]);
  });
});

describe("the contract", () => {
  test("is stored for its owner alone, and its hash is in the ledger", async () => {
    using bench = makeBench();
    const ended = await run(bench, ["--policy", "throughput", "--risk", "low"], "true");
    const file = join(ended.run, "contract.json");
    const text = readFileSync(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(events(ended, "run.registered")[0]).toMatchObject({
      ...{ policy: "throughput", risk: "low", task: null },
      contract_sha256: createHash("sha256").update(text).digest("hex"),
    });
  });

  test("options before the file, the file before broke.toml, broke.toml before what is stored", async () => {
    using bench = makeBench();
    own(bench, `[harness]\npolicy = "high_assurance"\nrisk = "low"\nretries = 7\n[contracts.mine]\nrisk = "release"`);
    writeFileSync(join(bench.workspace, "c.json"), JSON.stringify({ policy: "balanced", verify: "true" }));
    const terms = async (...options: string[]) => {
      const ended = await run(bench, options, "true");
      const { policy, risk, retries, verification } = events(ended, "run.registered")[0]!;
      return { policy, risk, retries, verification };
    };
    expect(await terms()).toEqual({ policy: "high_assurance", risk: "low", retries: 7, verification: [] });
    expect(await terms("--contract", "mine", "--policy=off")).toEqual({
      ...{ policy: "off", risk: "release", retries: 7, verification: [] },
    });
    expect(await terms("--contract", "c.json", "--retries", "2")).toEqual({
      ...{ policy: "balanced", risk: "low", retries: 2, verification: ["true"] },
    });
  });

  test("says what the client is and may do as well", async () => {
    using bench = makeBench();
    const contract = `client: exec\nsandbox: hardened\nargs: [sh, -c, "echo $APP > made"]\npermissions: {allow-env: [APP]}\nworkspace: direct\npolicy: throughput\nverify: grep given made\n`;
    writeFileSync(join(bench.workspace, "c.yaml"), contract);
    const ran = await bench.broke(["harness", "run", "--contract", "c.yaml"], { env: { APP: "given" } });
    expect([ran.code, readFileSync(join(bench.workspace, "made"), "utf8")]).toEqual([0, "given\n"]);
  });

  test("changes outside the paths it allows are a boundary", async () => {
    using bench = makeBench();
    const paths = [
      "--policy",
      "throughput",
      "--verify",
      "true",
      "--allowed-paths",
      "src",
      "--forbidden-paths",
      "src/gen",
    ];
    const ended = await run(bench, paths, "mkdir -p src/gen; echo x > src/gen/a; echo y > b; echo z > src/c");
    expect([ended.code, ended.verdict, ended.why[0]]).toEqual([
      ...[13, "BLOCK", "changed what the contract forbids: b, src/gen, src/gen/a"],
    ] as never);
  });

  test("what was written anew as it was is no change of what it forbids", async () => {
    using bench = makeBench();
    for (const name of ["b", "c"]) writeFileSync(join(bench.workspace, name), "one\n");
    const paths = ["--policy", "throughput", "--verify", "true", "--allowed-paths", "src", "--forbidden-paths", "c"];
    const ended = await run(bench, paths, "mkdir src; echo x > src/a; touch b; sed -i s/nothing/x/ b c");
    expect(ended.code).toBe(0);
    const really = await run(bench, paths, "chmod 600 b");
    expect([really.code, really.why[0]]).toEqual([13, "changed what the contract forbids: b"] as never);
  });

  test("with a policy and nobody watching, the run works on a tree of its own", async () => {
    using bench = makeBench();
    const words = ["harness", "run", "--client", "exec", "--policy", "throughput", "--verify", "test -e other"];
    const ran = await bench.broke([...words, "--", "touch", "made"]);
    expect([ran.code, readdirSync(bench.workspace)]).toEqual([12, []]);
  });

  test("what it cannot say is said before anything is started", async () => {
    using bench = makeBench();
    own(bench, `[contracts.known]\npolicy = "off"\n[contracts.odd]\nclientt = "x"`);
    writeFileSync(join(bench.workspace, "bad.toml"), `polcy = "off"`);
    writeFileSync(join(bench.workspace, "roles.json"), `{"roles": {"verifier": "nobody"}}`);
    const say = async (...options: string[]) => {
      const { code, why, ledger } = await run(bench, options, "true");
      return [code, ledger.length, ...why];
    };
    expect([
      await say("--contract", "bad.toml"),
      await say("--contract", "knwon"),
      await say("--contract", "odd"),
      await say("--contract", "none.toml"),
      await say("--policy", "strict"),
      await say("--task", "words"),
      await say("--contract", "roles.json"),
      existsSync(join(bench.home, "runs")) ? readdirSync(join(bench.home, "runs")) : [],
    ]).toEqual([
      [2, 0, "the contract file: unknown key"],
      [2, 0, "there is no contract of that name"],
      [2, 0, `${bench.home}/broke.toml, contracts.odd: unknown key`],
      [3, 0, "the contract file cannot be read"],
      [2, 0, "the command line: policy is not what it can be"],
      [2, 0, "exec takes no task"],
      [2, 0, "a role is given a slot that there is none of"],
      [],
    ]);
  });
});

describe("tests that pass because less is tested", () => {
  const SUITE = `import { expect, test } from "bun:test";
test("adds", () => expect(1 + 1).toBe(2));
test("is broken", () => expect(1).toBe(2));
`;
  const bun = join(ROOT, "node_modules", "bun", "bin", "bun.exe");
  const judged = async (command: string, verify = `${bun} test`) => {
    using bench = makeBench();
    writeFileSync(join(bench.workspace, "sums.test.ts"), SUITE);
    const options = ["--policy", "balanced", "--verify", verify, `--allow-read=${bun}`];
    const ended = await run(bench, options, command);
    const results = (event: string) => events(ended, event).map((data) => data["results"]);
    return { ...ended, before: results("verification.baseline"), after: results("verification.ran") };
  };
  const bunResults = (passed: number, failed: number) => [
    expect.objectContaining({ runner: "bun", passed, failed }) as object,
  ];

  test("mended: nothing is suspicious", async () => {
    const { before, after, why } = await judged("sed -i 's/expect(1).toBe(2)/expect(2).toBe(2)/' sums.test.ts");
    expect([before, after] as unknown).toEqual([[bunResults(1, 1)], [bunResults(2, 0)]]);
    expect(why.filter((reason) => /tests|assert/.test(reason))).toEqual([]);
  });

  test("the failing test deleted: it is a fraud, and blocked", async () => {
    const { verdict, why } = await judged("sed -i '/is broken/d' sums.test.ts");
    expect([verdict, why.slice(0, 3)]).toEqual([
      "BLOCK",
      [
        "bun: tests that failed before are gone: is broken",
        "sums.test.ts: 1 assertions, 2 before",
        "bun: 1 tests, 2 before",
      ],
    ]);
  });

  test("skipped instead", async () => {
    const { verdict, why } = await judged(`sed -i 's/test("is broken"/test.skip("is broken"/' sums.test.ts`);
    expect([verdict, why.includes("bun: 1 more tests are skipped: is broken")]).toEqual(["ESCALATE", true]);
  });

  test("a worker's word that all pass is nobody's: the supervisor runs them itself", async () => {
    const { verdict, why } = await judged("echo ' 2 pass'; echo ' 0 fail'; echo 'Ran 2 tests across 1 file. [1.00ms]'");
    expect([verdict, why[0]]).toEqual(["ESCALATE", `verification: \`${bun} test\` exited with 1`]);
  });

  test("a command that only lists tests proves nothing", async () => {
    const { why } = await judged("true", `${bun} --version`);
    expect(why).toContain(`verification: \`${bun} --version\` tests nothing, or passes without tests: --version`);
  });
});

describe("a project's broke.toml", () => {
  test("narrows once it is trusted, and not before; changed, nothing is launched", async () => {
    using bench = makeBench();
    const file = join(bench.workspace, "broke.toml");
    writeFileSync(file, `[harness]\npolicy = "throughput"\nverify = ["false"]`);
    const policy = async (...options: string[]) => {
      const ended = await run(bench, options, "true");
      return [ended.code, ended.verdict, events(ended, "run.registered")[0]?.policy];
    };
    expect(await policy()).toEqual([0, "ACCEPT", "off"]);
    expect((await bench.broke(["sandbox", "trust"])).code).toBe(0);
    expect(await policy()).toEqual([12, "ESCALATE", "throughput"]);
    expect(await policy("--policy", "off", "--verify", "true")).toEqual([12, "ESCALATE", "throughput"]);
    writeFileSync(file, `[harness]\npolicy = "off"`);
    expect(await policy()).toEqual([4, undefined, undefined]);
  });

  test("has contracts of its own, once it is trusted: by name, within what the operator says", async () => {
    using bench = makeBench();
    writeFileSync(
      join(bench.workspace, "broke.toml"),
      `[contracts.ci]\npolicy = "throughput"\nforbidden-paths = "src"`,
    );
    const by = async (...options: string[]) => {
      const ended = await run(bench, ["--contract", "ci", ...options], "mkdir -p src; echo x > src/a");
      const { policy, forbidden } = events(ended, "run.registered")[0] ?? {};
      return { code: ended.code, why: ended.why[0], policy, forbidden };
    };
    expect(await by()).toMatchObject({ code: 2, why: "there is no contract of that name" });
    expect((await bench.broke(["sandbox", "trust"])).code).toBe(0);
    expect(await by("--policy", "off", "--forbidden-paths", "docs", "--verify", "true")).toEqual({
      ...{ code: 13, why: "changed what the contract forbids: src, src/a" },
      ...{ policy: "throughput", forbidden: ["docs", "src"] },
    });
  });

  test("has no say in anything else", async () => {
    using bench = makeBench();
    writeFileSync(join(bench.workspace, "broke.toml"), `[harness]\nclient = "exec"`);
    expect((await bench.broke(["sandbox", "trust"])).code).toBe(0);
    const ended = await run(bench, [], "true");
    expect([ended.code, ended.why]).toEqual([
      2,
      ["broke.toml here: a project may only narrow, and this has a say in client"],
    ]);
  });
});
