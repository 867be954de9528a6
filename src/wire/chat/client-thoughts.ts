// The signed and encrypted thoughts of an answer for a Chat client, as OpenRouter's clients keep and send them back (`reasoning_details`). They stand
// together in front of all else there, so one that led to a call has that call's id: where it stood matters to who signed it. In a stream all of them
// come at once, because clients that keep the last list of a stream and clients that join all of them are both common.
// Does not stop: a thought in front of a later text from coming back in front of the first.

import type { Json } from "#src/core/json.ts";

/** `proof` is what signs it, or all of it, encrypted; `before` the id of the call it led to. */
export type Thought = { text: string; proof?: string | undefined; before?: string };

export type Thoughts = {
  add(thought: Thought): Thought;
  /** A call begins. */
  call(id: string): void;
  /** A text begins. */
  text(): void;
  /** `reasoning_details`, or nothing where nothing is proven. */
  members(): { reasoning_details?: Json[] };
};

/** Those of one answer. */
export function makeThoughts(): Thoughts {
  const all: Thought[] = [];
  /** Nothing came behind those from here on. */
  let waiting = 0;
  return {
    add(thought) {
      all.push(thought);
      return thought;
    },
    call(id) {
      for (; waiting < all.length; waiting++) all[waiting]!.before = id;
    },
    text: () => void (waiting = all.length),
    members() {
      const details = all.flatMap(({ text, proof, before }, index): Json[] => {
        if (proof === undefined) return [];
        const place = before === undefined ? {} : { id: before };
        return [{ type: "reasoning.text", text, signature: proof, index, ...place }];
      });
      return details.length === 0 ? {} : { reasoning_details: details };
    },
  };
}
