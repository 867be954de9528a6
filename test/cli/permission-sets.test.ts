// `-P`: the operator's sets, a project's within them, and a project's file that is believed only as it was trusted. Through the real launcher.

import { describe, expect, test } from "bun:test";
import { mkdirSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "#test/support/broke.ts";
import { makeBench } from "#test/support/broke.ts";

type Told = {
  profile: string;
  mounts: { path: string; kind: string }[];
  network: { network: string; net?: object };
  variables: { given: string[] };
  limits: Record<string, number | null>;
};

function setUp(own: string | undefined, project?: string): Bench & { data: string } {
  const bench = makeBench();
  const data = join(bench.env["HOME"]!, "data");
  mkdirSync(join(data, "deep"), { recursive: true });
  mkdirSync(bench.home, { mode: 0o700 });
  if (own !== undefined) writeFileSync(join(bench.home, "broke.toml"), own.replaceAll("DATA", data), { mode: 0o600 });
  if (project !== undefined) writeProject(bench, project.replaceAll("DATA", data));
  return { ...bench, data };
}
const writeProject = (bench: Bench, text: string) => writeFileSync(join(bench.workspace, "broke.toml"), text);

const env = { CI: "1", APP_X: "2", OTHER: "3" };
async function explain(bench: Bench, ...flags: string[]): Promise<Told> {
  const ran = await bench.broke(["sandbox", "explain", "--json", ...flags], { env });
  if (ran.code !== 0) throw new Error(ran.stderr);
  return JSON.parse(ran.stdout) as Told;
}
const failure = async (bench: Bench, ...words: string[]) => {
  const { code, stdout, stderr } = await bench.broke(words, { env });
  return { code, stdout, why: stderr.split("\n")[0] };
};
const kindOf = ({ mounts }: Told, path: string) => mounts.findLast((mount) => mount.path === path)?.kind;

const OWN = `
[permissions.default]
allow-read = ["DATA"]
[permissions.build]
profile = "hardened"
allow-write = ["DATA"]
deny-read = ["DATA/deep"]
allow-net = ["a.example", "*.b.example:8443"]
allow-env = ["CI", "APP_*"]
limits = { pids = 100 }
timeout = "1m"
`;

describe("the operator's sets", () => {
  test("by name, joined or not, short or long; bare: the default", async () => {
    using bench = setUp(OWN);
    for (const flags of [["-P", "build"], ["-P=build"], ["--permission-set=build"], ["--permission-set", "build"]]) {
      const told = await explain(bench, ...flags);
      expect({ ...told, mounts: [], warnings: [] }).toMatchObject({
        profile: "hardened",
        variables: { given: ["APP_X", "CI"] },
        network: { net: { any_public: false, allow: ["a.example", "*.b.example:8443"], deny: [] } },
        limits: { pids: 100, timeout_seconds: 60 },
      });
      expect([kindOf(told, bench.data), kindOf(told, join(bench.data, "deep"))]).toEqual(["write", "closed"]);
    }
    const bare = await explain(bench, "-P");
    expect([bare.profile, kindOf(bare, bench.data)]).toEqual(["strict", "read"]);
  });

  test("flags come on top and may widen; what the set denies stays denied", async () => {
    using bench = setUp(OWN);
    const told = await explain(
      bench,
      "-P",
      "build",
      "--allow-net=c.example",
      "--allow-env=OTHER",
      "--limit",
      "pids=200",
    );
    expect(told).toMatchObject({
      variables: { given: ["APP_X", "CI", "OTHER"] },
      network: { net: { allow: ["a.example", "*.b.example:8443", "c.example"] } },
      limits: { pids: 200 },
    });
    const all = await explain(bench, "-P", "build", "-A", "--sandbox", "strict");
    expect([all.profile, kindOf(all, join(bench.data, "deep"))]).toEqual(["strict", "closed"]);
    expect(await failure(bench, "sandbox", "run", "-P=build", `--allow-read=${bench.data}/deep`, "--", "true")).toEqual(
      {
        ...{ code: 2, stdout: "", why: `broke: --deny-read: "${bench.data}/deep" is both allowed (read) and denied` },
      },
    );
  });

  test("a run has what its set says", async () => {
    using bench = setUp(OWN);
    writeFileSync(join(bench.data, "f"), "data");
    const script = `cat ${bench.data}/f; ls ${bench.data}/deep || echo " closed"; echo $APP_X$CI$OTHER`;
    const ran = await bench.broke(["sandbox", "run", "-P", "build", "--", "sh", "-c", script], { env });
    expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "data closed\n21\n" });
    expect(
      (await bench.broke(["harness", "run", "--client", "exec", "-P", "--", "env"], { env })).stdout,
    ).not.toContain("CI=");
  });

  test("what is no set, or cannot be one, is said", async () => {
    using bench = setUp(OWN);
    const run = (...flags: string[]) => failure(bench, "sandbox", "run", ...flags, "--", "true");
    const writeOwn = (text: string) => writeFileSync(join(bench.home, "broke.toml"), text, { mode: 0o600 });
    const usage = (why: string) => ({ code: 2, stdout: "", why: `broke: ${why}` });
    expect(await run("-P", "biuld")).toEqual(usage("there is no permission set of that name"));
    expect(await run("-P", "build", "-P")).toEqual(usage("--permission-set is given twice"));
    expect(await run("-P", "-P")).toEqual(usage("--permission-set is given twice"));
    expect(await run("--A")).toEqual(usage("unknown option"));
    expect(await run("-X")).toEqual(usage("unknown option"));
    expect(await run("-A=x")).toEqual(usage("--allow-all takes no value"));
    expect(await run("-A", "--allow-net=a.example")).toEqual(usage("-A allows everything"));
    writeOwn("[permissions.x]\nallow-nett = true");
    expect(await run("-P", "x")).toEqual(usage(`${bench.home}/broke.toml, permissions.x: unknown key`));
    writeOwn("[permissions");
    expect(await run("-P", "x")).toEqual({ code: 3, stdout: "", why: `broke: ${bench.home}/broke.toml is not TOML` });
  });
});

const PROJECT = `
[permissions.build]
profile = "normal"
allow-read = ["DATA", "/usr/share"]
allow-write = ["/opt"]
allow-net = true
allow-env = true
limits = { pids = 4000, memory = "1g" }
[permissions.own]
allow-read = ["DATA"]
`;

describe("a project's set", () => {
  test("is not read before it is trusted, and then only narrows", async () => {
    using bench = setUp(OWN, PROJECT.replace('allow-write = ["/opt"]', ""));
    const before = await bench.broke(["sandbox", "run", "-P", "build", "--", "true"]);
    expect(before.stderr).toContain("broke.toml here is not trusted and was not read");
    expect((await bench.broke(["sandbox", "trust"])).code).toBe(0);
    const told = await explain(bench, "-P", "build");
    expect(told).toMatchObject({
      profile: "hardened",
      variables: { given: ["APP_X", "CI"] },
      network: { net: { any_public: true, within: { any_public: false, allow: ["a.example", "*.b.example:8443"] } } },
      limits: { pids: 100, memory: 1024 ** 3, timeout_seconds: 60 },
    });
    expect([kindOf(told, bench.data), kindOf(told, join(bench.data, "deep"))]).toEqual(["read", "closed"]);
    expect(told.mounts.map(({ path }) => path)).not.toContain("/usr/share");
    const own = await explain(bench, "-P", "own");
    expect([own.profile, kindOf(own, bench.data)]).toEqual(["strict", "read"]);
    const widened = await explain(bench, "-P", "own", "--allow-env=OTHER", "--allow-net=c.example");
    expect(widened).toMatchObject({ variables: { given: ["OTHER"] }, network: { net: { allow: ["c.example"] } } });
  });

  test("that was changed after it was trusted ends every launch that names a set", async () => {
    using bench = setUp(OWN, PROJECT.replace('allow-write = ["/opt"]', ""));
    await bench.broke(["sandbox", "trust"]);
    const refused = {
      code: 4,
      stdout: "",
      why: "broke: broke.toml here is not what you trusted: it narrowed what is allowed, and does so no more",
    };
    const run = () => failure(bench, "sandbox", "run", "-P", "build", "--", "true");
    writeProject(bench, "[permissions.other]\n");
    expect(await run()).toEqual(refused);
    unlinkSync(join(bench.workspace, "broke.toml"));
    expect(await run()).toEqual(refused);
    expect((await bench.broke(["sandbox", "trust"])).code).toBe(3);
    expect((await bench.broke(["sandbox", "trust", "--forget"])).code).toBe(0);
    expect((await bench.broke(["sandbox", "trust", "--forget"])).code).toBe(1);
    expect((await run()).code).toBe(0);
  });

  test("cannot be changed by a run, nor trusted by one", async () => {
    using bench = setUp(OWN, "[permissions.own]\n");
    await bench.broke(["sandbox", "trust"]);
    const script =
      "echo '[permissions.own]' > broke.toml; mv broke.toml x; cp broke.toml new && mv new broke.toml; true";
    await bench.broke(["sandbox", "run", "-P", "own", "--", "sh", "-c", script]);
    expect((await failure(bench, "sandbox", "run", "-P", "own", "--", "true")).code).toBe(0);
  });

  test("needs one of the operator's to lie in", async () => {
    using bench = setUp(undefined, "[permissions.own]\nallow-read = ['/usr/share']\n");
    await bench.broke(["sandbox", "trust"]);
    expect(await failure(bench, "sandbox", "run", "-P", "own", "--", "true")).toEqual({
      code: 2,
      stdout: "",
      why: "broke: a project's set only narrows one of yours, and you have none of that name and no default",
    });
  });

  test("is a plain file, not a link to one", async () => {
    using bench = setUp(OWN);
    writeFileSync(join(bench.data, "elsewhere.toml"), "[permissions.own]\n");
    symlinkSync(join(bench.data, "elsewhere.toml"), join(bench.workspace, "broke.toml"));
    expect(await failure(bench, "sandbox", "trust")).toEqual({
      ...{ code: 3, stdout: "", why: "broke: broke.toml here is not a plain file of at most 64 KiB" },
    });
  });

  test("trust says what was trusted, and does not take what is no set", async () => {
    using bench = setUp(OWN, "[permissions.own]\n");
    const { hash, ...told } = JSON.parse((await bench.broke(["sandbox", "trust", "--json"])).stdout);
    expect(told).toEqual({ folder: bench.workspace, trusted: true, sets: ["own"] });
    expect(hash).toBe(new Bun.CryptoHasher("sha256").update("[permissions.own]\n").digest("hex"));
    writeProject(bench, "[permissions.own]\nallow = 1\n");
    expect((await failure(bench, "sandbox", "trust")).code).toBe(2);
  });
});
