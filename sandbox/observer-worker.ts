// The exec observer's own thread: receives the listener from stage two, then answers every execve/execveat: reads what is being run, finds the
// file behind it, decides by the run's rules, and lets it go on, refuses it, or holds it until the supervisor has an answer. Blocking calls
// live here so that the supervisor never waits; a held call never blocks the others.
// Does not stop: what it reads from the target's memory, and the file behind a path, can be changed by another thread of the target before the
// kernel looks again. What must not run whatever happens is covered by a mount; here it is refused by what was seen.

import { readExecMemory, readLoaders } from "./exec-memory.ts";
import { directoryOf, type ExecTarget, openVantage, resolveTarget, type Vantage } from "./exec-target.ts";
import { type EndWatch, type ExecEnd, watchEnds } from "./exec-ends.ts";
import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import { readSome } from "./libc-files.ts";
import { AT_FDCWD, linkAt, makePoll } from "./libc-look.ts";
import { lineageOf, processOf } from "./lineage.ts";
import { ANSWER_BYTES, ANSWERS, LINGER_MS, makeTeller } from "./exec-told.ts";
import type { ObservedExec, ObserverMessage } from "./observer.ts";
import { type AskedFile, makeRunDecision, type RunRules, type RunVerdict } from "./run-rules.ts";
import { errnos, seccompIoctl, syscallNumber } from "./syscalls.ts";
import { tellRefusal } from "./tell.ts";

declare const self: Worker & { onmessage: ((event: MessageEvent<ObserverStart>) => void) | null };

/** `waiting` counts the execs that were told and not yet taken in. `control` brings answers; its end means stop. */
export type ObserverStart = {
  socket: number;
  control: number;
  arch: Arch;
  waiting: Int32Array<SharedArrayBuffer>;
  rules: RunRules;
};

const NOTIF_BYTES = 80;
const RESPONSE_BYTES = 24;
const FLAG_CONTINUE = 1;
/** A worker that starts programs faster than they are recorded is held until they are. */
const MAX_WAITING = 256;
const WAIT_MS = 50;
/** Parents ask for their children's ends at once, the last of them when it is killed. */
const REAPED_MS = 20;
const EINTR = 4;
const ENOENT = 2;

function post(message: ObserverMessage): void {
  self.postMessage(message);
}

const link = (path: string) => linkAt(AT_FDCWD, path) ?? null;

const outcomeOf = (target: ExecTarget, verdict: RunVerdict): ObservedExec["outcome"] => {
  if (verdict.kind === "deny") return "denied";
  if (target.kind === "absent") return "not_found";
  if (target.kind === "unknown") return "unknown";
  return target.files.every(({ runnable }) => runnable) ? "started" : "unrunnable";
};

type ExecCallSeen = { thread: number; number: number; args: bigint[] };
type Seen = { exec: ObservedExec; verdict: RunVerdict; target: ExecTarget };
/** What every look at a call needs; `init` is pid 1 of the sandbox and `vantage` its file system, once they are known. */
type Looker = {
  arch: Arch;
  decide: ReturnType<typeof makeRunDecision>;
  ends: EndWatch;
  init: number;
  vantage: Vantage | undefined;
};

/** Looks at one call. */
function look({ thread, number, args }: ExecCallSeen, { arch, decide, ends, init, vantage }: Looker): Seen {
  const at = number === syscallNumber(arch, "execveat") ? 1 : 0;
  const { path: asked, argv, cut } = readExecMemory(thread, args[at]!, args[at + 1]!);
  const { pid, parent } = ends.identify(thread) ?? processOf(thread) ?? { pid: thread, parent: 0 };
  const cwd = link(`/proc/${thread}/cwd`);
  const dir = at === 1 ? directoryOf(args[0]!) : undefined;
  const target: ExecTarget =
    asked === null || vantage === undefined
      ? { kind: "unknown", files: [] }
      : resolveTarget({ pid: thread, path: asked, dir }, arch, vantage);
  const base = dir === undefined ? cwd : link(`/proc/${thread}/fd/${dir}`);
  const absolute = asked === "" ? base : asked === null || asked.startsWith("/") ? asked : `${base ?? "?"}/${asked}`;
  const verdict = decide(target, absolute ?? "");
  const exec: ObservedExec = {
    pid,
    atMs: Date.now(),
    lineage: ends.lineageOf(parent, init) ?? lineageOf(parent, init),
    path: absolute,
    argv,
    cut,
    cwd,
    exe: link(`/proc/${thread}/exe`),
    files: target.kind === "absent" ? [] : target.files.map(({ path }) => path),
    outcome: outcomeOf(target, verdict),
    reason: verdict.kind === "deny" ? verdict.reason : null,
  };
  return { exec, verdict, target };
}

/** All that would run. */
const programsOf = ({ target }: Seen): AskedFile[] =>
  target.kind === "absent" ? [] : target.files.map(({ runnable: _, ...file }) => file);

/** What a person was asked about; whose child the caller is may change meanwhile. */
const wanted = ({ verdict, exec: { path, argv, files } }: Seen) => ({ verdict, path, argv, files });

const response = new Uint8Array(RESPONSE_BYTES);
const answer = new DataView(response.buffer);

/** Answers one call. False when its caller died meanwhile: then what was read may not be its own. */
function respond(listener: number, id: bigint, errno: number): boolean {
  answer.setBigUint64(0, id, true);
  answer.setInt32(16, -errno, true);
  answer.setUint32(20, errno === 0 ? FLAG_CONTINUE : 0, true);
  try {
    libc.ioctl(listener, seccompIoctl.send, response);
    return true;
  } catch (error) {
    if (error instanceof libc.LibcError && error.errno === ENOENT) return false;
    throw error;
  }
}

/** Whether what was read belongs to this call still: a dead caller's number may be another's. */
function isValid(listener: number, id: bigint): boolean {
  try {
    libc.ioctl(listener, seccompIoctl.valid, new Uint8Array(new BigUint64Array([id]).buffer));
    return true;
  } catch (error) {
    if (error instanceof libc.LibcError && error.errno === ENOENT) return false;
    throw error;
  }
}

type Notified = { id: bigint; call: ExecCallSeen };
const notification = new Uint8Array(NOTIF_BYTES);
const notified = new DataView(notification.buffer);

/** The next call; undefined: its caller is gone already. */
function receive(listener: number): Notified | undefined {
  // The kernel wants it empty.
  notification.fill(0);
  try {
    libc.ioctl(listener, seccompIoctl.receive, notification);
  } catch (error) {
    if (error instanceof libc.LibcError && (error.errno === EINTR || error.errno === ENOENT)) return undefined;
    throw error;
  }
  const args = [0, 1, 2, 3, 4, 5].map((index) => notified.getBigUint64(32 + index * 8, true));
  return {
    id: notified.getBigUint64(0, true),
    call: { thread: notified.getUint32(8, true), number: notified.getInt32(16, true), args },
  };
}

function vantageOf(pid: number): Vantage | undefined {
  try {
    return openVantage(pid);
  } catch (error) {
    if (error instanceof libc.LibcError) return undefined;
    throw error;
  }
}

function watch(listener: number, { control, arch, waiting, rules }: ObserverStart, ends: EndWatch): void {
  const looker: Looker = { arch, decide: makeRunDecision(rules), ends, init: 0, vantage: undefined };
  let said = { pid: 0, text: "" };
  const held = new Map<bigint, { call: ExecCallSeen; seen: Seen }>();
  const teller = makeTeller((text) => self.postMessage(text), waiting);
  // Answers come whole: the supervisor writes each at once, far below what the socket takes.
  const takeAnswer = (): boolean => {
    const bytes = Buffer.alloc(ANSWER_BYTES);
    if (readSome(control, bytes) < ANSWER_BYTES) return false;
    const id = bytes.readBigUInt64LE(0);
    const words = Buffer.alloc(Number(bytes.readBigUInt64LE(16)));
    if (words.length > 0 && readSome(control, words) < words.length) return false;
    const text = words.length > 0 ? words.toString() : undefined;
    const call = held.get(id);
    held.delete(id);
    if (call === undefined || !isValid(listener, id)) return true;
    // A person takes long, and what was asked about may be another file, or under another path, by now.
    const now = look(call.call, looker);
    const answer = bytes.readBigUInt64LE(8);
    const reason =
      answer !== ANSWERS.allow
        ? (text ?? "denied when asked")
        : JSON.stringify(wanted(now)) === JSON.stringify(wanted(call.seen))
          ? null
          : "it changed while it was asked about";
    const outcome = reason === null ? call.seen.exec.outcome : "denied";
    // A search along PATH goes on after a refusal: it is told once.
    const { pid } = call.seen.exec;
    if (text !== undefined && (answer === ANSWERS.end || said.pid !== pid || said.text !== text)) {
      said = { pid, text };
      tellRefusal(arch, { pid, text, end: answer === ANSWERS.end }, () => isValid(listener, id));
    }
    if (outcome !== "denied") ends.add(pid, call.seen.exec.lineage);
    if (respond(listener, id, reason === null ? 0 : errnos.EPERM))
      teller.tell({ ends: [], exec: { ...call.seen.exec, outcome, reason } });
    else ends.drop(pid);
    return true;
  };
  const takeCall = ({ id, call }: Notified, before: ExecEnd[]) => {
    const { thread, number, args } = call;
    // The first to be seen is stage two, init's child.
    if (looker.init === 0) looker.init = processOf(thread)?.parent ?? 0;
    looker.vantage ??= vantageOf(thread);
    const seen = look(call, looker);
    const { exec, verdict } = seen;
    if (verdict.kind === "ask" || (rules.governed === true && verdict.kind === "allow")) {
      teller.tell({ ends: before, exec: null });
      if (!isValid(listener, id)) return;
      held.set(id, { call, seen });
      const files = verdict.kind === "ask" ? verdict.files : [];
      const at = number === syscallNumber(arch, "execveat") ? 3 : 2;
      const loaders = rules.governed === true ? readLoaders(thread, args[at]!) : [];
      teller.flush();
      Atomics.add(waiting, 0, 1);
      post({ kind: "held", id, held: { exec, files, programs: programsOf(seen), loaders } });
      return;
    }
    if (exec.outcome === "started" || exec.outcome === "unknown") ends.add(exec.pid, exec.lineage);
    const hold = verdict.kind === "absent" && verdict.hold;
    const told = respond(listener, id, verdict.kind === "deny" ? errnos.EPERM : hold ? ENOENT : 0);
    if (!told) ends.drop(exec.pid);
    teller.tell({ ends: before, exec: told ? exec : null });
  };
  /** Waits until the supervisor has taken in what it was told; false when it wants no more. */
  const awaitRoom = (): boolean => {
    for (let now = Atomics.load(waiting, 0); now >= MAX_WAITING; now = Atomics.load(waiting, 0)) {
      teller.flush();
      Atomics.wait(waiting, 0, now, WAIT_MS);
      if (libc.pollInput([control], 0)[0] !== 0 && !takeAnswer()) return false;
    }
    return true;
  };
  const poll = makePoll([listener, control, ends.fd]);
  const watchCalls = () => {
    while (awaitRoom()) {
      teller.due();
      // Whatever ends is taken in with the next call, or when none comes soon.
      const noted = ends.noted();
      const [ready = 0, answered = 0, ended = 0] = poll(teller.waits() || noted ? LINGER_MS : -1, noted ? 2 : 3);
      if (ended !== 0) {
        ends.note();
        continue;
      }
      if (ready === 0 && answered === 0) {
        teller.tell({ ends: ends.take(), exec: null });
        teller.flush();
      }
      if (answered !== 0 && !takeAnswer()) return;
      if ((ready & libc.POLLIN) === 0) {
        if (ready === 0) continue;
        // Hung up: the last process that had the filter is gone.
        teller.tell({ ends: ends.rest(REAPED_MS), exec: null });
        return;
      }
      const notified = receive(listener);
      // A number that is given away anew belonged to a process that has ended by now.
      if (notified !== undefined) takeCall(notified, ends.take());
    }
  };
  try {
    watchCalls();
  } finally {
    teller.flush();
    looker.vantage?.[Symbol.dispose]();
  }
}

self.onmessage = ({ data }) => {
  try {
    const ready = libc.pollInput([data.socket, data.control], -1);
    const listener = ready[1] === 0 ? libc.receiveFd(data.socket) : undefined;
    libc.closeFd(data.socket);
    if (listener === undefined) {
      post({ kind: "closed", attached: false });
      return;
    }
    post({ kind: "attached" });
    using ends = watchEnds(data.arch);
    watch(listener, data, ends);
    libc.closeFd(listener);
    post({ kind: "closed", attached: true });
  } catch (error) {
    post({ kind: "died", reason: error instanceof libc.LibcError ? error.message : "internal error" });
  }
};
post({ kind: "loaded" });
