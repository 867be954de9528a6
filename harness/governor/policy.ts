// How much a worker may do before it must verify, a row a policy. Under `off` nothing is governed. Pure.

import type { PolicyName } from "../verdict/policies.ts";

export type Thresholds = {
  /** Writes, and risk, since the last green verification. */
  writes: number;
  risk: number;
  /** Failed verifications in a row. */
  failures: number;
  /** What a high-risk sequence leads to. */
  sequence: "verification_only" | "blocked";
};

export const thresholds: Record<Exclude<PolicyName, "off">, Thresholds> = {
  throughput: { writes: 80, risk: 60, failures: 8, sequence: "verification_only" },
  balanced: { writes: 30, risk: 24, failures: 4, sequence: "blocked" },
  high_assurance: { writes: 10, risk: 10, failures: 2, sequence: "blocked" },
};

/** From this part of a threshold on the operator is warned. */
export const WARNING = 0.75;
