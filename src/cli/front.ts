// The strict front over citty: walks the command tree, checks every word against it, and only then runs. citty alone accepts unknown flags,
// takes the last of repeated ones and shows our help for a `--help` meant for the client.

import type { ArgDef, ArgsDef, CommandDef } from "citty";
import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";

/**
 * What a verb gets: flags, options and named positionals (each a list, in order given), positionals beyond the named ones, words after `--`.
 * A list option, or one whose value is optional, is in `flags` where it has none.
 */
export type Invocation = {
  values: Record<string, string[]>;
  flags: ReadonlySet<string>;
  words: string[];
  rest: string[] | undefined;
  /** What `view` returned: the run whose tree this process sees. */
  view?: string;
};

/** A leaf: citty's definition for help, plus what citty cannot say. */
export type Verb = {
  description: string;
  args: ArgsDef;
  /** Options spelled as Deno spells its permissions: given any number of times, each bare or with `=a,b`. */
  lists?: readonly string[];
  /** Options with a value that may be given any number of times. */
  repeated?: readonly string[];
  /** Options that may be given bare; a value is joined by `=` or the next word. */
  optional?: readonly string[];
  /** Of an option, what says something else: options, or the trailing words, that are not taken with it. */
  apart?: Readonly<Record<string, readonly string[]>>;
  /** Name of a trailing list of words (`slot=label …`), absent when there is none. */
  words?: string;
  /** Whether words after `--` are taken. */
  rest?: boolean;
  /** Whether every word after the verb, `--help` too, is passed on as it is. */
  whole?: boolean;
  /** Called first, before anything is opened or read: may begin this command anew where more is to be seen (overlay.ts), and never return. */
  view?(invocation: Invocation): Promise<string | undefined>;
  run(invocation: Invocation): Promise<number>;
};
export type Group = { description: string; commands: Record<string, Lazy>; fallback?: Lazy };
export type Lazy = { description: string; load(): Promise<{ verb: Verb } | { group: Group }> };

export type Parsed = { kind: "help"; text: string } | { kind: "run"; verb: Verb; invocation: Invocation };

function usage(message: string, hint?: string): BrokeError {
  return new BrokeError("usage", message, hint ?? "add --help to see how it is called");
}

/** What a group does without a word, if anything. */
export async function loadFallback({ fallback }: Group): Promise<Verb | undefined> {
  const node = await fallback?.load();
  return node !== undefined && "verb" in node ? node.verb : undefined;
}

function shownArgs(verb: Verb): ArgsDef {
  const words: ArgsDef = verb.words ? { [verb.words]: { type: "positional", required: false } } : {};
  const rest: ArgsDef = verb.rest
    ? { "-- …": { type: "positional", required: false, description: "passed on as it is" } }
    : {};
  // citty shows a long alias with one dash, as nobody may write it.
  const named = Object.entries(verb.args).map(([key, arg]) => {
    const { alias, ...shown } = arg as ArgDef & { alias?: string };
    return [key, (alias?.length === 1 ? arg : shown) as ArgDef];
  });
  return { ...Object.fromEntries(named), ...words, ...rest };
}

async function toCommand(path: string[], node: { verb: Verb } | { group: Group }): Promise<CommandDef> {
  const name = path.at(-1)!;
  if ("verb" in node) return { meta: { name, description: node.verb.description }, args: shownArgs(node.verb) };
  const subCommands = Object.fromEntries(
    Object.entries(node.group.commands).map(([key, lazy]) => [
      key,
      { meta: { name: key, description: lazy.description } },
    ]),
  );
  const alone = await loadFallback(node.group);
  const args = alone === undefined ? {} : shownArgs(alone);
  return { meta: { name, description: node.group.description }, args, subCommands };
}

/** Help for a node of the tree, without colour. */
export async function helpText(path: string[], node: { verb: Verb } | { group: Group }): Promise<string> {
  const { renderUsage } = await import("citty");
  const parent = path.length > 1 ? { meta: { name: path.slice(0, -1).join(" ") } } : undefined;
  return Bun.stripANSI(await renderUsage(await toCommand(path, node), parent));
}

/** What somebody may have meant by a word that has no place, after the word before it. */
function wayOn(verb: Verb, before = ""): string | undefined {
  const list = before.replace(/^--/, "");
  if (list !== before && verb.lists?.includes(list)) return `a value is joined to it: ${before}=…`;
  return verb.rest === true ? "what is run, and its words, go after `--`" : undefined;
}

function parseLeaf(verb: Verb, head: string[]): Omit<Invocation, "rest"> {
  const values: Record<string, string[]> = {};
  const flags = new Set<string>();
  const words: string[] = [];
  const named = Object.entries(verb.args).filter(([, arg]) => arg.type === "positional");
  const options = Object.entries(verb.args).filter(([, arg]) => arg.type !== "positional");
  // `-A` is the alias of one letter, `--provider` a longer one.
  const option = (word: string): [string, ArgDef] | undefined => {
    const [, dashes = "", written = ""] = /^(--?)([^=]*)/s.exec(word) ?? [];
    const short = written.length === 1;
    if (dashes.length === (short ? 2 : 1)) return undefined;
    return options.find(([name, arg]) => (!short && name === written) || ("alias" in arg && arg.alias === written));
  };
  let position = 0;
  for (let index = 0; index < head.length; index++) {
    const word = head[index]!;
    if (!word.startsWith("-") || word === "-") {
      const slot = named[position++];
      if (slot !== undefined) values[slot[0]] = [word];
      else if (verb.words !== undefined) words.push(word);
      else throw usage("too many arguments", wayOn(verb, head[index - 1]));
      continue;
    }
    const [written = "", ...joined] = word.replace(/^--?/, "").split("=");
    const found = option(word);
    if (found === undefined) {
      const guess = nearest(
        written,
        options.map(([known]) => known),
      );
      throw usage("unknown option", guess === undefined ? wayOn(verb) : `did you mean --${guess}?`);
    }
    const [name, arg] = found;
    if (arg.type === "boolean") {
      if (joined.length > 0) throw usage(`--${name} takes no value`);
      flags.add(name);
      continue;
    }
    if (verb.lists?.includes(name)) {
      const list = joined.join("=");
      if (joined.length === 0) flags.add(name);
      else if (list === "") throw usage(`--${name}= needs a value`);
      else values[name] = [...(values[name] ?? []), list];
      continue;
    }
    const bare = joined.length === 0 && (head[index + 1]?.startsWith("-") ?? true);
    if (bare && verb.optional?.includes(name)) {
      if (flags.has(name) || values[name] !== undefined) throw usage(`--${name} is given twice`);
      flags.add(name);
      continue;
    }
    const value = joined.length > 0 ? joined.join("=") : head[++index];
    // Empty: a variable that is not set. It stands for no file, folder, name or number.
    if (value === undefined || value === "" || (joined.length === 0 && value.startsWith("--")))
      throw usage(`--${name} needs a value`);
    const again = verb.repeated?.includes(name) ?? false;
    if (!again && (values[name] !== undefined || flags.has(name))) throw usage(`--${name} is given twice`);
    values[name] = [...(values[name] ?? []), value];
  }
  for (const [name, arg] of named.slice(position)) if (arg.required !== false) throw usage(`<${name}> is missing`);
  for (const [name, arg] of Object.entries(verb.args)) {
    if (arg.required === true && arg.type !== "positional" && values[name] === undefined)
      throw usage(`--${name} is missing`);
  }
  const given = (name: string) =>
    flags.has(name) || values[name] !== undefined || (name === verb.words && words.length > 0);
  for (const [name, others] of Object.entries(verb.apart ?? {})) {
    const other = others.find(given);
    if (given(name) && other !== undefined)
      throw usage(`--${name} does not go with ${other === verb.words ? other : `--${other}`}`);
  }
  return { values, flags, words };
}

/** Parses argv against the tree. Throws `usage` on anything the tree does not declare. */
export async function parse(root: Group, argv: string[]): Promise<Parsed> {
  const cut = argv.indexOf("--");
  const head = cut === -1 ? argv : argv.slice(0, cut);
  const rest = cut === -1 ? undefined : argv.slice(cut + 1);
  const path = ["broke"];
  let node: { verb: Verb } | { group: Group } = { group: root };
  let used = 0;
  while ("group" in node) {
    const group: Group = node.group;
    const word = head[used];
    if (word === "--help" || word === "-h") return { kind: "help", text: await helpText(path, node) };
    if (word === undefined || word.startsWith("-")) {
      if (group.fallback === undefined) {
        if (word === undefined) return { kind: "help", text: await helpText(path, node) };
        throw usage("unknown option");
      }
      node = await group.fallback.load();
      break;
    }
    if (!Object.hasOwn(group.commands, word)) {
      const guess = nearest(word, Object.keys(group.commands));
      const where = path.join(" ");
      throw usage(
        `${where} has no such command`,
        guess === undefined ? `\`${where} --help\` lists them` : `did you mean ${guess}?`,
      );
    }
    node = await group.commands[word]!.load();
    path.push(word);
    used += 1;
  }
  if ("group" in node) throw usage("a command is missing");
  if (node.verb.whole) {
    return {
      kind: "run",
      verb: node.verb,
      invocation: { values: {}, flags: new Set(), words: [], rest: argv.slice(used) },
    };
  }
  const words = head.slice(used);
  if (words.includes("--help") || words.includes("-h")) return { kind: "help", text: await helpText(path, node) };
  if (rest !== undefined && node.verb.rest !== true) throw usage("`--` is not taken here");
  return { kind: "run", verb: node.verb, invocation: { ...parseLeaf(node.verb, words), rest } };
}
