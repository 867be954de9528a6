// Looks up words that come from outside in tables of ours. Must never find what every object inherits: `constructor` is no entry.

/** The entry under a word, undefined when there is none. */
export function entryOf<Value>(table: Readonly<Record<string, Value>>, word: string): Value | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
