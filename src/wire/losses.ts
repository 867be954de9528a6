// What a translation could not carry, for the log, a header, or a refusal. Names of fields and kinds only, never their contents.

/** `path` is the first place in the client's body where it happened. */
export type Loss = { path: string; what: string; why: string };

/** What stands in a conversation where something was left out: an empty place would mislead the model. */
export const LEFT_OUT = {
  image: "[an image that cannot be shown here was left out]",
  document: "[a document that cannot be shown here was left out]",
  content: "[content that cannot be shown here was left out]",
} as const;

/** Why thinking stays behind, where a request is translated and where it passes. */
export const LOST_THINKING = "earlier reasoning goes only to the model that reasoned";

const nothing: readonly Loss[] = [];

/** What a passing request loses by changes that take another backend's thinking out of it; `path`: the member that has its turns. */
export function thinkingTaken(path: string, taken: boolean): readonly Loss[] {
  return taken ? [{ path, what: "thinking", why: LOST_THINKING }] : nothing;
}

export type LossList = { readonly items: Loss[]; add(path: string, what: string, why: string): void };

/** A list that keeps each kind of loss once: a long conversation repeats itself. */
export function makeLossList(): LossList {
  const seen = new Set<string>();
  const items: Loss[] = [];
  return {
    items,
    add(path, what, why) {
      const key = `${what}\n${why}`;
      if (seen.has(key)) return;
      seen.add(key);
      items.push({ path, what, why });
    },
  };
}
