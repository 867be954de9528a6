// Teams, profiles, snapshots, freeze, export and import, through the real launcher.

import { describe, expect, test } from "bun:test";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench } from "#test/support/broke.ts";
import { done, json, refused } from "#test/support/commands.ts";

const routing = async (bench: Bench) => JSON.parse((await done(bench, "export"))[0]!).routing;

describe("teams", () => {
  test("save, change, load: the routing is as it was; deleting it twice is an error", async () => {
    using bench = makeBench();
    await done(bench, "swap sonnet=OR/GLM-4.5", "team save work", "swap sonnet=Groq/Kimi-K2 opus=OR/Step-3.5");
    expect((await routing(bench)).slots).toEqual({ sonnet: "Groq/Kimi-K2", opus: "OR/Step-3.5" });
    await done(bench, "team load work");
    expect((await routing(bench)).slots).toEqual({ sonnet: "OR/GLM-4.5" });
    await done(bench, "team delete work");
    expect(await bench.broke(["team", "delete", "work"])).toEqual(
      refused(3, "no such team", "`broke team list` shows them"),
    );
  });

  test("a limit of 0 is none, and what is not named stays", async () => {
    using bench = makeBench();
    await done(bench, "team save work", "team access work --slots sonnet,opus --rpm 5 --tpm 900 --daily-usd 1.5");
    await done(bench, "team access work --rpm 0 --tpm 0");
    const access = { slots: ["sonnet", "opus"], rpm: 0, tpm: 0, concurrency: 0, dailyUsd: 1.5 };
    expect((await json(bench, "team list"))[0].access).toEqual(access);
    expect(await bench.broke(["team", "access", "work", "--rpm", "many"])).toEqual(
      refused(2, "--rpm is a whole number, 0 for no limit"),
    );
    expect(await bench.broke(["team", "access", "work", "--slots", "sonet"])).toEqual(
      refused(2, "unknown slot", "did you mean sonnet?"),
    );
  });

  test("saved once more, it may use what it might before, and so may its profiles", async () => {
    using bench = makeBench();
    await done(bench, "swap all=OR/GLM-4.5", "team save work", "team access work --slots sonnet --rpm 5");
    await done(bench, "profile new app work");
    const [before] = await json(bench, "profile list");
    await done(bench, "swap sonnet=Groq/Kimi-K2", "team save work");
    expect(await json(bench, "profile list")).toEqual([before]);
    expect((await routing(bench)).teams.work).toMatchObject({
      slots: { sonnet: "Groq/Kimi-K2" },
      access: { slots: ["sonnet"], rpm: 5 },
    });
  });

  test("the mode comes with it", async () => {
    using bench = makeBench();
    await done(bench, "team save gateway router", "mode cli", "team load gateway");
    expect(await done(bench, "mode")).toEqual(["router\n"]);
  });

  test("its fallbacks are its own", async () => {
    using bench = makeBench();
    await done(bench, "swap opus=OR/GLM-4.5", "team save work", "team fallback work opus Groq/Kimi-K2 OR/Step-3.5");
    expect((await routing(bench)).fallbacks.direct).toEqual({});
    await done(bench, "team load work");
    expect((await routing(bench)).fallbacks.direct).toEqual({ opus: ["Groq/Kimi-K2", "OR/Step-3.5"] });
  });
});

describe("profiles", () => {
  test("new, load, delete; a team that is used stays", async () => {
    using bench = makeBench();
    await done(bench, "swap all=OR/GLM-4.5", "team save work", "team access work --slots sonnet,opus --rpm 10");
    await done(bench, "profile new app work --desc tests --slots opus,haiku --rpm 50");
    const access = { rpm: 50, tpm: 0, concurrency: 0, dailyUsd: 0, slots: ["opus", "haiku"] };
    expect(await json(bench, "profile list")).toEqual([
      { name: "app", team: "work", description: "tests", access, effective: { ...access, rpm: 10, slots: ["opus"] } },
    ]);
    expect(await bench.broke(["team", "delete", "work"])).toEqual(
      refused(4, "the team is used by the profiles app", "delete those first"),
    );
    await done(bench, "profile load app");
    expect((await routing(bench)).access).toEqual({ ...access, rpm: 10, slots: ["opus"] });
    await done(bench, "profile rm app", "team rm work");
    expect((await bench.broke(["profile", "load", "app"])).code).toBe(3);
  });

  test("one of a name that is taken is left as it is, unless it is said to replace it", async () => {
    using bench = makeBench();
    await done(bench, "team save work", "profile new app work --rpm 5");
    expect(await bench.broke(["profile", "new", "app", "work"])).toEqual(
      refused(
        2,
        "there is a profile app already",
        "--replace replaces all of it, for the tokens that are bound to it too",
      ),
    );
    expect(await json(bench, "profile list")).toMatchObject([{ name: "app", access: { rpm: 5 } }]);
    await done(bench, "profile new app work --replace --tpm 7");
    expect(await json(bench, "profile list")).toMatchObject([{ name: "app", access: { rpm: 0, tpm: 7 } }]);
  });

  test("one of a team that is none", async () => {
    using bench = makeBench();
    await done(bench, "team save work");
    expect(await bench.broke(["profile", "new", "app", "wrk"])).toEqual(
      refused(3, "no such team", "did you mean work?"),
    );
  });
});

describe("snapshots", () => {
  test("all of the routing comes back, and what was live before is kept", async () => {
    using bench = makeBench();
    await done(bench, "swap sonnet=OR/GLM-4.5", "team save work", "profile new app work", "settings lossless=on");
    const before = await routing(bench);
    await done(bench, "snapshot save good", "profile delete app", "team delete work", "swap sonnet=Groq/Kimi-K2");
    await done(bench, "settings lossless=off");
    const changes = await bench.broke(["snapshot", "diff", "good"]);
    expect(changes.code).toBe(1);
    expect(changes.stdout.split("\n").map((line) => line.slice(0, 18))).toEqual([
      ...["~ slots.sonnet: OR", '- teams.work = {"m', "- profiles.app = {", "~ lossless: true →", ""],
    ]);
    await done(bench, "snapshot restore good");
    expect(await routing(bench)).toEqual(before);
    expect(await done(bench, "snapshot diff good")).toEqual(["no difference\n"]);
    const all = await json(bench, "snapshot list");
    expect(all.map(({ name, live }: { name: string | null; live: boolean }) => [name, live])).toEqual([
      [null, false],
      ["good", true],
    ]);
    await done(bench, "snapshot restore 0");
    expect((await routing(bench)).slots).toEqual({ sonnet: "Groq/Kimi-K2" });
  });

  test("the same routing is the same snapshot", async () => {
    using bench = makeBench();
    const [first, second] = await done(bench, "snapshot save", "snapshot save twice");
    expect(second).toBe(`${first!.trim()} (saved already)\n`);
    expect((await json(bench, "snapshot list")).length).toBe(1);
  });

  test("its name stays its name", async () => {
    using bench = makeBench();
    await done(bench, "snapshot save", "snapshot save before", "snapshot save before", "snapshot save");
    expect(await bench.broke(["snapshot", "save", "again"])).toEqual(
      refused(2, "this routing is saved already, as before", "`broke snapshot restore before` brings it back"),
    );
    expect((await json(bench, "snapshot list")).map(({ name }: { name: string }) => name)).toEqual(["before"]);
    await done(bench, "swap sonnet=OR/GLM-4.5", "snapshot save again", "snapshot restore before");
    expect((await routing(bench)).slots).toEqual({});
  });

  test("one that is none, and a word that could be two", async () => {
    using bench = makeBench();
    await done(bench, "snapshot save");
    expect(await bench.broke(["snapshot", "restore", "nothing"])).toEqual(
      refused(3, "no such snapshot", "`broke snapshot list` shows them"),
    );
    expect((await bench.broke(["snapshot", "save", "abcd"])).code).toBe(2);
  });
});

describe("freeze", () => {
  const changing = [
    "swap sonnet=OR/GLM-4.5",
    "backend add x --provider groq --model m",
    "backend remove own",
    "settings lossless=on",
    "slot add mine --client claude",
    "fallback sonnet own",
    "key-policy groq --mode sticky",
    "model-policy opus --mode sticky --order own",
    "key-state set GROQ_API_KEY blocked",
    "model-state set own blocked",
    "team save b",
    "team load a",
    "team delete a",
    "team fallback a sonnet own",
    "team access a --rpm 1",
    "profile new q a",
    "profile load p",
    "profile delete p",
    "connect --profile p",
    "snapshot restore s",
    "import FILE",
    "mode router",
    "provider swap codex",
    "sandbox set normal",
    "harness set balanced",
    "sandbox trust",
  ];

  test("no command changes anything, and each says why", async () => {
    using bench = makeBench();
    await done(bench, "backend add own --provider groq --model m", "team save a", "profile new p a");
    await done(bench, "snapshot save s", "swap opus=own");
    writeFileSync(join(bench.workspace, "broke.toml"), '[permissions.x]\nprofile = "strict"\n');
    const file = join(bench.workspace, "x.json");
    const other = await routing(bench);
    writeFileSync(file, JSON.stringify({ broke_export: 1, routing: { ...other, slots: { haiku: "own" } } }));
    await done(bench, "freeze on");
    const before = [await routing(bench), await json(bench, "mode"), await json(bench, "provider")];
    for (const line of changing) {
      const ran = await bench.broke(line.replace("FILE", file).split(" "));
      expect({ line, code: ran.code, stderr: ran.stderr }).toEqual({
        line,
        code: 4,
        stderr: "broke: the settings are frozen\nbroke: `broke freeze off` lets them change\n",
      });
    }
    expect([await routing(bench), await json(bench, "mode"), await json(bench, "provider")]).toEqual(before);
    await done(bench, "freeze", "swap sonnet=OR/GLM-4.5");
  });

  test("bare it toggles", async () => {
    using bench = makeBench();
    expect((await json(bench, "freeze")).frozen).toBe(true);
    expect((await bench.broke(["status"])).stdout).toContain("no gateway runs, frozen");
    expect((await json(bench, "freeze")).frozen).toBe(false);
  });
});

describe("export and import", () => {
  const KEY = "gsk_very-secret-key-0123456789";

  test("another home has it all afterwards, and the file holds no secret", async () => {
    using bench = makeBench();
    using other = makeBench();
    await done(bench, "init", "backend add own --provider groq --model m", "swap sonnet=own opus=OR/GLM-4.5");
    writeFileSync(join(bench.home, ".env"), `GROQ_API_KEY=${KEY}\n`, { mode: 0o600 });
    await done(bench, "team save work", "profile new app work --rpm 3");
    const file = join(bench.workspace, "mine.json");
    await done(bench, `export ${file}`);
    const text = readFileSync(file, "utf8");
    expect(text).not.toContain(KEY);
    expect(text).not.toContain(readFileSync(join(bench.home, "client-token"), "utf8").trim());
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const shown = await other.broke(["import", file, "--dry-run"]);
    expect(shown.stdout).toContain("+ slots.sonnet = own");
    expect((await routing(other)).slots).toEqual({});
    await done(other, `import ${file}`);
    expect(await routing(other)).toEqual(await routing(bench));
    expect(await done(other, `import ${file}`)).toEqual(["nothing would change\n"]);
    expect(await bench.broke(["export", file])).toEqual(refused(4, "the file is there already"));
  });

  test("what is there stays, unless it is to be replaced", async () => {
    using bench = makeBench();
    using other = makeBench();
    const file = join(bench.workspace, "mine.json");
    await done(bench, "swap sonnet=OR/GLM-4.5 opus=OR/GLM-4.5", `export ${file}`);
    await done(other, "swap sonnet=Groq/Kimi-K2", `import ${file}`);
    expect((await routing(other)).slots).toEqual({ sonnet: "Groq/Kimi-K2", opus: "OR/GLM-4.5" });
    await done(other, `import ${file} --overwrite`);
    expect((await routing(other)).slots).toEqual({ sonnet: "OR/GLM-4.5", opus: "OR/GLM-4.5" });
  });

  const evil = "http://127.0.0.1:9/take";
  const cases: [string, object][] = [
    ["a key named outright", { provider: null, baseUrl: evil, dialect: "openai-chat", keyEnv: "GROQ_API_KEY" }],
    ["a provider's own key, by a base URL over it", { provider: "groq", baseUrl: evil, dialect: null, keyEnv: null }],
    ["another provider's key", { provider: "cerebras", baseUrl: null, dialect: null, keyEnv: "GROQ_API_KEY" }],
  ];
  test.each(cases)("a key is not sent to a new place without the operator's word: %s", async (_, backend) => {
    using bench = makeBench();
    const file = join(bench.workspace, "x.json");
    const own = await routing(bench);
    const backends = { quiet: { label: "quiet", model: "m", price: null, ...backend } };
    writeFileSync(file, JSON.stringify({ broke_export: 1, routing: { ...own, backends, slots: { sonnet: "quiet" } } }));
    const ran = await bench.broke(["import", file, "--overwrite"]);
    expect(ran.code).toBe(4);
    expect(ran.stderr).toStartWith("broke: quiet would send GROQ_API_KEY to ");
    expect(await routing(bench)).toEqual(own);
    await done(bench, `import ${file} --trust`);
    expect((await routing(bench)).slots).toEqual({ sonnet: "quiet" });
  });

  test.each([
    ["a file for a provider", { label: "quiet", baseUrl: "file:///etc" }],
    ["credentials in a base URL", { label: "quiet", baseUrl: "http://me:secret@127.0.0.1:9" }],
    ["a backend under another's label", { label: "other", baseUrl: "http://127.0.0.1:9" }],
    ["a label that is none", { label: "\u001b[2J", baseUrl: "http://127.0.0.1:9" }],
  ])("what no command would take is not taken in: %s", async (_, given) => {
    using bench = makeBench();
    const file = join(bench.workspace, "x.json");
    const own = await routing(bench);
    const rest = { provider: null, dialect: "openai-chat", model: "m", keyEnv: null, price: null };
    const backends = { quiet: { ...rest, ...given } };
    writeFileSync(file, JSON.stringify({ broke_export: 1, routing: { ...own, backends } }));
    const ran = await bench.broke(["import", file, "--overwrite", "--trust"]);
    expect({ code: ran.code, secret: (ran.stdout + ran.stderr).includes("secret") }).toEqual({
      code: 2,
      secret: false,
    });
    expect(await routing(bench)).toEqual(own);
  });

  test.each([
    ["nothing", ""],
    ["no export", "{}"],
    ["a field too many", '{"broke_export":1,"routing":{"tokens":["t"]}}'],
    ["a list", "[1]"],
  ])("what is no export changes nothing: %s", async (_, text) => {
    using bench = makeBench();
    const file = join(bench.workspace, "x.json");
    writeFileSync(file, text);
    const before = await bench.broke(["export"]);
    expect((await bench.broke(["import", file, "--overwrite", "--trust"])).code).toBe(2);
    expect((await bench.broke(["import", join(bench.workspace, "absent")])).code).toBe(3);
    expect(await bench.broke(["export"])).toEqual(before);
  });
});
