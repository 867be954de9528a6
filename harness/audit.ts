// The launch audit: who was let loose with which permissions, and how it ended. One history for all runs, `audit.jsonl`; every record is
// signed, synced and its head stored in the database, under the database's write lock. Numbers and classes only: no name or value of a
// variable, no word of the client's command line.
// Does not stop: the holder of the signing key (the operator's own account) from writing another history.

import { closeSync, constants, existsSync, openSync, readFileSync, renameSync } from "node:fs";
import type { KeyObject } from "node:crypto";
import { type Clock, isoTime } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { makeRedactor } from "#src/core/text.ts";
import type { HeadStore } from "#src/state/heads.ts";
import type { Profile } from "#sandbox/profile.ts";
import type { FilePermission, PathEntry } from "#sandbox/path-permission.ts";
import type { ListFlags } from "#sandbox/permission-flags.ts";
import { describePrograms } from "./command.ts";
import { networkOf, openedOf, programsOf, type RunContract, unixOpen } from "./contract/contract.ts";
import { describeNetwork } from "./egress.ts";
import { type Head, Ledger } from "./ledger.ts";
import { type Chain, GENESIS, hashRecord, isSignedBy, type LedgerRecord } from "./record.ts";
import { takeWholeLines } from "./torn.ts";
import { findFault, parseLedger, type Verification } from "./verify.ts";

/** A launch is `started` and later `ended`, or `refused`; its work may be `decided` about, `landed`, `discarded` or `restored` later; `restarted` begins a file anew. */
export type AuditEvent =
  | "launch.started"
  | "launch.refused"
  | "launch.ended"
  | "work.landed"
  | "work.discarded"
  | "work.decided"
  | "work.reviewed"
  | "work.restored"
  | "audit.restarted";
export type LaunchEnd = {
  outcome: string;
  verdict: string | null;
  exit_code: number | null;
  exit_source: string;
};

export type AuditLog = {
  /** Appends one record. Throws `config` when the file is not what was last written to it. */
  append(run: string, event: AuditEvent, data: Record<string, Json>): void;
  /** Takes a last record over whose writer was killed before it could say so; a torn line is set aside. Throws as `append` does. */
  settle(): void;
  read(): { records: LedgerRecord[]; verification: Verification };
  /** Sets a damaged file aside and begins anew where the recorded head is. Returns the name it now has, null when there was none. */
  restart(): string | null;
};

const AUDIT: Chain = { label: "broke-audit-1", signs: () => true };
// A record is well below a KiB; what is longer than this is none of ours.
const TAIL_BYTES = 64 * 1024;
const RESTART_HINT = "`broke audit verify` says what is wrong with it; `broke audit restart` sets it aside";

/** One launch on its way through the audit: `started` or not, then `ended`. */
export type LaunchAudit = {
  /** `passed` counts, by class, the variables the client gets. */
  started(passed: Record<string, number>): void;
  /** As a refusal when the client was never started. */
  ended(end: LaunchEnd): void;
};

/** The audit of one launch. `facts` is what is known of it before anything is prepared. */
export function auditLaunch(log: AuditLog, run: string, facts: Record<string, Json>): LaunchAudit {
  let started = false;
  return {
    started(passed) {
      log.append(run, "launch.started", { ...facts, variables_passed: passed });
      started = true;
    },
    ended: (end) =>
      started ? log.append(run, "launch.ended", end) : log.append(run, "launch.refused", { ...facts, ...end }),
  };
}

function describeFiles({ anyRead, anyWrite, denyAllWrites, ...lists }: FilePermission): Json {
  const paths = (list: PathEntry[]) => list.map(({ path }) => path);
  const named = Object.entries(lists).filter(([, list]) => list.length > 0);
  if (!anyRead && !denyAllWrites && named.length === 0) return "workspace";
  const flags = { any_read: anyRead, any_write: anyWrite, deny_all_writes: denyAllWrites };
  return { ...flags, ...Object.fromEntries(named.map(([name, list]) => [name, paths(list)])) };
}

/** Numbers only: a name may say what it holds. */
function describeVariables({ any, allow, deny }: ListFlags): Json {
  if (!any && allow.length === 0) return "none";
  return {
    any,
    allowed: allow.join(",").split(",").filter(Boolean).length,
    denied: deny.join(",").split(",").filter(Boolean).length,
  };
}

/** What the client may reach, in words; the same for every way to launch. */
export function permissionsOf(contract: RunContract, profile: Profile): Record<string, Json> {
  return {
    ...(contract.set === null ? {} : { set: contract.set }),
    files: profile.root === "allowlist" ? describeFiles(contract.files) : "host",
    variables: describeVariables(contract.permissions.env),
    workspace: contract.mode,
    ...describeNetwork(profile, networkOf(contract)),
    ...describePrograms(programsOf(contract)),
    protected_opened: openedOf(contract),
    unix_sockets: profile.closeUnix && !unixOpen(contract) ? "closed" : "open",
    client_state: contract.home,
    ...(contract.route === "broke_router" ? {} : { route: contract.route, credential_source: contract.credential }),
  };
}

// A record that was synced before its head was stored is ours all the same: its writer was killed between the two.
function continues(last: LedgerRecord, head: Head, key: KeyObject): boolean {
  if (last.hash !== hashRecord(last) || !isSignedBy(last, key, AUDIT)) return false;
  if (last.seq === head.seq) return last.hash === head.hash;
  return last.seq === head.seq + 1 && last.prev === (head.seq === 0 ? GENESIS : head.hash);
}

function lastRecord(file: string): LedgerRecord | undefined | "none" {
  const lines = takeWholeLines(file, TAIL_BYTES).split("\n");
  const line = lines.at(-2);
  if (line === undefined) return "none";
  return parseLedger(`${line}\n`).records[0];
}

/** Where the file is to be continued; undefined: it is to be made. */
function findEnd(file: string, head: Head, key: KeyObject): Head | undefined {
  const damaged = new BrokeError("config", `${file} is not as it was last written`, RESTART_HINT);
  if (!existsSync(file)) {
    if (head.seq > 0) throw damaged;
    return undefined;
  }
  const last = lastRecord(file);
  if (last === "none" && head.seq === 0) return { seq: 0, hash: GENESIS };
  if (last === undefined || last === "none" || !continues(last, head, key)) throw damaged;
  return { seq: last.seq, hash: last.hash };
}

// A file begun anew goes on where the one that was set aside should have ended.
function beginning([first]: LedgerRecord[]): Head {
  if (first?.event !== "audit.restarted") return { seq: 0, hash: GENESIS };
  return { seq: first.seq - 1, hash: first.prev };
}

/** Checks the whole file, `text`, against the key and the head in the database. */
export function verifyAudit(text: string, key: KeyObject, head: Head): Verification {
  const parsed = parseLedger(text);
  const { records, torn } = parsed;
  const fault = findFault(parsed, { chain: AUDIT, key, from: beginning(records), head });
  if (fault !== null) return { state: "tampered", records: records.length, ...fault };
  const ahead = (records.at(-1)?.seq ?? 0) - head.seq;
  const state = (word: Verification["state"], reason: string | null, line: number | null = null): Verification => ({
    ...{ state: word, records: records.length, line, reason },
  });
  // Its writer stores the head of each record before anybody can write the next.
  if (ahead > 1) return state("tampered", "the file goes on past its recorded head", records.length - ahead + 1);
  if (torn) return state("incomplete", "the last line is torn");
  if (ahead === 1) return state("incomplete", "the last record's head was not stored");
  return state("intact", null);
}

/** The audit of a home. */
export function openAudit(options: {
  file: string;
  heads: HeadStore;
  keys: { sign: KeyObject; verify: KeyObject };
  clock: Clock;
}): AuditLog {
  const { file, heads, keys, clock } = options;
  const write = (from: Head | undefined, run: string, event: AuditEvent, data: Record<string, Json>): Head => {
    using ledger = new Ledger({
      ...{ file, run, key: keys.sign, clock, chain: AUDIT },
      redact: makeRedactor(),
      saveHead: () => {},
      ...(from === undefined ? {} : { from }),
    });
    ledger.append(event, data);
    return ledger.head;
  };
  return {
    append: (run, event, data) =>
      heads.advance("audit", (head) => {
        try {
          return write(findEnd(file, head, keys.verify), run, event, data);
        } catch (error) {
          if (error instanceof BrokeError) throw error;
          throw new BrokeError(
            "config",
            `${file} cannot be written`,
            "make it a plain file of yours, with room for more",
          );
        }
      }),
    settle: () => heads.advance("audit", (head) => findEnd(file, head, keys.verify) ?? head),
    read() {
      let text = "";
      let head: Head = { seq: 0, hash: "" };
      heads.hold("audit", (stored) => {
        head = stored;
        text = existsSync(file) ? readText(file) : "";
      });
      return { records: parseLedger(text).records, verification: verifyAudit(text, keys.verify, head) };
    },
    restart() {
      let aside: string | null = null;
      heads.advance("audit", (head) => {
        if (existsSync(file)) {
          aside = `${file}.${isoTime(clock()).replaceAll(/[^0-9]/g, "")}`;
          renameSync(file, aside);
        }
        closeSync(openSync(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
        const from = head.seq === 0 ? { seq: 0, hash: GENESIS } : head;
        return write(from, "", "audit.restarted", { set_aside: aside !== null });
      });
      return aside;
    },
  };
}

function readText(file: string): string {
  const fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return readFileSync(fd, "utf8");
  } finally {
    closeSync(fd);
  }
}

/** One launch as it is listed. `end` null: it is still going on, or its supervisor died and nobody has reconciled it. */
export type AuditedLaunch = { run: string; at: string; start: Record<string, Json>; end: LaunchEnd | null };

function endOf(data: Record<string, Json>): LaunchEnd {
  const { outcome, verdict, exit_code: code, exit_source: source } = data;
  const text = (value: Json | undefined) => (typeof value === "string" ? value : null);
  return {
    outcome: text(outcome) ?? "unknown",
    verdict: text(verdict),
    exit_code: typeof code === "number" ? code : null,
    exit_source: text(source) ?? "broke",
  };
}

/** The launches of a history, oldest first. */
export function launchesOf(records: LedgerRecord[]): AuditedLaunch[] {
  const launches = new Map<string, AuditedLaunch>();
  for (const { run, ts, event, data } of records) {
    if (event === "launch.started") launches.set(run, { run, at: ts, start: data, end: null });
    else if (event === "launch.refused") launches.set(run, { run, at: ts, start: data, end: endOf(data) });
    else if (event === "launch.ended") {
      const launch = launches.get(run);
      // Its start may be in a file that was set aside.
      launches.set(run, { run, at: ts, start: {}, ...launch, end: endOf(data) });
    }
  }
  return [...launches.values()];
}
