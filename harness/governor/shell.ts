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

/** Words, redirections and ends of commands; `inner` is the text of every substitution. */
function scan(text: string): Scan {
  const tokens: Token[] = [];
  const inner: string[] = [];
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
    inner.push(found.inner);
    return found.next;
  };
  for (let at = 0; at < text.length;) {
    const char = text[at]!;
    if (char === "\\") {
      if (text[at + 1] !== "\n") word = (word ?? "") + (text[at + 1] ?? "");
      at += 2;
    } else if (char === "'" || text.startsWith("$'", at)) {
      // In the second form a backslash keeps the mark from ending it.
      const from = at + (char === "'" ? 1 : 2);
      const end = closing(text, from, "'", char !== "'");
      if (char !== "'") plain = false;
      word = (word ?? "") + text.slice(from, end);
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
          word += text[at];
          at += 1;
        }
      }
      at += 1;
    } else if (char === "`" || text.startsWith("$(", at)) at = substitute(at);
    else if (/\s/.test(char)) {
      finish();
      if (char === "\n") tokens.push({ kind: "end" });
      at += 1;
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
      } else {
        // What follows is text up to a line of the document's own.
        if (op === "<<" || op === "<<-") throw new Lost();
        tokens.push({ kind: "redirect", op });
        at += op.length;
      }
    } else {
      if (char === "$") plain = false;
      word = (word ?? "") + char;
      at += 1;
    }
  }
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
]);

function ofTokens({ tokens, inner }: Scan, isScratch: (path: string) => boolean, depth: number): ShellEffect {
  let effect: ShellEffect = "none";
  let first = true;
  let led = false;
  let setting = false;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at]!;
    if (token.kind === "word" && token.text.includes("BASH_ENV")) return "opaque";
    if (setting && token.kind === "word" && !token.plain) return "opaque";
    if (token.kind === "end") {
      first = true;
      led = false;
      setting = false;
    } else if (token.kind === "redirect") {
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
      const sets = /^[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=/.test(token.text);
      if (LEADING.has(token.text) || sets || (led && token.text.startsWith("-"))) {
        led = !sets;
        continue;
      }
      first = false;
      if (!token.plain) return "opaque"; // It may be one of the shell's own.
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
