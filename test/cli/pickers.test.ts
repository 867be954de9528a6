// Picking out of a list, on a real terminal; without one nothing is ever asked.

import { describe, expect, test } from "bun:test";
import { type Bench, LAUNCHER, makeBench } from "#test/support/broke.ts";
import { sit } from "#test/support/terminal.ts";
import { catalogue } from "#src/routing/catalogue.ts";

const at = (label: string) => String(catalogue.findIndex((entry) => entry.label === label) + 1);
const seat = (bench: Bench, ...words: string[]) =>
  sit([LAUNCHER, ...words], { cwd: bench.workspace, env: bench.env, columns: 160, rows: 60 });
const routing = async (bench: Bench) => JSON.parse((await bench.broke(["export"])).stdout).routing;

describe("swap", () => {
  test("the slots of the active client in their order, then a backend", async () => {
    using bench = makeBench();
    const person = seat(bench, "swap");
    await person.until("which slot");
    await person.until("subagent");
    const listed = ["sonnet", "opus", "haiku", "custom", "subagent"].map((id) => person.screen().indexOf(` ${id}  `));
    expect(listed).toEqual([...listed].sort((a, b) => a - b));
    expect(listed.every((place) => place > 0)).toBe(true);
    expect(person.screen()).not.toContain("gpt54");
    person.type("2\n");
    await person.until("who answers for opus");
    await person.until("HF/Mistral-7B");
    person.type(`${at("Groq/Kimi-K2")}\n`);
    expect(await person.exited).toBe(0);
    expect((await routing(bench)).slots).toEqual({ opus: "Groq/Kimi-K2" });
  });

  test.each([
    ["x", "x\n", 1],
    ["a number too high", "99\n", 2],
    ["a word", "opus\n", 2],
  ])("%s changes nothing", async (_, typed, code) => {
    using bench = makeBench();
    const person = seat(bench, "swap");
    await person.until("subagent");
    person.type(typed);
    expect(await person.exited).toBe(code);
    expect((await routing(bench)).slots).toEqual({});
  });

  test("without a terminal it is an error", async () => {
    using bench = makeBench();
    expect(await bench.broke(["swap"])).toEqual({
      code: 2,
      stdout: "",
      stderr: "broke: nothing to swap\nbroke: broke swap sonnet=<backend>; `broke models` lists them\n",
    });
  });

  test("a team's name loads the team", async () => {
    using bench = makeBench();
    for (const line of ["swap opus=OR/GLM-4.5", "team save work", "swap opus=Groq/Kimi-K2", "swap work"])
      expect((await bench.broke(line.split(" "))).code).toBe(0);
    expect((await routing(bench)).slots).toEqual({ opus: "OR/GLM-4.5" });
  });
});

describe("fallbacks", () => {
  test("numbers in order until an empty line; x takes them away; one named twice changes nothing", async () => {
    using bench = makeBench();
    await bench.broke(["swap", "opus=OR/Step-3.5"]);
    const pick = async (typed: string) => {
      const person = seat(bench, "fallback", "opus");
      await person.until("HF/Mistral-7B");
      person.type(typed);
      const code = await person.exited;
      return { code, direct: (await routing(bench)).fallbacks.direct };
    };
    const chain = { opus: ["Cerebras/GPT-OSS-120B", "OR/GLM-4.5"] };
    expect(await pick(`${at("Cerebras/GPT-OSS-120B")},${at("OR/GLM-4.5")}\n\n`)).toEqual({ code: 0, direct: chain });
    expect(await pick("3,3\n")).toEqual({ code: 2, direct: chain });
    expect(await pick("\n")).toEqual({ code: 0, direct: chain });
    expect(await pick("x\n")).toEqual({ code: 0, direct: {} });
  });
});
