// The permissions on the command line: parsed as Deno's are, refused with the word that is wrong, before anything is launched.

import { describe, expect, test } from "bun:test";
import { realpathSync } from "node:fs";
import { parse } from "#src/cli/front.ts";
import { root } from "#src/cli/tree.ts";
import { makeBench } from "#test/support/broke.ts";

const run = ["harness", "run", "--client", "exec"];
const lists = async (...words: string[]) => {
  const parsed = await parse(root, [...run, ...words, "--", "true"]);
  if (parsed.kind !== "run") throw new Error("help");
  const { values, flags } = parsed.invocation;
  return { allow: values["allow-net"], deny: values["deny-net"], flags: [...flags] };
};

describe("a list option", () => {
  test("may be repeated, bare, and beside others", async () => {
    expect(await lists("--allow-net=a.com,b.com", "--allow-net", "--deny-net=c.com", "--allow-net=d.com:1")).toEqual({
      allow: ["a.com,b.com", "d.com:1"],
      deny: ["c.com"],
      flags: ["allow-net"],
    });
  });

  test("a value that is not joined is not its value", async () => {
    expect(lists("--allow-net", "a.com")).rejects.toMatchObject({
      ...{ kind: "usage", message: "too many arguments", hint: "a value is joined to it: --allow-net=…" },
    });
    expect(lists("--allow-net=")).rejects.toMatchObject({ kind: "usage", message: "--allow-net= needs a value" });
    expect(lists("--deny-net=")).rejects.toMatchObject({ kind: "usage", message: "--deny-net= needs a value" });
  });

  test("what has no place before -- may belong behind it", async () => {
    const hint = "what is run, and its words, go after `--`";
    expect(parse(root, ["harness", "run", "-p"])).rejects.toMatchObject({ message: "unknown option", hint });
    expect(parse(root, ["sandbox", "run", "ls"])).rejects.toMatchObject({ message: "too many arguments", hint });
  });

  test("every other option is still given once", async () => {
    expect(lists("--home", "run", "--home", "user")).rejects.toMatchObject({ message: "--home is given twice" });
  });
});

describe("what contradicts itself or is not understood", () => {
  const hint = "hosts are example.com, *.example.com:8443, 192.0.2.1, [2001:db8::1]:443, 192.0.2.0/24";
  const programs = "programs are git, ./build.sh, /usr/bin/python3";
  const cases: [string[], string, string][] = [
    [["--allow-net=https://a.com"], '--allow-net: "https://a.com" is a URL; only a host and a port are named', hint],
    [["--allow-net=a.com:http"], '--allow-net: "a.com:http" has a port that is not a number from 1 to 65535', hint],
    [["--allow-net=a.com", "--deny-net=a.com"], '--deny-net: "a.com" is both allowed and denied', hint],
    [["--deny-run=git", "--allow-run=git"], '--deny-run: "git" is both allowed and denied', programs],
    [
      ["--sandbox", "normal", "--ask-net"],
      "normal has the host's network, and nothing there holds --allow-net or --deny-net",
      "use them with strict or hardened",
    ],
    [
      ["--allow-net", "--deny-net"],
      "--deny-net without a host denies every host",
      "leave out the other network options",
    ],
    [
      ["--sandbox", "normal", "--allow-net=a.com"],
      "normal has the host's network, and nothing there holds --allow-net or --deny-net",
      "use them with strict or hardened",
    ],
  ];
  test.each(cases)("%p", async (words, message, way) => {
    using bench = makeBench();
    const ran = await bench.broke([...run, ...words, "--", "true"]);
    expect(ran).toEqual({ code: 2, stdout: "", stderr: `broke: ${message}\nbroke: ${way}\n` });
    expect((await bench.broke(["harness", "list"])).stdout).not.toContain("run_");
  });
});

test.each([
  ["--allow-run=no-such", '--allow-run: no program "no-such" is shown inside', "name one that is"],
  [
    "--deny-run=true",
    `--deny-run: the client itself is run by ${realpathSync("/usr/bin/true")}`,
    "deny other programs",
  ],
])("%s: what only this machine can tell is refused before the client starts", async (flag, message, way) => {
  using bench = makeBench();
  const ran = await bench.broke([...run, flag, "--", "true"]);
  expect(ran).toEqual({ code: 2, stdout: "", stderr: `broke: ${message}\nbroke: ${way}\n` });
  const [launch] = JSON.parse((await bench.broke(["audit", "--json"])).stdout);
  expect(launch.end).toMatchObject({ outcome: "failed", exit_code: 2 });
});
