// A contract as it is written: every key that is not known, and every value a key cannot have, is said by name.

import { describe, expect, test } from "bun:test";
import { BrokeError } from "#src/core/errors.ts";
import { readLayer } from "#harness/contract/document.ts";
import { parseContract } from "#harness/contract/files.ts";

function refusal(act: () => unknown): Record<string, unknown> {
  try {
    return { read: act() };
  } catch (error) {
    if (!(error instanceof BrokeError)) throw error;
    return { kind: error.kind, why: error.message, hint: error.hint };
  }
}

test("the same contract in TOML, YAML and JSON", () => {
  const toml = `policy = "balanced"\nverify = "npm test"\nretries = 1\nallowed-paths = ["./src", "docs/*.md"]\ntimeout = "2m"\n[roles]\nverifier = "opus"`;
  const yaml = `policy: balanced\nverify: npm test\nretries: 1\nallowed-paths: [./src, docs/*.md]\ntimeout: 2m\nroles:\n  verifier: opus`;
  const json = JSON.stringify(Bun.TOML.parse(toml));
  const layer = {
    policy: "balanced",
    verification: ["npm test"],
    retries: 1,
    allowed: ["src", "docs/*.md"],
    limits: { timeoutMs: 120_000 },
    roles: { verifier: "opus", adversary: null },
  };
  expect([parseContract(toml, "c.toml"), parseContract(yaml, "c.yml"), parseContract(json, "c.json")]).toEqual([
    ...[layer, layer, layer],
  ] as never);
});

test("options and files are the same words", () => {
  const options = { retries: "3", doctrine: "implement,execution", verify: ["a", "b"] };
  expect(readLayer("the command line", options)).toEqual({
    ...{ retries: 3, doctrines: ["implement", "execution"], verification: ["a", "b"] },
  });
});

describe("what is no contract", () => {
  const cases: [string, unknown, string, string?][] = [
    ["a key nobody knows", { polcy: "off" }, "c: unknown key", "did you mean policy?"],
    ["a policy nobody knows", { policy: "strict" }, "c: policy is not what it can be"],
    ["a risk nobody knows", { risk: "extreme" }, "c: risk is not what it can be"],
    ["a fraction of a retry", { retries: 0.5 }, "c: retries is not what it can be"],
    ["a retry less than none", { retries: -1 }, "c: retries is not what it can be"],
    ["an empty command", { verify: [""] }, "c: verify is not what it can be"],
    ["a path outside", { "allowed-paths": ["../x"] }, "c: allowed-paths are paths in the workspace"],
    ["an absolute path", { "forbidden-paths": "/etc" }, "c: forbidden-paths are paths in the workspace"],
    ["all but a path", { "allowed-paths": ["src", "!d"] }, "c: allowed-paths name what is meant, not what is not"],
    [
      "the same, spelled longer",
      { "forbidden-paths": "./!d" },
      "c: forbidden-paths name what is meant, not what is not",
    ],
    ["a role nobody knows", { roles: { judge: "opus" } }, "c: roles is not what it can be"],
    [
      "a profile among permissions",
      { permissions: { profile: "normal" } },
      "c, permissions: no profile, timeout or limits here",
    ],
    [
      "a permission nobody knows",
      { permissions: { "allow-nett": true } },
      "c, permissions: unknown key",
      "did you mean allow-net?",
    ],
    ["a list", [], "c: a contract is a table of keys"],
    ["nothing", null, "c: a contract is a table of keys"],
  ];
  for (const [name, given, why, hint] of cases) {
    test(name, () => {
      const told = refusal(() => readLayer("c", given));
      expect(told).toMatchObject({ kind: "usage", why, ...(hint === undefined ? {} : { hint }) });
    });
  }

  test("a file of another kind, or not of its kind", () => {
    expect(refusal(() => parseContract("{}", "c.txt"))).toMatchObject({ kind: "usage" });
    expect(refusal(() => parseContract("{", "c.json"))).toMatchObject({ why: "the contract file is not json" });
    expect(refusal(() => parseContract("a: [", "c.yaml"))).toMatchObject({ why: "the contract file is not yaml" });
  });
});
