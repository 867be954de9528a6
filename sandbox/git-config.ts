// Git's configuration files, read strictly and judged: which entries make git run a program, or reach for another file. Pure; git itself is
// never asked, because reading a configuration is where it starts to obey. What is not known to be plain counts as running something.
// Syntax: git-config(1), "Syntax"; config.c of git 2.45.
// Does not stop: what a program does with the plain values (a remote's address is where `git fetch` goes).

export type ConfigEntry = { section: string; subsection: string | null; key: string; value: string | null };

const ESCAPES: Record<string, string> = { n: "\n", t: "\t", b: "\b", '"': '"', "\\": "\\" };

class Unreadable extends Error {}

type Cursor = { text: string; at: number };

const peek = ({ text, at }: Cursor) => text[at];

function take(cursor: Cursor, pattern: RegExp): string {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0] ?? "";
  cursor.at += found.length;
  return found;
}

function readHeader(cursor: Cursor): { section: string; subsection: string | null } {
  cursor.at += 1;
  const name = take(cursor, /[A-Za-z0-9.-]+/y).toLowerCase();
  if (name === "") throw new Unreadable();
  const spaces = take(cursor, /[ \t]+/y);
  let subsection: string | null = null;
  if (spaces !== "") {
    const quoted = take(cursor, /"(?:[^"\\\n]|\\[^\n])*"/y);
    if (quoted === "") throw new Unreadable();
    subsection = quoted.slice(1, -1).replace(/\\(.)/g, "$1");
  }
  if (peek(cursor) !== "]") throw new Unreadable();
  cursor.at += 1;
  if (subsection !== null) return { section: name, subsection };
  const dot = name.indexOf(".");
  return dot === -1 ? { section: name, subsection } : { section: name.slice(0, dot), subsection: name.slice(dot + 1) };
}

function readValue(cursor: Cursor): string {
  let value = "";
  let kept = 0; // up to here spaces at the end belong to it
  let quoted = false;
  for (;;) {
    const char = peek(cursor);
    if (char === undefined || char === "\n") {
      if (quoted) throw new Unreadable();
      return value.slice(0, kept);
    }
    cursor.at += 1;
    if (char === '"') {
      quoted = !quoted;
      kept = value.length;
    } else if (char === "\\") {
      const next = peek(cursor);
      cursor.at += 1;
      if (next === "\n") continue;
      const plain = next === undefined ? undefined : ESCAPES[next];
      if (plain === undefined) throw new Unreadable();
      value += plain;
      kept = value.length;
    } else if (!quoted && (char === "#" || char === ";")) take(cursor, /[^\n]*/y);
    else if (quoted || !/[ \t\r]/.test(char)) {
      value += char;
      kept = value.length;
    } else if (value !== "") value += char;
  }
}

/** The entries of a configuration file in order, sections and keys in lower case; undefined when it is not one, as git would say too. */
export function parseGitConfig(text: string): ConfigEntry[] | undefined {
  if (text.includes("\0")) return undefined;
  const cursor: Cursor = { text: text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n"), at: 0 };
  const entries: ConfigEntry[] = [];
  let header: { section: string; subsection: string | null } | undefined;
  try {
    for (;;) {
      take(cursor, /\s+/y);
      const char = peek(cursor);
      if (char === undefined) return entries;
      if (char === "#" || char === ";") take(cursor, /[^\n]*/y);
      else if (char === "[") header = readHeader(cursor);
      else {
        const key = take(cursor, /[A-Za-z][A-Za-z0-9-]*/y).toLowerCase();
        if (key === "" || header === undefined) return undefined;
        take(cursor, /[ \t]+/y);
        const next = peek(cursor);
        if (next === "=") {
          cursor.at += 1;
          entries.push({ ...header, key, value: readValue(cursor) });
        } else if (next === undefined || next === "\n") {
          entries.push({ ...header, key, value: null });
        } else return undefined;
      }
    }
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

/** A transport that git knows itself; `x::address` starts `git-remote-x`, and `ext::` anything. */
const isPlainUrl = (value: string | null) => value === null || !/^[A-Za-z0-9+.-]*::/.test(value.trim());
const isBoolean = (value: string | null) => value === null || /^(true|false|yes|no|on|off|0|1|)$/i.test(value);

type Rule = { keys: RegExp; value?: (value: string | null) => boolean };

/** By section; those in `top` only where there is no subsection, because with one their keys name programs (merge.X.driver, diff.X.command). */
const PLAIN: Record<string, Rule[]> = {
  core: [
    {
      keys: /^(repositoryformatversion|filemode|bare|logallrefupdates|ignorecase|precomposeunicode|symlinks|autocrlf|eol|safecrlf|whitespace|quotepath|protecthfs|protectntfs|preloadindex|untrackedcache|splitindex|compression|loosecompression|bigfilethreshold|sharedrepository|sparsecheckout|sparsecheckoutcone|longpaths|abbrev|checkstat|trustctime|ignorestat|multipackindex|commitgraph|warnambiguousrefs|commentchar|commentstring|fsync|fsyncmethod)$/,
    },
    { keys: /^fsmonitor$/, value: isBoolean },
  ],
  remote: [
    { keys: /^(fetch|push|tagopt|mirror|prune|prunetags|skipdefaultupdate|skipfetchall|promisor|partialclonefilter)$/ },
    { keys: /^(url|pushurl)$/, value: isPlainUrl },
  ],
  branch: [{ keys: /^(merge|rebase|description)$/ }, { keys: /^(remote|pushremote)$/, value: isPlainUrl }],
  submodule: [
    { keys: /^(active|branch|ignore|fetchrecursesubmodules|recurse)$/ },
    { keys: /^url$/, value: isPlainUrl },
    { keys: /^update$/, value: (value) => !value?.trim().startsWith("!") },
  ],
  user: [{ keys: /^(name|email|signingkey|useconfigonly)$/ }],
  author: [{ keys: /^(name|email)$/ }],
  committer: [{ keys: /^(name|email)$/ }],
  extensions: [
    {
      keys: /^(objectformat|compatobjectformat|worktreeconfig|partialclone|noop|preciousobjects|refstorage|relativeworktrees)$/,
    },
  ],
};
const TOP: Record<string, RegExp> = {
  advice: /./,
  color: /./,
  commit: /^(gpgsign|verbose|cleanup)$/,
  diff: /^(algorithm|renames|renamelimit|colormoved|mnemonicprefix|noprefix|context|submodule|ignoresubmodules)$/,
  feature: /^(manyfiles|experimental)$/,
  fetch: /^(prune|prunetags|parallel|writecommitgraph|recursesubmodules|fsckobjects)$/,
  gc: /^(auto|autodetach|autopacklimit|pruneexpire|reflogexpire|reflogexpireunreachable|worktreepruneexpire)$/,
  index: /^(version|threads|sparse)$/,
  init: /^defaultbranch$/,
  log: /^(date|follow|decorate|abbrevcommit)$/,
  maintenance: /^(auto|strategy)$/,
  merge: /^(ff|conflictstyle|renames|renamelimit|log|stat)$/,
  pack: /^(window|depth|threads|windowmemory|packsizelimit|writebitmaps)$/,
  pull: /^(rebase|ff)$/,
  push: /^(default|autosetupremote|followtags)$/,
  rebase: /^(autosquash|autostash|updaterefs)$/,
  receive: /^(deny[a-z]*|fsckobjects)$/,
  rerere: /^(enabled|autoupdate)$/,
  status: /./,
  tag: /^(gpgsign|sort)$/,
  transfer: /^fsckobjects$/,
};

/** Whether an entry is known to start nothing and to read no other configuration. */
export function isPlain({ section, subsection, key, value }: ConfigEntry): boolean {
  const top = Object.hasOwn(TOP, section) ? TOP[section] : undefined;
  if (top !== undefined) return subsection === null && top.test(key);
  const rules = Object.hasOwn(PLAIN, section) ? PLAIN[section]! : [];
  return rules.some((rule) => rule.keys.test(key) && (rule.value?.(value) ?? true));
}

/** An entry's name as git writes it. */
export function entryName({ section, subsection, key }: ConfigEntry): string {
  return [section, ...(subsection === null ? [] : [subsection]), key].join(".");
}
