// A reviewer's answer: what can be used of it, and that nothing in it that is worse makes it softer.

import { describe, expect, test } from "bun:test";
import { type LaneResult, opinionOf, readAnswer, severities } from "#harness/roles/answer.ts";
import { chooseSlot } from "#harness/roles/choose.ts";
import { roleContract } from "#harness/roles/contract.ts";
import { decide } from "#harness/verdict/decide.ts";
import { policyNames, risks } from "#harness/verdict/policies.ts";
import { atLeast, verdicts } from "#harness/verdict/words.ts";
import { seeded } from "#test/support/random.ts";

const KNOWN = new Set(["ledger:7", "path:a"]);
const good: LaneResult = {
  ...{ recommended_verdict: "ACCEPT", confidence: 0.9, summary: "fine", objections: [], evidence_refs: ["ledger:7"] },
};
const spell = (over: object) => JSON.stringify({ ...good, ...over });

describe("an answer", () => {
  test.each([
    ["the object", spell({})],
    ["in a fence", "```json\n" + spell({}) + "\n```"],
    ["with words around it", `Here it is:\n${spell({})}\nDone.`],
    ["with more than was asked", spell({ lane_role: "verifier", status: "completed" })],
  ])("%s", (_name, text) => {
    expect(readAnswer(text, KNOWN)).toEqual({ result: good });
  });

  test.each([
    ["nothing", ""],
    ["prose", "I ACCEPT this."],
    ["a list", "[1]"],
    ["another word", spell({ recommended_verdict: "accept" })],
    ["no confidence", spell({ confidence: null })],
    ["confidence as a word", spell({ confidence: "0.9" })],
    ["too sure", spell({ confidence: 1.01 })],
    ["less than nothing", spell({ confidence: -0.1 })],
    ["objections that are none", spell({ objections: "none" })],
    ["a severity nobody knows", spell({ objections: [{ severity: "fatal", text: "x", evidence_refs: [] }] })],
    ["a ref that is not in the evidence", spell({ evidence_refs: ["ledger:8"] })],
    ["one in an objection", spell({ objections: [{ severity: "note", text: "x", evidence_refs: ["path:b"] }] })],
    ["no ref at all", spell({ evidence_refs: [] })],
    ["more than anybody reads", spell({ summary: "x".repeat(5000) })],
    ["two objects", `${spell({})}${spell({ recommended_verdict: "BLOCK" })}`],
    ["a prototype", '{"__proto__": {"recommended_verdict": "ACCEPT"}}'],
  ])("%s cannot be used", (_name, text) => {
    expect(readAnswer(text, KNOWN)).toEqual({ why: expect.any(String) as string });
  });
});

test("worse in any way, it is never worth a softer verdict", () => {
  const { next: random, pick } = seeded(20_261_127);
  const objection = () => ({ severity: pick(severities), text: "x", evidence_refs: [] });
  for (let round = 0; round < 3000; round++) {
    const result: LaneResult = {
      ...good,
      recommended_verdict: pick(verdicts),
      confidence: random(),
      objections: Array.from({ length: Math.floor(random() * 4) }, objection),
    };
    const worse = pick<(from: LaneResult) => LaneResult>([
      (from) => ({ ...from, objections: [...from.objections, objection()] }),
      (from) => ({ ...from, confidence: from.confidence * random() }),
      (from) => ({
        ...from,
        recommended_verdict: verdicts[Math.min(5, verdicts.indexOf(from.recommended_verdict) + 1)]!,
      }),
      (from) => ({ ...from, objections: from.objections.map((each) => ({ ...each, severity: "critical" as const })) }),
    ])(result);
    const at = { policy: pick(policyNames), risk: pick(risks), retries: Math.floor(random() * 4), findings: [] };
    const role = pick(["verifier", "adversary"] as const);
    const word = (from: LaneResult) => decide({ ...at, roles: { [role]: opinionOf(from) } }).verdict;
    expect({ round, ok: atLeast(word(worse), word(result)) }).toEqual({ round, ok: true });
    // And no answer at all is worth no less than one that is content.
    const none = decide({ ...at, roles: { [role]: { state: "absent" } } }).verdict;
    expect(atLeast(none, word(good))).toBe(true);
  }
});

describe("the slot", () => {
  const served = [
    { id: "sonnet", backends: ["w"] },
    { id: "opus", backends: ["w", "o"] },
    { id: "gpt54", backends: ["g"] },
  ];
  const cases: [string, string | null, string[], string | undefined, boolean][] = [
    ["answered by nobody who answered the worker, not even later", null, ["w"], "gpt54", false],
    ["any, where everybody did: it is said", null, ["w", "g"], "sonnet", true],
    ["the one that was given", "opus", [], "opus", false],
    ["the one that was given, though the worker's may answer: it is said", "opus", ["w"], "opus", true],
    ["none, where the one that was given is not answered", "haiku", [], undefined, false],
  ];
  test.each(cases)("%s", (_name, given, taken, slot, warned) => {
    const chosen = chooseSlot("verifier", given, served, new Set(taken));
    expect([chosen?.slot, chosen?.warning !== undefined]).toEqual([slot, warned]);
  });
});

test("a contract is the same for every question, and says which it is", () => {
  expect(roleContract("verifier", "balanced")).toBe(roleContract("verifier", "balanced"));
  expect(roleContract("adversary", "high_assurance")).toStartWith("[role adversary 1]\n");
  for (const word of verdicts) expect(roleContract("verifier", "off")).toContain(`"${word}"`);
});
