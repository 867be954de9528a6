// A routing taken in from a file that somebody wrote by hand, through the real launcher: nothing in it is more than what commands would do.

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench } from "#test/support/broke.ts";
import { done, refused } from "#test/support/commands.ts";

const routing = async (bench: Bench) => JSON.parse((await done(bench, "export"))[0]!).routing;

describe("what a file written by hand cannot bring in", () => {
  const backend = (label: string, more: object = {}) => ({
    ...{ label, provider: null, baseUrl: "http://127.0.0.1:9", dialect: "anthropic", model: "m", keyEnv: null },
    ...more,
  });
  const cases: [string, object, string][] = [
    [
      "a base URL with credentials",
      { backends: { a: backend("a", { baseUrl: "http://u:p@127.0.0.1:9" }) } },
      "--base-url must not carry credentials",
    ],
    [
      "a base URL that is no HTTP",
      { backends: { a: backend("a", { baseUrl: "file:///etc/passwd" }) } },
      "--base-url must start with http:// or https://",
    ],
    [
      "another server behind a known label",
      { backends: { "Groq/Kimi-K2": backend("Groq/Kimi-K2") } },
      "there is a backend Groq/Kimi-K2 already",
    ],
    [
      "one name over another",
      { backends: { a: backend("b") } },
      "the export is not valid: a backend stands under another name than its own",
    ],
    [
      "a name that means a slot already",
      { ownSlots: { mine: { client: null, title: "", aliases: ["claude-sonnet-4"] } } },
      "claude-sonnet-4 means sonnet already",
    ],
    [
      "a profile without its team",
      {
        profiles: {
          p: { team: "none", description: "", access: { slots: null, rpm: 0, tpm: 0, concurrency: 0, dailyUsd: 0 } },
        },
      },
      "the export is not valid: a profile's team is not in it",
    ],
    [
      "a slot whose backend is not there",
      { slots: { sonnet: "nobody\n+ backends.good = fine" } },
      "the export is not valid: slots.sonnet names a backend that is not there",
    ],
    [
      "a slot that is none",
      { slots: { nobody: "Groq/Kimi-K2" } },
      "the export is not valid: it sets a slot that is none",
    ],
    [
      "a fallback that is not there",
      { fallbacks: { direct: { sonnet: ["nobody"] }, lane: {}, backend: {}, slot: {} } },
      "the export is not valid: fallbacks of sonnet names a backend that is not there",
    ],
    [
      "a model whose name is two lines",
      { backends: { a: backend("a", { model: "m\nb  m  anthropic" }) } },
      "--model must not hold control characters",
    ],
    [
      "what every object has",
      { slots: { constructor: "Groq/Kimi-K2" } },
      "in the export something is called constructor",
    ],
  ];
  test.each(cases)("%s", async (_, part, message) => {
    using bench = makeBench();
    const bundle = { broke_export: 1, routing: { ...(await routing(bench)), ...part } };
    const file = join(bench.workspace, "bundle.json");
    writeFileSync(file, JSON.stringify(bundle));
    const ran = await bench.broke(["import", file, "--overwrite", "--trust"]);
    expect([ran.code, ran.stdout, ran.stderr.split("\n")[0]]).toEqual([2, "", `broke: ${message}`]);
    expect((await bench.broke(["snapshot", "list"])).stdout).not.toContain("import");
    expect((await routing(bench)).backends).toEqual({});
  });

  test("what is no file, or too large; through a pipe it is read all the same", async () => {
    using bench = makeBench();
    const bundle = { broke_export: 1, routing: await routing(bench) };
    const through = (text: string) => bench.broke(["import", "/dev/stdin"], { stdin: text });
    expect(await through(JSON.stringify(bundle))).toEqual({ code: 0, stdout: "nothing would change\n", stderr: "" });
    expect(await through(" ".repeat(8 * 1024 * 1024 + 1))).toEqual(refused(2, "the file is too large for an export"));
    expect(await bench.broke(["import", "nowhere"])).toEqual(refused(3, "there is no such file"));
    for (const name of [".", "x".repeat(300)])
      expect(await bench.broke(["import", name])).toEqual(
        refused(3, "the file cannot be read", "is it a file, and yours to read?"),
      );
  });

  test("nor a command: what it said it did is there", async () => {
    using bench = makeBench();
    const words = ["--base-url", "http://127.0.0.1:9", "--dialect", "anthropic", "--model", "m"];
    expect(await bench.broke(["slot", "add", "s", "--title", "x".repeat(201)])).toEqual(
      refused(2, "a title has 200 characters at most"),
    );
    await done(bench, "slot add mine --alias ours", "export");
    const bundle = { broke_export: 1, routing: await routing(bench) };
    bundle.routing.ownSlots = { theirs: { client: null, title: "", aliases: ["Ours"] } };
    const file = join(bench.workspace, "bundle.json");
    writeFileSync(file, JSON.stringify(bundle));
    expect((await bench.broke(["import", file])).code).toBe(2);
    for (const name of ["constructor", "prototype"])
      expect(await bench.broke(["backend", "add", name, ...words])).toEqual(
        refused(2, `nothing can be called ${name}`),
      );
  });
});
