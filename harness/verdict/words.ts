// The six verdicts, from the softest to the hardest, and their exit codes. Pure.

export const verdicts = ["ACCEPT", "ACCEPT_WITH_WARNINGS", "RETRY_NARROW", "RETRY_BROAD", "ESCALATE", "BLOCK"] as const;
export type VerdictWord = (typeof verdicts)[number];

const rank = (word: VerdictWord) => verdicts.indexOf(word);

/** The harder of two. */
export const harder = (a: VerdictWord, b: VerdictWord): VerdictWord => (rank(a) >= rank(b) ? a : b);

/** Whether `a` is harder than `b`, or the same. */
export const atLeast = (a: VerdictWord, b: VerdictWord): boolean => rank(a) >= rank(b);

/** Whether the work may be taken over. */
export const isAccepted = (word: VerdictWord): boolean => !atLeast(word, "RETRY_NARROW");

export const verdictExit: Record<VerdictWord, number> = {
  ACCEPT: 0,
  ACCEPT_WITH_WARNINGS: 0,
  RETRY_NARROW: 10,
  RETRY_BROAD: 11,
  ESCALATE: 12,
  BLOCK: 13,
};
