// What a client is to a run: how it is found, started, pointed at the gateway, and kept from loading what a workspace wants it to run.
// Each client's own file fills it in.

import type { SlotName } from "../ports.ts";
import type { Direct } from "../routes.ts";

export type ClientId = "claude" | "codex" | "gemini" | "agent" | "exec";

/** What a client's set-up may depend on; all paths are as seen from inside. */
export type ClientContext = {
  home: string;
  workspace: string;
  gatewayUrl: string;
  token: string;
  terminal: boolean;
  /** Whether the sandbox, and not the client's own questions, is what holds the client. */
  confined: boolean;
  /** Whether the client's state is the user's own and not the run's. */
  userState: boolean;
  /** Protected names of the workspace that the operator opened: the client's own among them are loaded. */
  opened: readonly string[];
  slots: readonly SlotName[];
  /** What the worker is sent back with; undefined: it is its first turn. */
  objections?: string | undefined;
  /** What the client was lent to reach its provider by itself; undefined: it has the gateway. */
  direct?: Direct | undefined;
};

/** A program on the host. `folder` is what it needs around it, absent for a file that stands alone. */
export type Program = { path: string; folder?: string };

/** A client's state in the user's home, entry by entry of its one folder. Whatever is neither named nor matched here is shown read-only. */
export type UserState = {
  /** The folder, relative to the home. */
  folder: string;
  /** Sessions and histories, which a later start only reads: the user's own, writable, made where they are missing. */
  shared: { path: string; kind: "file" | "dir" }[];
  /** Folders in the shared ones from which a later start would run something: read-only, made where they are missing. */
  held: string[];
  /** What a client makes for itself or runs unasked (snapshots, caches, databases, daemons): the run's own, the user's not shown. */
  own: RegExp;
  /** Indexes that the run gets a copy of. */
  copied: string[];
  /** Credentials: not shown, because the gateway asks for none. */
  secret: RegExp;
};

export type Client = {
  id: ClientId;
  /** Executable name to look for; undefined when the command is given by the caller. */
  binary: string | undefined;
  install: string;
  /** A program of our own, run by our Bun: a folder that needs nothing around it, and the file in it; absent for a client of others. */
  own?: { folder: string; main: string };
  /** What is really started for the executable found; absent when it is that file. */
  program?(found: string): Program;
  /** Whether it is a script that node (or, without one, our Bun) must run. */
  script: boolean;
  /** Arguments the client may not be given, because broke sets them. */
  reservedArgs: string[];
  args(given: string[], context: ClientContext): string[];
  /** Words for one more prompt in the session its last turn had in this home and folder, nobody to talk to; undefined: it knows no sessions. */
  goOn(prompt: string, given: string[]): string[] | undefined;
  env(context: ClientContext): Record<string, string>;
  /** Files written into the run's client home before each launch; `readOnly` ones (and folders) are mounted so. */
  homeFiles(context: ClientContext): Record<string, string>;
  readOnly: { files: string[]; dirs: string[] };
  /** Folders of the workspace that the client would obey and must not see, where they exist. */
  hidden: string[];
  /** What outlives the run in the client home (its transcripts). */
  keep: string[];
  userState: UserState | undefined;
  /** Its provider's host, and the variable a key of that provider is kept in. */
  direct?: { host: string; keyEnv: string };
  /** What the user's own login is: files of the user's home, and the hosts it is used with. */
  login?: { hosts: readonly string[]; files: readonly string[] };
};

export const file = (path: string) => ({ path, kind: "file" as const });
export const dir = (path: string) => ({ path, kind: "dir" as const });

/** Without these options; `valued` are those whose value is a word of its own. */
export function withoutOptions(given: string[], options: RegExp, valued: RegExp): string[] {
  return given.filter((arg, index) => !options.test(arg) && !valued.test(arg) && !valued.test(given[index - 1] ?? ""));
}

/** A client's own arguments: those before `--`, which ends them. */
export function ownArgs(given: string[]): string[] {
  const end = given.indexOf("--");
  return end === -1 ? given : given.slice(0, end);
}
