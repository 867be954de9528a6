// One observed exec to its class: by the file that is really run, never by what it is called, then by its verb and options. Pure.
// Does not stop: a known program that does by its own means what another would have done (a plugin, a configuration in the tree).

import { posix } from "node:path";
import { listingWord } from "../results/suspicion.ts";
import { isTestFile } from "../results/assertions.ts";
import { classes, type ClassWord, type Traits } from "./classes.ts";
import { shellEffect } from "./shell.ts";
import { unwrapped } from "./wrapping.ts";
import { MULTI_CALL, type Rule, SHELLS, tools, toolNamed } from "./tools.ts";

/** What is asked for: `files` are the program and its interpreters; `settled` whether they are as they were before the run began. */
export type SeenExec = {
  path: string | null;
  argv: string[];
  cut: boolean;
  cwd: string | null;
  files: string[];
  settled: boolean;
};

/** Where things are, as the sandbox shows them. `scratch` are folders that are not the work. */
export type Places = {
  workspace: string;
  shims: string;
  scratch: string[];
  /** Names at the top of the workspace, as it is now; hidden ones left out. */
  top(): string[];
};

export type Classified = {
  class: ClassWord;
  tool: string;
  /** Its verb, where it has any. */
  verb: string | null;
  /** Of a test: whether the runner is one the worker cannot have made, and it does not only list. */
  real: boolean;
  /** What bears on sequences. */
  deletesTests: boolean;
  commits: boolean;
};

type Found = { class: ClassWord; verb: string | null; rest: string[] };

const within = (folder: string, path: string) => path === folder || path.startsWith(`${folder}/`);

/** Whether a path as a command names it lies outside the work. */
function scratchIn({ workspace, scratch }: Places, cwd: string | null): (path: string) => boolean {
  return (path) => {
    if (path.startsWith("~") || /[$*?[]/.test(path)) return false;
    if (!path.startsWith("/") && cwd === null) return false;
    const full = posix.normalize(path.startsWith("/") ? path : `${cwd}/${path}`);
    return !within(workspace, full) && scratch.some((folder) => within(folder, full));
  };
}

/** Whether a word is one of these options, with a value behind `=`, or one letter among others, which may have a value behind them. */
function isOption(word: string, options: string): boolean {
  const name = word.split("=")[0]!;
  return options.split(" ").some((option) => {
    if (name === option) return true;
    return /^-[a-zA-Z]$/.test(option) && (/^-([a-zA-Z]+)/.exec(name)?.[1]?.includes(option[1]!) ?? false);
  });
}

/** Follows a tool's rule through its words. */
function follow(rule: Rule, words: string[], places: Places, depth = 0): Found {
  const end = words.indexOf("--");
  const own = end === -1 || rule.carries === true ? words : words.slice(0, end);
  const valued = (word: string) => rule.valued !== undefined && !word.includes("=") && isOption(word, rule.valued);
  let at = 0;
  while (at < own.length && (own[at]!.startsWith("-") || /^\w+=/.test(own[at]!))) at += valued(own[at]!) ? 2 : 1;
  const [verb, rest] = [own[at] ?? null, own.slice(at + 1)];
  if (rule.carries === true) return carried(rule, verb, rest, places, depth);
  const said = rule.verbs === undefined ? own : own.slice(0, at);
  for (const [options, is] of rule.options ?? [])
    if (
      (rule.verbs === undefined || verb === null || !(verb in rule.verbs) ? own : [...said, ...rest]).some((word) =>
        isOption(word, options),
      )
    )
      return { class: is, verb, rest };
  if (verb === null) return { class: rule.bare ?? rule.class, verb, rest };
  const next = rule.verbs !== undefined && Object.hasOwn(rule.verbs, verb) ? rule.verbs[verb] : undefined;
  if (next === undefined) return { class: rule.class, verb, rest };
  if (typeof next === "string") return { class: next, verb, rest };
  const found = follow(next, rest, places, depth + 1);
  const deeper = next.verbs !== undefined || next.carries === true;
  return { ...found, verb: !deeper || found.verb === null ? verb : `${verb} ${found.verb}` };
}

/** `npx jest …`: what jest is. */
function carried(rule: Rule, name: string | null, rest: string[], places: Places, depth: number): Found {
  const inner = name === null ? undefined : tools[toolNamed(posix.basename(name))];
  if (inner === undefined || inner.carries === true || depth > 3) return { class: rule.class, verb: name, rest };
  const found = follow(inner, rest, places, depth + 1);
  const kept = found.class === "test" || found.class === "check" || found.class === "read";
  return { class: kept ? found.class : rule.class, verb: name, rest };
}

const operands = (words: string[]) => words.filter((word) => !word.startsWith("-"));

/** Which of its operands a tool writes. */
function written(tool: string, words: string[]): string[] {
  const into = words.findIndex((word) => word === "-t" || word === "--target-directory");
  if (into !== -1) return words.slice(into + 1, into + 2);
  const names = operands(words);
  if (tool === "cp" || tool === "ln" || tool === "install") return names.slice(-1);
  if (tool === "chmod" || tool === "chown" || tool === "chgrp") return names.slice(1);
  return names;
}

/** Fewer names than these are no tree. */
const FEW = 3;
const ROOTS = /^(?:\/|\.|\.\.|\*|~|\$HOME|\$PWD|\.git|\.\/|\.\/\*|\/\*)\/?$/;

/** Removing: of what only lies about, of one thing, or of everything. */
function removal(words: string[], places: Places, cwd: string | null): ClassWord {
  const names = operands(words);
  const whole = words.some((word) => isOption(word, "-r -R --recursive"));
  const isRoot = (name: string) => {
    const full = posix.normalize(name.startsWith("/") ? name : `${cwd ?? places.workspace}/${name}`).replace(/\/$/, "");
    const wild = full.endsWith("/*") ? full.slice(0, -2) : full;
    return ROOTS.test(name) || within(wild, places.workspace) || wild === `${places.workspace}/.git`;
  };
  if (whole && names.some(isRoot)) return "destructive";
  // What `*` came to is names: all there are is everything.
  const all = whole && names.length >= FEW ? places.top() : [];
  const gone = new Set(
    names.map((name) => posix.normalize(posix.join(name.startsWith("/") ? "" : (cwd ?? "/"), name)).replace(/\/$/, "")),
  );
  if (all.length >= FEW && all.every((name) => gone.has(posix.join(places.workspace, name)))) return "destructive";
  return "write";
}

const WRITERS = new Set(
  "touch mkdir rmdir mv cp ln install tee truncate chmod chown chgrp rm unlink shred mktemp".split(" "),
);

const SCRIPTED = { sed: "-f --file", awk: "-f --file -E --exec -i --include -l --load" } as const;

/** Tools whose operands or scripts decide. */
function special(tool: string, words: string[], places: Places, cwd: string | null): ClassWord | undefined {
  const isScratch = scratchIn(places, cwd);
  const text = words.join(" ");
  if (WRITERS.has(tool)) {
    const targets = written(tool, words);
    if (tool === "mktemp" && targets.length === 0) return "scratch";
    if (targets.length > 0 && targets.every(isScratch)) return "scratch";
    return tool === "rm" ? removal(words, places, cwd) : "write";
  }
  // What is in a file of its own is not seen.
  if ((tool === "sed" || tool === "awk") && words.some((word) => isOption(word, SCRIPTED[tool]))) return "opaque";
  if (tool === "uniq") return operands(words).length > 1 ? "write" : "read";
  if (tool === "sed") {
    const inPlace = words.some((word) => /^-[a-zA-Z]*i/.test(word) || word.startsWith("--in-place"));
    // What is between the marks of a substitution is text.
    const commands = text.replace(/s([^\w\s\\])(?:\\.|(?!\1).)*\1(?:\\.|(?!\1).)*\1/g, "s");
    return inPlace || /(?:^|[;{}\d$/\s])[wW]\s*[^\s;}]|\bs[gpiIeM\d]*[we]/.test(commands) ? "write" : "read";
  }
  if (tool === "awk")
    return /system\s*\(|\|/.test(text)
      ? "opaque"
      : /print[^]*>/.test(text) || /-i\s*inplace/.test(text)
        ? "write"
        : "read";
  if (tool === "tar" && /^-?[a-z]*t[a-z]*$/.test(words[0] ?? "") && !/[cxru]/.test(words[0]!)) return "read";
  // Codex starts every command through itself.
  if (tool === "codex") return words[0] === "--codex-run-as-process-setup" ? "wrapper" : "unknown";
  if (tool === "env") return operands(words).some((word) => !word.includes("=")) ? "wrapper" : "read";
  return undefined;
}

function ofShell(words: string[], cut: boolean, places: Places, cwd: string | null): ClassWord {
  let at = 0;
  let command = false;
  for (; at < words.length && /^[-+]/.test(words[at]!); at++) {
    if (words[at] === "--version" || words[at] === "--help") return "read";
    command ||= /^-[a-zA-Z]*c/.test(words[at]!) && !words[at]!.startsWith("--");
    if (/^[-+]o$/.test(words[at]!) || words[at] === "--rcfile" || words[at] === "--init-file") at += 1;
  }
  if (!command) return words[at] === undefined ? "opaque" : "runtime";
  if (cut || words[at] === undefined) return "opaque";
  const text = unwrapped(words[at]!);
  const effect = shellEffect(text, scratchIn(places, cwd));
  return ({ none: "wrapper", scratch: "scratch", writes: "write", opaque: "opaque" } as const)[effect];
}

const TEST_MODULES = new Set(["pytest", "unittest", "nose2", "doctest", "tox", "nox"]);
const MODULES: Record<string, ClassWord> = {
  pip: "install",
  ensurepip: "install",
  venv: "write",
  "json.tool": "read",
  compileall: "build",
  mypy: "check",
  flake8: "check",
  pylint: "check",
  pyflakes: "check",
  ruff: "check",
  black: "write",
  isort: "write",
  "http.server": "network",
  build: "build",
};

/** `python -m …`, `python -c …`, and a script. */
function ofPython(words: string[], places: Places): Found | undefined {
  for (let at = 0; at < words.length && words[at]!.startsWith("-"); at++) {
    const word = words[at]!;
    if (/^-[a-zA-Z]*c$/.test(word) || /^-c./.test(word)) return { class: "opaque", verb: "-c", rest: [] };
    if (/^-[a-zA-Z]*m$/.test(word)) {
      const [name = "", ...rest] = words.slice(at + 1);
      if (TEST_MODULES.has(name)) return { ...follow(tools.pytest!, rest, places), verb: name };
      return { class: MODULES[name] ?? "runtime", verb: name, rest };
    }
    if (word === "-X" || word === "-W") at += 1;
  }
  return undefined;
}

/** A script that an interpreter is given by name may be a tool: `node …/npm-cli.js test`. */
function ofScript(words: string[], rule: Rule, places: Places): Found | undefined {
  const at = words.findIndex((word) => !word.startsWith("-"));
  if (at === -1) return undefined;
  const inner = tools[toolNamed(posix.basename(words[at]!))];
  if (inner === undefined || inner === rule || !/\.[cm]?js$|^\/.*\/bin\//.test(words[at]!)) return undefined;
  const found = follow(inner, words.slice(at + 1), places);
  // Only its words are known, not its file: what it may do is believed for a test, which runs the worker's code anyway.
  return found.class === "test" || found.class === "check" ? found : { ...found, class: "runtime" };
}

/** The class of a tool with these words. */
function ofTool(tool: string, words: string[], { cut, cwd }: SeenExec, places: Places): Found {
  const own = special(tool, words, places, cwd);
  if (own !== undefined) return { class: own, verb: null, rest: words };
  if (SHELLS.has(tool)) return { class: ofShell(words, cut, places, cwd), verb: null, rest: words };
  const rule = Object.hasOwn(tools, tool) ? tools[tool]! : undefined;
  if (rule === undefined) return { class: "unknown", verb: null, rest: words };
  const found = (tool === "python" ? ofPython(words, places) : undefined) ?? follow(rule, words, places);
  const script =
    found.class === "runtime" && (tool === "python" || tool === "node") ? ofScript(words, rule, places) : undefined;
  return script ?? found;
}

/** Options by which even an empty set of tests is green. */
const isPermissive = (word: string) => word.startsWith("--pass") || word === "--if-present";

/** Classifies one exec. */
export function classify(seen: SeenExec, places: Places): Classified {
  const [program] = seen.files;
  const none = { verb: null, real: false, deletesTests: false, commits: false };
  if (program === undefined) return { class: "unknown", tool: "?", ...none };
  // A shim says what is started and starts the real tool, which is what is judged.
  if (within(places.shims, program)) return { class: "wrapper", tool: posix.basename(program), ...none };
  const name = posix.basename(program);
  const multi = MULTI_CALL.has(name);
  const called = multi && posix.basename(seen.argv[0] ?? "") === name ? seen.argv.slice(1) : seen.argv;
  const tool = toolNamed(multi ? posix.basename(called[0] ?? "") : name);
  const words = called.slice(1);
  const found = ofTool(tool, words, seen, places);
  const known =
    Object.hasOwn(tools, tool) ||
    SHELLS.has(tool) ||
    tool === "sed" ||
    tool === "awk" ||
    tool === "env" ||
    tool === "codex";
  // What the worker may have made itself is only as good as its name.
  const own = !seen.settled && (classes[found.class] as Traits).verifying;
  const listing = found.class === "test" ? listingWord(words) : undefined;
  const verdict = own || !known ? "unknown" : listing !== undefined && !isPermissive(listing) ? "read" : found.class;
  return {
    class:
      seen.cut && verdict !== "test" && verdict !== "read" && tool !== "git"
        ? verdict === "wrapper" || verdict === "scratch"
          ? "opaque"
          : verdict
        : verdict,
    tool,
    verb: found.verb,
    real: verdict === "test" && !seen.cut && listing === undefined,
    deletesTests:
      (tool === "rm" || tool === "unlink" || (tool === "git" && found.verb === "rm")) &&
      operands(words).some((path) => isTestFile(path) && !path.endsWith(".rs")),
    commits: tool === "git" && (found.verb === "commit" || found.verb === "push"),
  };
}
