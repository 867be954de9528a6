// Names that every object has already. Schemas leave them out without a word, so nothing of ours may be called so.

const RESERVED: ReadonlySet<string> = new Set(["__proto__", "prototype", "constructor"]);

/** The first of them that something in the value is called; undefined when none is. */
export function reservedName(value: unknown): string | undefined {
  if (value === null || typeof value !== "object") return undefined;
  for (const [name, item] of Object.entries(value)) {
    const found = RESERVED.has(name) && !Array.isArray(value) ? name : reservedName(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
