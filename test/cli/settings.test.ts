// The operator's settings and what is held against keys, through the real launcher.

import { describe, expect, test } from "bun:test";
import { openState } from "#src/cli/compose.ts";
import { profileNotes } from "#sandbox/profile-notes.ts";
import { type ProfileName, profileNames } from "#sandbox/profile.ts";
import { makeBench, runIdOf } from "#test/support/broke.ts";

const usage = (...lines: string[]) => ({
  code: 2,
  stdout: "",
  stderr: lines.map((line) => `broke: ${line}\n`).join(""),
});

describe("settings of the gateway", () => {
  test("are shown, changed together, and kept as a generation", async () => {
    using bench = makeBench();
    const json = async (...words: string[]) => JSON.parse((await bench.broke(["settings", "--json", ...words])).stdout);
    expect(await json()).toEqual({ generation: 0, lossless: false, silenceMs: 900_000 });
    expect(await json("lossless=on", "silence=90")).toEqual({ generation: 1, lossless: true, silenceMs: 90_000 });
    expect((await bench.broke(["settings"])).stdout).toMatch(/^lossless=on .*\nsilence=90 /);
  });

  const wrong: [string, string, string][] = [
    ["lossless=maybe", "lossless is on or off", ""],
    ["silence=0", "silence is a number of seconds, 1 to 99999", ""],
    ["silence=1m", "silence is a number of seconds, 1 to 99999", ""],
    ["lossles=on", "unknown setting", "did you mean lossless?"],
    ["lossless", "an assignment is name=value", ""],
  ];
  for (const [word, message, hint] of wrong) {
    test(`${word} changes nothing, and says why`, async () => {
      using bench = makeBench();
      expect(await bench.broke(["settings", "silence=30", word])).toEqual(usage(...[message, hint].filter(Boolean)));
      expect(JSON.parse((await bench.broke(["settings", "--json"])).stdout)).toMatchObject({ generation: 0 });
    });
  }
});

describe("the configured sandbox", () => {
  const line = (name: ProfileName, configured: boolean) =>
    `${configured ? "*" : " "}  ${name.padEnd("hardened".length)}  ${profileNotes[name].summary}`;

  test("is strict until another is set, and what is launched runs in it", async () => {
    using bench = makeBench();
    expect(await bench.broke(["sandbox"])).toEqual({
      code: 0,
      stdout: profileNames.map((name) => `${line(name, name === "strict")}\n`).join(""),
      stderr: "",
    });
    expect(await bench.broke(["sandbox", "set", "hardened"])).toEqual({ code: 0, stdout: "hardened\n", stderr: "" });
    expect(JSON.parse((await bench.broke(["sandbox", "--json"])).stdout)).toEqual({
      profile: "hardened",
      profiles: profileNames.map((name) => ({ name, summary: profileNotes[name].summary })),
    });
    const ran = await bench.broke(["claude", "--version"]);
    const shown = await bench.broke(["harness", "events", runIdOf(ran), "--json"]);
    expect(shown.stdout).toContain('"profile":"hardened"');
  });

  test("an unknown word is an error, never something weaker", async () => {
    using bench = makeBench();
    expect(await bench.broke(["sandbox", "set", "none"])).toEqual(
      usage("unknown sandbox profile", "use one of: strict, hardened, normal"),
    );
    expect(JSON.parse((await bench.broke(["sandbox", "--json"])).stdout)).toMatchObject({ profile: "strict" });
  });
});

describe("what is held against a key", () => {
  test("is listed, in the way of its slot, and lifted by name", async () => {
    using bench = makeBench();
    await bench.broke(["backend", "add", "pool", "--provider", "groq", "--model", "m"]);
    await bench.broke(["swap", "sonnet=pool"]);
    const env = { GROQ_API_KEY: "the-secret-value" };
    const state = openState({ BROKE_HOME: bench.home });
    const tried = { backend: { label: "pool", model: "m" }, keyName: "GROQ_API_KEY" } as never;
    expect(await bench.broke(["key-state"])).toEqual({ code: 0, stdout: "nothing\n", stderr: "" });
    state.health.failed(tried, { reason: "quota_exhausted" });
    expect(JSON.parse((await bench.broke(["key-state", "--json"])).stdout)).toEqual([
      {
        subject: "key GROQ_API_KEY",
        state: "blocked",
        reason: "quota_exhausted",
        strikes: 1,
        untilMs: null,
        party: null,
      },
    ]);
    const refused = await bench.broke(["route", "sonnet"], { env });
    expect({ code: refused.code, why: refused.stdout.includes("key-state") }).toEqual({ code: 1, why: true });
    expect(await bench.broke(["key-state", "set", "GROQ_API_KEY", "healthy"])).toEqual({
      code: 0,
      stdout: "GROQ_API_KEY: 1 lifted\n",
      stderr: "",
    });
    expect((await bench.broke(["route", "sonnet"], { env })).code).toBe(0);
    expect((await bench.broke(["key-state", "set", "GROQ_API_KEY", "healthy"])).code).toBe(1);
    expect((await bench.broke(["key-state", "set", "GROQ_API_KEY", "fine"])).code).toBe(2);
  });

  test("a cooling key is passed over until its time has come", async () => {
    using bench = makeBench();
    await bench.broke(["backend", "add", "pool", "--provider", "groq", "--model", "m"]);
    await bench.broke(["swap", "sonnet=pool"]);
    const env = { GROQ_API_KEY: "one", GROQ_API_KEY_2: "two" };
    const state = openState({ BROKE_HOME: bench.home });
    const tried = { backend: { label: "pool", model: "m" }, keyName: "GROQ_API_KEY" } as never;
    state.health.failed(tried, { reason: "rate_limit", retryAfterMs: 60_000 });
    const { attempts, skipped } = JSON.parse((await bench.broke(["route", "sonnet", "--json"], { env })).stdout);
    expect(attempts.map(({ key }: { key: string }) => key)).toEqual(["GROQ_API_KEY_2"]);
    expect(skipped[0].why).toMatch(/^GROQ_API_KEY is over its limit, until 20/);
  });
});
