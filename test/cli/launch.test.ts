// The short forms of a launch: every word after the client's name is the client's, and a run by any form is the same.

import { describe, expect, test } from "bun:test";
import { makeBench } from "#test/support/broke.ts";
import { parse } from "#src/cli/front.ts";
import { root } from "#src/cli/tree.ts";

const forms = [
  ...[["claude"], ["codex"], ["gemini"], ["c"], ["x"], ["g"]],
  ...[
    ["launch", "claude"],
    ["launch", "codex"],
    ["launch", "gemini"],
  ],
];

describe.each(forms.map((form) => [form.join(" "), form] as const))("broke %s", (_, form) => {
  const given = [
    [],
    ["--help"],
    ["-h"],
    ["--version"],
    ["--sandbox", "normal", "--client", "exec"],
    ["exec", "--json", "--", "--help", "--"],
    ["--", "x"],
    ["-p", "", "--client=exec"],
  ];
  for (const words of given) {
    test(JSON.stringify(words), async () => {
      const parsed = await parse(root, [...form, ...words]);
      expect(parsed.kind === "run" ? parsed.invocation : parsed).toEqual({
        values: {},
        flags: new Set(),
        words: [],
        rest: words,
      });
    });
  }
});

test("broke launch alone says which clients there are; another name is refused", async () => {
  const help = await parse(root, ["launch", "--help"]);
  expect(help.kind === "help" && ["claude", "codex", "gemini"].every((name) => help.text.includes(name))).toBe(true);
  expect(parse(root, ["launch", "clade"])).rejects.toMatchObject({ kind: "usage", hint: "did you mean claude?" });
});

test("a permission among a client's words launches nothing and says where it goes; after -- it is a word like others", async () => {
  using bench = makeBench();
  for (const [words, name, client] of [
    [["claude", "--allow-net=example.com", "-p", "x"], "--allow-net", "claude"],
    [["x", "exec", "--deny-run", "x"], "--deny-run", "codex"],
    [["launch", "gemini", "-P", "build"], "-P", "gemini"],
  ] as const) {
    expect(await bench.broke([...words])).toEqual({
      code: 2,
      stdout: "",
      stderr: `broke: \`broke ${client}\` takes no permissions: every word after it is the client's\nbroke: broke harness run --client ${client} ${name} … -- <words for ${client}>\n`,
    });
  }
  expect(JSON.parse((await bench.broke(["harness", "list", "--json"])).stdout)).toEqual([]);
  await bench.broke(["claude", "--", "--allow-net"]);
  expect((JSON.parse((await bench.broke(["harness", "list", "--json"])).stdout) as unknown[]).length).toBe(1);
});
