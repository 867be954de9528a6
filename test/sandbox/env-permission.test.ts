// Which variables a run may be given: by name, by prefix, all; what only an exact name carries, what nothing carries.

import { describe, expect, test } from "bun:test";
import { allowsVariable, parseEnvPermission } from "#sandbox/env-permission.ts";
import { type ListFlags, noListFlags } from "#sandbox/permission-flags.ts";

const taken = { own: new Set(["PATH", "HTTP_PROXY"]), keys: new Set(["GROQ_API_KEY", "GROQ_API_KEY_2"]) };
const parse = (flags: Partial<ListFlags>) => parseEnvPermission({ ...noListFlags, ...flags }, taken);
const environment = [
  ...["FOO", "FOO_A", "FOO_B", "BAR", "PATH", "HTTP_PROXY", "BROKE_HOME", "GROQ_API_KEY", "GROQ_API_KEY_2"],
  ...["FOO_TOKEN", "FOO_KEY", "FOO_SECRET_A", "FOO_PASSWORD", "AWS_ACCESS_KEY_ID", "LD_PRELOAD", "BUN_OPTIONS"],
  ...["NODE_OPTIONS", "BASH_ENV", "PYTHONPATH", "PERL5LIB", "RUBYOPT", "GIT_DIR", "SSH_AUTH_SOCK", "ANTHROPIC_API_KEY"],
  ...["BASH_FUNC_ls%%", "DATABASE_URL"],
];
const carried = (flags: Partial<ListFlags>) => {
  const permission = parse(flags);
  return environment.filter((name) => allowsVariable(permission, name, taken));
};

describe("what is passed on", () => {
  const cases: [string, Partial<ListFlags>, string[]][] = [
    ["nothing by itself", {}, []],
    ["names", { allow: ["FOO,BAR", "FOO_TOKEN"] }, ["FOO", "BAR", "FOO_TOKEN"]],
    ["a prefix carries no secret", { allow: ["FOO_*"] }, ["FOO_A", "FOO_B"]],
    ["bare carries neither secrets nor what steers", { any: true }, ["FOO", "FOO_A", "FOO_B", "BAR"]],
    ["a loader by its name", { any: true, allow: ["LD_PRELOAD"] }, ["FOO", "FOO_A", "FOO_B", "BAR", "LD_PRELOAD"]],
    ["a prefix of loaders is none", { allow: ["LD_*,GIT_*,NODE_*,SSH_*,ANTHROPIC_*"] }, []],
    ["deny wins", { any: true, allow: ["FOO_TOKEN"], deny: ["FOO_*"] }, ["FOO", "BAR"]],
    ["deny of one", { allow: ["FOO_*"], deny: ["FOO_A"] }, ["FOO_B"]],
    ["what is taken is in no prefix", { allow: ["GROQ_*,PA*,HTTP*,BROKE_*"] }, []],
  ];
  for (const [name, flags, names] of cases) test(name, () => expect(carried(flags)).toEqual(names));
});

describe("refused", () => {
  const cases: [Partial<ListFlags>, string][] = [
    [{ allow: ["PATH"] }, "--allow-env: broke sets PATH itself"],
    [{ allow: ["BROKE_HOME"] }, "--allow-env: broke sets BROKE_HOME itself"],
    [{ allow: ["GROQ_API_KEY_2"] }, "--allow-env: GROQ_API_KEY_2 is a key of the gateway's"],
    [{ allow: ["A=sk-ant-secret"] }, "--allow-env: a word is not the name of a variable"],
    [{ allow: ["*"] }, "--allow-env: a word is not the name of a variable"],
    [{ allow: ["A,,B"] }, "--allow-env: a word is not the name of a variable"],
    [{ deny: ["A*B"] }, "--deny-env: a word is not the name of a variable"],
    [{ allow: ["A,B"], deny: ["B"] }, "--deny-env: B is both allowed and denied"],
    [{ any: true, denyAll: true }, "--deny-env without a name denies every variable"],
    [{ deny: ["A"], denyAll: true }, "--deny-env without a name denies every variable"],
  ];
  for (const [flags, message] of cases) {
    test(JSON.stringify(flags), () =>
      expect(() => parse(flags)).toThrow(expect.objectContaining({ kind: "usage", message })),
    );
  }
});
