// Doctrines: those of the installation are sound, and laid on one another they never loosen anything.

import { describe, expect, test } from "bun:test";
import { isAsStrict } from "#harness/contract/layers.ts";
import { BrokeError } from "#src/core/errors.ts";
import { boundsOfDoctrine, composeDoctrines } from "#harness/doctrine/compose.ts";
import { type Doctrine, doctrineLayers, listDoctrines } from "#harness/doctrine/doctrine.ts";
import { resolveDoctrines } from "#harness/doctrine/resolve.ts";
import { policyNames, reviewers, risks } from "#harness/verdict/policies.ts";
import { seeded } from "#test/support/random.ts";

const make = (name: string, layer: Doctrine["layer"], says: Partial<Doctrine> = {}): Doctrine => ({
  ...{ name, layer, version: 1, summary: "", planning: false, instructions: name },
  ...says,
});
const core = make("core", "core");
const code = (says: Partial<Doctrine>) => make("code", "code", says);
const over = (says: Partial<Doctrine>) => make("over", "overlay", says);

function refusal(stack: Doctrine[]): string {
  try {
    composeDoctrines(stack);
    return "composed";
  } catch (error) {
    if (error instanceof BrokeError) return `${error.kind}: ${error.message}`;
    throw error;
  }
}

describe("those there are", () => {
  test("are these, each as sound as it is named", () => {
    expect(listDoctrines().map(({ layer, name, version }) => `${layer} ${name} ${version}`)).toEqual([
      "core core 1",
      ...["brownfield_audit", "debug_incident", "implement", "refactor", "security_review"].map(
        (name) => `code ${name} 1`,
      ),
      ...["brownfield_strict", "closure", "execution", "recovery_drift"].map((name) => `overlay ${name} 1`),
    ]);
  });

  test("each overlay lies on each code doctrine, or both are named", () => {
    const [codes, overlays] = (["code", "overlay"] as const).map((layer) =>
      listDoctrines().flatMap((doctrine) => (doctrine.layer === layer ? [doctrine.name] : [])),
    );
    const refused = codes!.flatMap((under) =>
      overlays!.flatMap((name) => {
        try {
          resolveDoctrines([under, name]);
          return [];
        } catch (error) {
          return [(error as BrokeError).message];
        }
      }),
    );
    expect(refused).toEqual([
      "brownfield_strict would loosen risk, which security_review holds",
      "recovery_drift would loosen risk, which security_review holds",
    ]);
  });

  test("what a stack comes to", () => {
    const { doctrines, ...held } = resolveDoctrines(["debug_incident", "execution", "brownfield_strict"]);
    expect(doctrines.map(({ name, version }) => `${name}@${version}`)).toEqual([
      ...["core@1", "debug_incident@1", "execution@1", "brownfield_strict@1"],
    ]);
    expect(held).toEqual({
      ...{ policy: "high_assurance", risk: "high", retries: 1, mustVerify: true, verification: [] },
      budget: { turns: null, tokens: null, cost: null },
      ...{ allowed: [], forbidden: [], required: ["verifier", "adversary"], timeoutMs: null, planning: true },
    });
  });
});

describe("what is refused", () => {
  const cases: [string, Doctrine[], string][] = [
    [
      "a softer policy",
      [core, code({ policy: "balanced" }), over({ policy: "off" })],
      "denied: over would loosen policy, which code holds",
    ],
    [
      "a smaller risk",
      [core, code({ risk: "high" }), over({ risk: "low" })],
      "denied: over would loosen risk, which code holds",
    ],
    [
      "more retries",
      [core, code({ retries: 1 }), over({ retries: 2 })],
      "denied: over would loosen retries, which code holds",
    ],
    [
      "more time",
      [core, code({ timeout: 1 }), over({ timeout: 2 })],
      "denied: over would loosen timeout, which code holds",
    ],
    [
      "no verification",
      [core, code({ verification: true }), over({ verification: false })],
      "denied: over would loosen verification, which code holds",
    ],
    [
      "paths that never meet",
      [core, code({ "allowed-paths": ["src"] }), over({ "allowed-paths": ["docs"] })],
      "denied: code and over leave nothing that may change",
    ],
    [
      "everything forbidden",
      [core, code({ "allowed-paths": ["src/a"] }), over({ "forbidden-paths": ["src"] })],
      "denied: code and over leave nothing that may change",
    ],
    [
      "what core holds",
      [make("core", "core", { policy: "balanced" }), code({ policy: "off" })],
      "denied: code would loosen policy, which core holds",
    ],
    ["an overlay below", [core, code({}), over({}), make("late", "code")], "usage: late cannot lie on over"],
    ["two kinds of work", [core, code({}), make("other", "code")], "usage: code and other are two kinds of work"],
    ["an overlay on nothing", [core, over({})], "usage: over is an overlay and lies on a kind of work"],
    ["one twice", [core, code({}), over({}), over({})], "usage: over is named twice"],
  ];
  for (const [name, stack, why] of cases) test(name, () => expect(refusal(stack)).toBe(why));
});

test("laid on one another they are as strict as each alone, and as what they lie on", () => {
  const random = seeded(11);
  const maybe = <Item>(items: readonly Item[]): Item | undefined =>
    random.chance(0.4) ? random.pick(items) : undefined;
  const some = (index: number): Doctrine => {
    const said = {
      ...{ policy: maybe(policyNames), risk: maybe(risks), retries: maybe([0, 1, 2]), timeout: maybe([1, 2, 3]) },
      ...{ "max-turns": maybe([1, 2]), "max-tokens": maybe([1, 2]) },
      ...{ verification: maybe([true, false]), roles: maybe([[...reviewers], ["verifier" as const]]) },
      "allowed-paths": maybe([["src"], ["src/a", "docs"], ["*.md"]]),
      "forbidden-paths": maybe([["src/b"], ["docs"]]),
      planning: random.chance(0.5),
    };
    return make(`d${index}`, doctrineLayers[Math.min(index, 2)]!, said as Partial<Doctrine>);
  };
  let composed = 0;
  for (let round = 0; round < 5_000; round++) {
    const stack = [make("core", "core"), some(1), some(2), some(3)].slice(0, 2 + random.below(3));
    if (refusal(stack) !== "composed") continue;
    composed += 1;
    const whole = composeDoctrines(stack);
    const below = composeDoctrines(stack.slice(0, -1));
    const asStrict = [below, ...stack.map(boundsOfDoctrine)].map((bounds) => isAsStrict(whole, bounds));
    const time = stack.flatMap(({ timeout }) => timeout ?? []);
    expect([asStrict.every(Boolean), whole.timeoutMs, whole.planning]).toEqual([
      ...[true, time.length === 0 ? null : Math.min(...time), stack.some(({ planning }) => planning)],
    ]);
  }
  expect(composed).toBeGreaterThan(500);
});
