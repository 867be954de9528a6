// The list of object folders that a repository borrows from (`objects/info/alternates`), read as git reads it (odb.c, quote.c): a line each, `#` before
// a comment, and a path in quotes is one written as in C. Pure.
// Does not stop: a path from leading anywhere; whoever opens it decides about that (borrowed.ts).

const [NEWLINE, HASH, QUOTE, BACKSLASH] = [0x0a, 0x23, 0x22, 0x5c];
const ESCAPES = new Map([..."abtnvfr"].map((letter, at) => [letter.charCodeAt(0), 7 + at]));
for (const char of [QUOTE, BACKSLASH]) ESCAPES.set(char, char);

/** What is in the quotes that open at `at`, and where the next byte is; undefined where they are not closed, or hold what git does not know. */
function unquote(list: Buffer, at: number): { path: Buffer; next: number } | undefined {
  const path: number[] = [];
  for (let next = at + 1; next < list.length; next += 1) {
    const byte = list[next]!;
    if (byte === QUOTE) return { path: Buffer.from(path), next: next + 1 };
    if (byte !== BACKSLASH) {
      path.push(byte);
      continue;
    }
    const octal = /^[0-3][0-7]{2}/.exec(list.toString("latin1", next + 1, next + 4))?.[0];
    const escaped = octal === undefined ? ESCAPES.get(list[next + 1] ?? 0) : Number.parseInt(octal, 8);
    if (escaped === undefined) return undefined;
    path.push(escaped);
    next += octal === undefined ? 1 : octal.length;
  }
  return undefined;
}

/** The paths, as bytes, in their order. */
export function parseAlternates(list: Buffer): Buffer[] {
  const paths: Buffer[] = [];
  for (let at = 0; at < list.length;) {
    const quoted = list[at] === QUOTE ? unquote(list, at) : undefined;
    const newline = list.indexOf(NEWLINE, at);
    const end = quoted?.next ?? (newline === -1 ? list.length : newline);
    const path = quoted?.path ?? list.subarray(at, end);
    if (path.length > 0 && list[at] !== HASH) paths.push(path);
    // Whatever it is that follows, git passes over one byte.
    at = end + 1;
  }
  return paths;
}
