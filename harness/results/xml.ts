// The elements of an XML text, one after the other: no comment, no CDATA section and no text of theirs is taken for one. One pass, in time and memory in
// proportion to the text, whatever it holds. Pure.
// Does not stop: text that is no XML; what is no tag in it is passed over, and a tag that is never closed ends with the one around it.

export type Element = {
  name: string;
  /** The elements it lies in, the innermost last, until the next is read. */
  inside: readonly string[];
  /** As written: references to characters are not resolved. */
  attributes: ReadonlyMap<string, string>;
};

const TAG = /<(\/?)([A-Za-z_:][^\s<>/='"]*)/y;
const ATTRIBUTE = /\s+([^\s<>/='"]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
const END = /\s*(\/?)>/y;
/** What is not read, and where it ends. */
const APART = [
  ["<!--", "-->"],
  ["<![CDATA[", "]]>"],
  ["<?", "?>"],
] as const;

/** Which elements are open. */
function openElements() {
  const names: string[] = [];
  const counts = new Map<string, number>();
  const count = (name: string, by: number) => counts.set(name, (counts.get(name) ?? 0) + by);
  return {
    names,
    open(name: string) {
      names.push(name);
      count(name, 1);
    },
    close(name: string) {
      if ((counts.get(name) ?? 0) === 0) return;
      for (let last = names.pop(); last !== undefined; last = names.pop()) {
        count(last, -1);
        if (last === name) return;
      }
    },
  };
}

/** Every element, as its start is read. */
export function* elementsOf(xml: string): Generator<Element, void> {
  const open = openElements();
  /** Ends that were looked for and do not come any more. */
  const never = new Set<string>();
  const match = (pattern: RegExp, at: number) => {
    pattern.lastIndex = at;
    return pattern.exec(xml);
  };
  const endOf = (at: number): number | undefined => {
    const apart = APART.find(([start]) => xml.startsWith(start, at));
    if (apart === undefined || never.has(apart[1])) return undefined;
    const end = xml.indexOf(apart[1], at + apart[0].length);
    if (end !== -1) return end + apart[1].length;
    never.add(apart[1]);
    return undefined;
  };
  for (let at = xml.indexOf("<"); at !== -1; at = xml.indexOf("<", at)) {
    const past = endOf(at);
    const tag = past === undefined ? match(TAG, at) : null;
    if (tag === null) {
      at = past ?? at + 1;
      continue;
    }
    const [whole, closing, name] = tag as unknown as [string, string, string];
    at += whole.length;
    const attributes = new Map<string, string>();
    for (let found = match(ATTRIBUTE, at); found !== null; found = match(ATTRIBUTE, at)) {
      at += found[0].length;
      attributes.set(found[1]!, found[2] ?? found[3]!);
    }
    const end = match(END, at);
    if (end === null) continue;
    at += end[0].length;
    if (closing !== "") {
      open.close(name);
      continue;
    }
    yield { name, inside: open.names, attributes };
    if (end[1] === "") open.open(name);
  }
}
