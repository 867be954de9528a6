// `broke harness explain-verdict`: the table that verdicts follow, or what given findings and opinions would come to.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson, table } from "../output.ts";

const word = (description: string, valueHint: string) => ({ type: "string" as const, description, valueHint });

export const verb: Verb = {
  description: "Show what each finding is worth under each policy, or what some of them come to",
  args: {
    finding: word("what was found: a category, or category:note, any of them", "category,…"),
    policy: word("off, throughput, balanced (default) or high_assurance", "policy"),
    risk: word("low, normal (default), medium, high, critical, release or security", "risk"),
    retries: word("how often the worker was sent back already", "number"),
    worker: word("what the worker says of its work", "verdict"),
    verifier: word("what the verifier says", "verdict"),
    adversary: word("what the adversary says", "verdict"),
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const { askedVerdict, parseFindings } = await import("#harness/verdict/ask.ts");
    const { categories, meanings } = await import("#harness/verdict/categories.ts");
    const { decide } = await import("#harness/verdict/decide.ts");
    const { policies, policyNames, wordFor } = await import("#harness/verdict/policies.ts");
    const asks = ["finding", "worker", "verifier", "adversary"].some((name) => values[name] !== undefined);
    const alone = ["policy", "risk", "retries"].find((name) => !asks && values[name] !== undefined);
    if (alone !== undefined)
      throw new BrokeError("usage", `--${alone} goes with a --finding, or what a role says`, "as in --worker ACCEPT");
    if (asks) {
      const given = values["finding"]?.[0];
      const decision = decide(
        askedVerdict((name) => values[name]?.[0], given === undefined ? [] : parseFindings(given)),
      );
      if (flags.has("json")) answerJson(decision);
      else {
        answer(decision.verdict);
        const rows = decision.contributions.map(({ word: worth, from, category, reason }) => [
          worth,
          from,
          category ?? "",
          reason,
        ]);
        if (rows.length > 0) answer(table(rows));
      }
      return 0;
    }
    if (flags.has("json")) {
      const worth = (category: (typeof categories)[number]) =>
        Object.fromEntries(policyNames.map((policy) => [policy, wordFor(category, policy)]));
      const rows = categories.map((category) => [category, { meaning: meanings[category], ...worth(category) }]);
      const rules = policyNames.map((policy) => {
        const { retries, required } = policies[policy];
        return [policy, { retries: retries === Infinity ? null : retries, required }];
      });
      answerJson({ policies: Object.fromEntries(rules), categories: Object.fromEntries(rows) });
      return 0;
    }
    answer(
      table([
        ["CATEGORY", ...policyNames, "MEANS"],
        ...categories.map((category) => [
          category,
          ...policyNames.map((policy) => wordFor(category, policy)),
          meanings[category],
        ]),
      ]),
    );
    answer(
      "\nThe hardest word of all findings and opinions is the verdict. RETRY_NARROW becomes RETRY_BROAD where the risk is high, critical, release or security; retries become ESCALATE when there were enough of them:",
    );
    for (const policy of policyNames) {
      const { retries, required } = policies[policy];
      const limit = retries === Infinity ? "any number of retries" : `${retries} retries`;
      answer(`  ${policy}: ${limit}; ${required.length === 0 ? "no reviewer" : required.join(" and ")} required`);
    }
    return 0;
  },
};
