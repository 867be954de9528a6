// Which variables of the launcher's environment a run is given, spelled as Deno spells it: names, `PREFIX_*`, or all. What steers loaders and
// interpreters, and what looks like a secret, comes by its exact name or not at all; what broke sets itself and the keys the gateway works
// with never do. Pure.
// Does not stop: a secret under a name that does not look like one; what the client does with a variable it was given.

import { BrokeError } from "#src/core/errors.ts";
import type { ListFlags } from "./permission-flags.ts";

const SECRET = /(TOKEN|SECRET|PASSW|CREDENTIAL|API_?KEY|PRIVATE_?KEY|_KEY$|_PAT$)/i;
const LOADER = /^(LD_|DYLD_|BASH_ENV$|ENV$|NODE_OPTIONS$|BUN_|PYTHON|PERL5|RUBYOPT|GIT_SSH|JAVA_TOOL)/;
/** More of both, which no wildcard means: what steers a program, leads to a service or may hold a secret. */
const BY_NAME_ONLY = [
  /(PASSPHRASE|_KEY_|KEY_ID$|_AUTH$|_DSN$|COOKIE|_URI$|DATABASE_URL$)/i,
  /^(GLIBC_|GCONV_|MALLOC_|PWD$|OLDPWD$|SHLVL$|_$|BASH_FUNC|IFS$|SHELLOPTS$|BASHOPTS$|PS4$|PROMPT_COMMAND$|ZDOTDIR$|NODE_|DENO_|PERL|RUBY)/,
  /^(GEM_|BUNDLE_|LUA_|GIT_|GO(FLAGS|PROXY|PATH|ROOT)$|CARGO|RUST|_JAVA_|JDK_|MAVEN_|GRADLE_|CLASSPATH$|NPM_|npm_)/,
  /^(YARN_|PNPM_|PIP_|UV_|CC$|CXX$|MAKEFLAGS$|SSH_|GPG_|DBUS_|DOCKER_|XDG_|WAYLAND_|DISPLAY$|TMUX$|OPENSSL_|SSL_)/,
  /^(CURL_|REQUESTS_CA|SUDO_|CLAUDE|ANTHROPIC|OPENAI|CODEX|GEMINI|GOOGLE)/,
];

/** By class: what a name is likely to be. `broke` are our own. */
export type VariableClass = "secret" | "loader" | "broke" | "other";
export function classOf(name: string): VariableClass {
  if (name.startsWith("BROKE_")) return "broke";
  if (SECRET.test(name)) return "secret";
  return LOADER.test(name) ? "loader" : "other";
}

type Rule = { kind: "name"; name: string } | { kind: "prefix"; prefix: string };
/** Names that are nobody's to give: those broke sets itself, and keys the gateway works with. */
export type TakenNames = { own: ReadonlySet<string>; keys: ReadonlySet<string> };
/** No permission is the empty one. */
export type EnvPermission = { any: boolean; allow: Rule[]; deny: Rule[] };

const HINT = "variables are NAME or PREFIX_*, separated by commas";
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

function parseRule(flag: string, word: string): Rule {
  const prefix = word.endsWith("*");
  const name = prefix ? word.slice(0, -1) : word;
  // A word that is not a name may be a value: it is not shown.
  if (!NAME.test(name)) throw new BrokeError("usage", `${flag}: a word is not the name of a variable`, HINT);
  return prefix ? { kind: "prefix", prefix: name } : { kind: "name", name };
}

const parseLists = (flag: string, lists: string[]) =>
  lists.flatMap((list) => list.split(",")).map((word) => parseRule(flag, word));
const textOf = (rule: Rule) => (rule.kind === "name" ? rule.name : `${rule.prefix}*`);

/**
 * The permission the flags give. Throws `usage` on a word that is not understood, on flags that contradict one another, and on a name that
 * is taken.
 */
export function parseEnvPermission(flags: ListFlags, { own, keys }: TakenNames): EnvPermission {
  const allow = parseLists("--allow-env", flags.allow);
  const deny = parseLists("--deny-env", flags.deny);
  for (const rule of allow) {
    if (rule.kind !== "name") continue;
    const { name } = rule;
    if (own.has(name) || classOf(name) === "broke") {
      throw new BrokeError("usage", `--allow-env: broke sets ${name} itself`, "leave it out");
    }
    if (keys.has(name)) {
      throw new BrokeError("usage", `--allow-env: ${name} is a key of the gateway's`, "a run asks the gateway instead");
    }
    if (deny.some((other) => textOf(other) === name)) {
      throw new BrokeError("usage", `--deny-env: ${name} is both allowed and denied`, HINT);
    }
  }
  if (flags.denyAll && (flags.any || allow.length > 0 || deny.length > 0)) {
    throw new BrokeError("usage", "--deny-env without a name denies every variable", "leave out the other env options");
  }
  return { any: flags.any, allow, deny };
}

const matches = (rule: Rule, name: string) =>
  rule.kind === "name" ? rule.name === name : name.startsWith(rule.prefix);

/** Whether a variable of this name may be passed on. */
export function allowsVariable({ any, allow, deny }: EnvPermission, name: string, { own, keys }: TakenNames): boolean {
  if (!NAME.test(name) || own.has(name) || keys.has(name) || deny.some((rule) => matches(rule, name))) return false;
  const kind = classOf(name);
  if (kind === "broke") return false;
  if (allow.some((rule) => rule.kind === "name" && rule.name === name)) return true;
  if (kind !== "other" || BY_NAME_ONLY.some((pattern) => pattern.test(name))) return false;
  return any || allow.some((rule) => matches(rule, name));
}
