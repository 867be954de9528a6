// What a lane's answer comes to: the one JSON object of its contract, or a degraded result that says why.

import { describe, expect, test } from "bun:test";
import {
  LANE_ROLE,
  laneContract,
  laneOpinion,
  laneResultOf,
  laneRoleOf,
  laneRoles,
  type LaneResult,
} from "#acp/lane-result.ts";
import { decide } from "#harness/verdict/decide.ts";
import { policyNames, risks } from "#harness/verdict/policies.ts";
import { atLeast } from "#harness/verdict/words.ts";

const WHO = { lane: "groq", model: "sonnet" };
const good = {
  ...{ role: "verifier", status: "completed", summary: "It does.", confidence: 0.9, recommended_verdict: "ACCEPT" },
  findings: [{ severity: "note", text: "a name", evidence_refs: ["path:a.ts"] }],
  ...{ objections: [], evidence_refs: ["ledger:7"] },
} as const;
const spell = (over: object) => JSON.stringify({ ...good, ...over });
const without = (name: keyof typeof good) => {
  const { [name]: _, ...rest } = good;
  return JSON.stringify(rest);
};
const degraded = (over: Partial<LaneResult>) => ({
  ...{ role: "verifier", status: "failed_schema", summary: "", findings: [], objections: [], evidence_refs: [] },
  ...{ recommended_verdict: null, confidence: null, provider_metadata: WHO, degraded: true },
  degraded_reason: expect.any(String) as string,
  ...over,
});

describe("a result", () => {
  test.each([
    ["the object", spell({})],
    ["in a fence", `\`\`\`json\n${spell({})}\n\`\`\``],
    ["with words around it", `Here:\n${spell({})}\nDone.`],
    ["with more than was asked", spell({ mood: "good" })],
  ])("%s", (_, text) => {
    expect(laneResultOf("verifier", text, WHO) as unknown).toEqual({
      ...{ ...good, provider_metadata: WHO, degraded: false, degraded_reason: null },
    });
  });

  test.each([
    ["nothing", "", "not one JSON object"],
    ["prose", "I accept this.", "not one JSON object"],
    ["a list", "[1, 2]", "not one JSON object"],
    ["half an object", spell({}).slice(0, -3), "not one JSON object"],
    ["two objects", spell({}) + spell({}), "not one JSON object"],
    ["another word", spell({ recommended_verdict: "accept" }), "recommended_verdict"],
    ["a word of nobody's", spell({ recommended_verdict: "LGTM" }), "recommended_verdict"],
    ["too sure", spell({ confidence: 1.01 }), "confidence"],
    ["less than nothing", spell({ confidence: -0.1 }), "confidence"],
    ["confidence as a word", spell({ confidence: "0.9" }), "confidence"],
    ["confidence that is no number", '{"confidence": NaN}', "not one JSON object"],
    ["findings in words", spell({ findings: "none" }), "findings"],
    ["findings by name", spell({ findings: {} }), "findings"],
    ["a finding in words", spell({ findings: ["x"] }), "findings.0"],
    ["objections in words", spell({ objections: "none" }), "objections"],
    ["refs that are numbers", spell({ evidence_refs: [7] }), "evidence_refs.0"],
    ["a ref of no form", spell({ evidence_refs: ["somewhere"] }), "1 of its refs lead nowhere"],
    ["a status of nobody's", spell({ status: "done" }), "status"],
    ["another role", spell({ role: "adversary" }), "it answers as adversary"],
    ["a role of nobody's", spell({ role: "judge" }), "role"],
    ["a prototype", `{"__proto__": ${spell({})}}`, "is not what it must be"],
    ...Object.keys(good).map((name) => [`no ${name}`, without(name as keyof typeof good), name] as const),
  ])("%s is degraded, with the reason", (_, text, reason) => {
    const result = laneResultOf("verifier", text, WHO);
    expect(result as unknown).toEqual(
      degraded({ degraded_reason: expect.stringContaining(reason) as unknown as string }),
    );
    expect(laneOpinion(result).state).toBe("absent");
  });

  test("how the turn ended comes before what was said", () => {
    const of = (stop: Parameters<typeof laneResultOf>[3]) => laneResultOf("verifier", spell({}), WHO, stop).status;
    const all = ["end_turn", "cancelled", "max_tokens", "max_turn_requests", "refusal", "error"] as const;
    expect(all.map(of)).toEqual(["completed", "cancelled", "failed", "failed", "failed", "failed"]);
  });

  test("one that says it failed is degraded with what it says; refs can be held to those there are", () => {
    const failed = laneResultOf("verifier", spell({ status: "failed" }), WHO);
    expect(failed).toMatchObject({ status: "failed", summary: "It does.", degraded: true });
    const known = new Set(["ledger:7"]);
    expect(laneResultOf("verifier", spell({}), WHO, "end_turn", known).degraded_reason).toBe(
      "1 of its refs lead nowhere",
    );
  });
});

test("a prompt's role is one of three, or none; what else it says is none there is", () => {
  const of = (said: unknown) => laneRoleOf({ [LANE_ROLE]: said });
  expect([laneRoleOf(undefined), laneRoleOf(null), laneRoleOf({}), laneRoleOf("x")]).toEqual(
    Array.from({ length: 4 }, () => undefined),
  );
  expect([...laneRoles.map(of), of("judge"), of(7), of(null)]).toEqual([...laneRoles, null, null, null]);
});

test("each role is told the form, and an answer by it is taken", () => {
  for (const role of laneRoles) {
    expect(laneContract(role)).toContain(`"role": "${role}"`);
    expect(laneResultOf(role, spell({ role }), WHO)).toMatchObject({ role, degraded: false });
  }
});

test("to the verdict a result is an opinion that never softens it, a finding as hard as an objection", () => {
  const severe = { severity: "critical", text: "cheats", evidence_refs: [] };
  const texts = [
    spell({}),
    spell({ findings: [severe] }),
    spell({ objections: [severe] }),
    "prose",
    spell({ confidence: 0.1 }),
  ];
  for (const policy of policyNames)
    for (const risk of risks) {
      const at = { policy, risk, retries: 0, findings: [] };
      const content = decide({
        ...at,
        roles: { verifier: { state: "given", verdict: "ACCEPT", health: "healthy", source: "review" } },
      });
      for (const text of texts) {
        const { verdict } = decide({ ...at, roles: { verifier: laneOpinion(laneResultOf("verifier", text, WHO)) } });
        expect(atLeast(verdict, content.verdict)).toBe(true);
      }
      const word = (text: string) =>
        decide({ ...at, roles: { verifier: laneOpinion(laneResultOf("verifier", text, WHO)) } }).verdict;
      expect(word(texts[1]!)).toBe(word(texts[2]!));
      if (policy !== "off") expect(atLeast(word(texts[1]!), "RETRY_NARROW")).toBe(true);
    }
});
