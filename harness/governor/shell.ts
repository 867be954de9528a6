// What a shell does by its own words, without starting anything: whether they write a file. What it starts is seen by the observer and judged for
// itself. Reads text only; what it cannot follow is opaque, never harmless. Pure.
// Does not stop: a function or a variable that an earlier file of the shell's own has put in place of a word.

export type ShellEffect = "none" | "scratch" | "writes" | "opaque";

const RANK: ShellEffect[] = ["none", "scratch", "writes", "opaque"];
const worse = (a: ShellEffect, b: ShellEffect): ShellEffect => (RANK.indexOf(a) >= RANK.indexOf(b) ? a : b);
/** Builtins that run text of their own, or write a file by themselves. */
const OPAQUE = new Set(["eval", "source", ".", "enable", "history", "fc", "trap", "alias", "mapfile", "complete"]);
const MAX_DEPTH = 4;

type Token = { kind: "word"; text: string; plain: boolean } | { kind: "redirect"; op: string } | { kind: "end" };

/** Thrown where the text is not followed any further. */
class Lost extends Error {}

/** Reads up to the closing mark of a substitution; the text in it. */
function nested(text: string, from: number): { inner: string; next: number } {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\") at += 1;
    else if (char === "'") at = closing(text, at + 1, "'", text[at - 1] === "$");
    else if (char === "(") depth += 1;
    else if (char === ")" && --depth === 0) return { inner: text.slice(from, at), next: at + 1 };
  }
  throw new Lost();
}

function closing(text: string, from: number, mark: string, escapes = mark !== "'"): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === "\\" && escapes) at += 1;
    else if (text[at] === mark) return at;
  }
  throw new Lost();
}

type Scan = { tokens: Token[]; inner: string[] };

/** A here-document whose text begins after this line. `literal`: its mark was quoted. */
type Document = { mark: string; literal: boolean; tabs: boolean };

function documentAt(text: string, from: number, tabs: boolean): { document: Document; next: number } {
  const [all, written] =
    /^[ \t]*((?:'[^'\n]*'|"[^"\\$`\n]*"|\\[^\n]|[^\s'"\\$`;&|<>()])+)/.exec(text.slice(from)) ?? [];
  if (written === undefined) throw new Lost();
  const mark = written.replace(/'([^']*)'|"([^"]*)"|\\(.)/g, "$1$2$3");
  return { document: { mark, literal: mark !== written, tabs }, next: from + all!.length };
}

/** Where the text of a document ends that begins at `from`. */
function afterDocument(text: string, from: number, { mark, literal, tabs }: Document): number {
  for (let at = from; at < text.length;) {
    const found = text.indexOf("\n", at);
    const end = found === -1 ? text.length : found;
    const line = text.slice(at, end);
    if ((tabs ? line.replace(/^\t+/, "") : line) === mark) return Math.min(text.length, end + 1);
    // What else runs in it, or puts two of its lines together, is not followed.
    if (!literal && /\$\(|`|\\$/.test(line)) throw new Lost();
    at = end + 1;
  }
  throw new Lost();
}

const ARITHMETIC = /^\([\w\s+\-*/%<>=!&|^~?:,$.]*\)$/;
const PARAMETER = /^\$\{[^\s'"\\`;&|()<>}]*\}/;
/** What a shell takes for blank; other white space is part of a word. */
const BLANK = /[ \t\n]/;

/** Words, redirections and ends of commands; `inner` is the text of every substitution. */
function scan(text: string): Scan {
  const tokens: Token[] = [];
  const inner: string[] = [];
  const documents: Document[] = [];
  let word: string | undefined;
  let plain = true;
  const finish = () => {
    if (word !== undefined) tokens.push({ kind: "word", text: word, plain });
    word = undefined;
    plain = true;
  };
  const substitute = (at: number): number => {
    plain = false;
    word ??= "";
    if (text[at] === "`") {
      const end = closing(text, at + 1, "`");
      inner.push(text.slice(at + 1, end));
      return end + 1;
    }
    const found = nested(text, at + 2);
    inner.push(ARITHMETIC.test(found.inner) ? "" : found.inner);
    return found.next;
  };
  for (let at = 0, from = 0; at < text.length; from = at) {
    const char = text[at]!;
    if (char === "\\") {
      if (text[at + 1] !== "\n") word = (word ?? "") + (text[at + 1] ?? "");
      at += 2;
    } else if (char === "'") {
      const end = closing(text, at + 1, "'");
      word = (word ?? "") + text.slice(at + 1, end);
      at = end + 1;
    } else if (char === '"') {
      word ??= "";
      for (at += 1; text[at] !== '"';) {
        if (at >= text.length) throw new Lost();
        if (text[at] === "`" || text.startsWith("$(", at)) at = substitute(at);
        else if (text[at] === "\\") {
          word += text[at + 1] ?? "";
          at += 2;
        } else {
          if (text[at] === "$") plain = false;
          // Quotes within are matched otherwise.
          if (text.startsWith("${", at) && !/^[^"]*?\}/.test(text.slice(at))) throw new Lost();
          word += text[at];
          at += 1;
        }
      }
      at += 1;
    } else if (char === "`" || text.startsWith("$(", at)) at = substitute(at);
    else if (BLANK.test(char)) {
      finish();
      at += 1;
      if (char !== "\n") continue;
      tokens.push({ kind: "end" });
      for (const document of documents.splice(0)) at = afterDocument(text, at, document);
    } else if (char === "#" && word === undefined) {
      const end = text.indexOf("\n", at);
      at = end === -1 ? text.length : end;
    } else if (/[;&|(){}]/.test(char) && !(char === "&" && text[at + 1] === ">")) {
      if ((char === "{" || char === "}") && word !== undefined) {
        word += char;
        plain = false;
      } else {
        finish();
        tokens.push({ kind: "end" });
      }
      at += 1;
    } else if (char === ">" || char === "<" || char === "&") {
      // A number in front belongs to it.
      if (word !== undefined && /^\d+$/.test(word)) word = undefined;
      finish();
      const op = /^(?:&>>|&>|>>|>\||>&|<>|<<<|<<-?|<&|<\(|>\(|>|<)/.exec(text.slice(at))?.[0] ?? char;
      if (op === "<(" || op === ">(") {
        const found = nested(text, at + 2);
        inner.push(found.inner);
        word = "";
        plain = false;
        at = found.next;
      } else if (op === "<<" || op === "<<-") {
        const { document, next } = documentAt(text, at + op.length, op === "<<-");
        documents.push(document);
        at = next;
      } else {
        tokens.push({ kind: "redirect", op });
        at += op.length;
      }
    } else {
      if (char === "$") {
        plain = false;
        // What a backslash does in it depends on the shell.
        if (text[at + 1] === "'" && text.slice(at, closing(text, at + 2, "'")).includes("\\")) throw new Lost();
        if (text[at + 1] === "{" && !PARAMETER.test(text.slice(at))) throw new Lost();
      }
      word = (word ?? "") + char;
      at += 1;
    }
    // Shells differ in where the document begins then.
    if (documents.length > 0 && text.slice(from, at).includes("\n")) throw new Lost();
  }
  if (documents.length > 0) throw new Lost();
  finish();
  return { tokens, inner };
}

const WRITES = new Set([">", ">>", ">|", "&>", "&>>", ">&", "<>"]);
/** They give variables names and values: which, cannot be told where those are not written out. */
const SETS = new Set(["export", "declare", "typeset", "readonly", "local", "read", "getopts", "let"]);
/** Words that may stand before the command. */
const LEADING = new Set([
  "builtin",
  "command",
  "exec",
  "coproc",
  "!",
  "if",
  "then",
  "else",
  "elif",
  "while",
  "until",
  "do",
  "time",
  "noglob",
  "nocorrect",
]);
const ASSIGNMENT = /^\w+(?:\[.*\])?\+?=/s;

function ofTokens({ tokens, inner }: Scan, isScratch: (path: string) => boolean, depth: number): ShellEffect {
  let effect: ShellEffect = "none";
  let first = true;
  let led = false;
  let setting = false;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind === "word" && token.text.includes("BASH_ENV")) return "opaque";
    if (setting && token.kind === "word" && !token.plain) return "opaque";
    if (token.kind === "end") [first, led, setting] = [true, false, false];
    else if (token.kind === "redirect") {
      const target = tokens[at + 1];
      if (!WRITES.has(token.op)) {
        at += 1;
        continue;
      }
      if (target?.kind !== "word") return "opaque";
      at += 1;
      if (token.op === ">&" && /^(\d+|-)$/.test(target.text)) continue;
      if (target.text === "/dev/null") continue;
      effect = worse(effect, target.plain && isScratch(target.text) ? "scratch" : "writes");
    } else if (first) {
      if (ASSIGNMENT.test(token.text) || (led && token.text.startsWith("-"))) continue;
      led = LEADING.has(token.text);
      if (led) continue;
      first = false;
      // It may come to any of the shell's own words.
      if (!token.plain) return "opaque";
      setting = SETS.has(token.text);
      if (token.text === "eval") {
        const words: string[] = [];
        for (at += 1; tokens[at]?.kind === "word"; at++) {
          const word = tokens[at] as Token & { kind: "word" };
          if (!word.plain) return "opaque";
          words.push(word.text);
        }
        at -= 1;
        effect = worse(effect, effectOf(words.join(" "), isScratch, depth + 1));
      } else if (OPAQUE.has(token.text)) return "opaque";
    }
  }
  return inner.reduce<ShellEffect>((all, text) => worse(all, effectOf(text, isScratch, depth + 1)), effect);
}

function effectOf(text: string, isScratch: (path: string) => boolean, depth: number): ShellEffect {
  if (depth > MAX_DEPTH) return "opaque";
  try {
    return ofTokens(scan(text), isScratch, depth);
  } catch (error) {
    if (error instanceof Lost) return "opaque";
    throw error;
  }
}

/** What the shell itself does with this text. `isScratch` says whether a path lies outside the work. */
export function shellEffect(text: string, isScratch: (path: string) => boolean): ShellEffect {
  return effectOf(text, isScratch, 0);
}
