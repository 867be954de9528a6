// The exec observer's own thread: receives the listener from stage two, then answers every execve/execveat: reads what is being run, finds the
// file behind it, decides by the run's rules, and lets it go on, refuses it, or holds it until the supervisor has an answer. Blocking calls
// live here so that the supervisor never waits; a held call never blocks the others.
// Does not stop: what it reads from the target's memory, and the file behind a path, can be changed by another thread of the target before the
// kernel looks again. What must not run whatever happens is covered by a mount; here it is refused by what was seen.

import { readlinkSync, readSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { readExecMemory, readLoaders } from "./exec-memory.ts";
import { directoryOf, type ExecTarget, resolveTarget } from "./exec-target.ts";
import { type EndWatch, watchEnds } from "./exec-ends.ts";
import type { Arch } from "./host.ts";
import * as libc from "./libc.ts";
import { lineageOf, processOf } from "./lineage.ts";
import { ANSWER_BYTES, ANSWERS, type ObservedExec, type ObserverMessage } from "./observer.ts";
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
const LINGER_MS = 4;
const EINTR = 4;
const ENOENT = 2;

function post(message: ObserverMessage): void {
  self.postMessage(message);
}

function link(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}

const outcomeOf = (target: ExecTarget, verdict: RunVerdict): ObservedExec["outcome"] => {
  if (verdict.kind === "deny") return "denied";
  if (target.kind === "absent") return "not_found";
  if (target.kind === "unknown") return "unknown";
  return target.files.every(({ runnable }) => runnable) ? "started" : "unrunnable";
};

type ExecCallSeen = { thread: number; number: number; args: bigint[] };
type Seen = { exec: ObservedExec; verdict: RunVerdict; programs: AskedFile[] };

/** Looks at one call; `init` is pid 1 of the sandbox, once it is known. */
function look(
  { thread, number, args }: ExecCallSeen,
  { arch, decide, init }: { arch: Arch; decide: ReturnType<typeof makeRunDecision>; init: number },
): Seen {
  const at = number === syscallNumber(arch, "execveat") ? 1 : 0;
  const { path: asked, argv, cut } = readExecMemory(thread, args[at]!, args[at + 1]!);
  const { pid, parent } = processOf(thread) ?? { pid: thread, parent: 0 };
  const cwd = link(`/proc/${thread}/cwd`);
  const dir = at === 1 ? directoryOf(args[0]!) : undefined;
  const target: ExecTarget =
    asked === null ? { kind: "unknown", files: [] } : resolveTarget({ pid: thread, path: asked, dir }, arch);
  const base = dir === undefined ? cwd : link(`/proc/${thread}/fd/${dir}`);
  const absolute = asked === "" ? base : asked === null || asked.startsWith("/") ? asked : `${base ?? "?"}/${asked}`;
  const verdict = decide(target, absolute ?? "");
  const exec: ObservedExec = {
    ...{
      pid,
      atMs: Date.now(),
      lineage: lineageOf(parent, init),
      path: absolute,
      argv,
      cut,
      cwd,
      exe: link(`/proc/${thread}/exe`),
    },
    files: target.kind === "absent" ? [] : target.files.map(({ path }) => path),
    outcome: outcomeOf(target, verdict),
    reason: verdict.kind === "deny" ? verdict.reason : null,
  };
  const programs = target.kind === "absent" ? [] : target.files.map(({ runnable: _, ...file }) => file);
  return { exec, verdict, programs };
}

/** What a person was asked about; whose child the caller is may change meanwhile. */
const wanted = ({ verdict, exec: { path, argv, files } }: Seen) => ({ verdict, path, argv, files });

/** Answers one call. False when its caller died meanwhile. */
function respond(listener: number, id: bigint, errno: number): boolean {
  const response = new Uint8Array(RESPONSE_BYTES);
  const answer = new DataView(response.buffer);
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

function watch(listener: number, { control, arch, waiting, rules }: ObserverStart, ends: EndWatch): void {
  const decide = makeRunDecision(rules);
  let init = 0;
  let told = { pid: 0, text: "" };
  const held = new Map<bigint, { call: ExecCallSeen; seen: Seen }>();
  const tell = (message: ObserverMessage) => {
    Atomics.add(waiting, 0, 1);
    post(message);
  };
  const watched = [listener, control, ends.fd];
  const waitMs = () => (ends.noted() ? LINGER_MS : -1);
  const tellEnds = (ended = ends.take()) => {
    if (ended.length > 0) post({ kind: "ended", ends: ended });
  };
  // Answers come whole: the supervisor writes each at once, far below what the socket takes.
  const takeAnswer = (): boolean => {
    const bytes = Buffer.alloc(ANSWER_BYTES);
    if (readSync(control, bytes, 0, ANSWER_BYTES, null) < ANSWER_BYTES) return false;
    const id = bytes.readBigUInt64LE(0);
    const said = Buffer.alloc(Number(bytes.readBigUInt64LE(16)));
    if (said.length > 0 && readSync(control, said, 0, said.length, null) < said.length) return false;
    const text = said.length > 0 ? said.toString() : undefined;
    const call = held.get(id);
    held.delete(id);
    if (call === undefined || !isValid(listener, id)) return true;
    // A person takes long, and what was asked about may be another file, or under another path, by now.
    const now = look(call.call, { arch, decide, init });
    const answer = bytes.readBigUInt64LE(8);
    const reason =
      answer !== ANSWERS.allow
        ? (text ?? "denied when asked")
        : isDeepStrictEqual(wanted(now), wanted(call.seen))
          ? null
          : "it changed while it was asked about";
    const outcome = reason === null ? call.seen.exec.outcome : "denied";
    // A search along PATH goes on after a refusal: it is told once.
    const { pid } = call.seen.exec;
    if (text !== undefined && (answer === ANSWERS.end || told.pid !== pid || told.text !== text)) {
      told = { pid, text };
      tellRefusal(arch, { pid, text, end: answer === ANSWERS.end }, () => isValid(listener, id));
    }
    if (outcome !== "denied") ends.add(call.seen.exec.pid);
    if (respond(listener, id, reason === null ? 0 : errnos.EPERM))
      tell({ kind: "exec", exec: { ...call.seen.exec, outcome, reason }, ends: [] });
    return true;
  };
  /** Waits until the supervisor has taken in what it was told; false when it wants no more. */
  const awaitRoom = (): boolean => {
    for (let now = Atomics.load(waiting, 0); now >= MAX_WAITING; now = Atomics.load(waiting, 0)) {
      Atomics.wait(waiting, 0, now, WAIT_MS);
      if (libc.pollInput([control], 0)[0] !== 0 && !takeAnswer()) return false;
    }
    return true;
  };
  while (awaitRoom()) {
    // A process that ends is most often followed by one that starts: both are told at once.
    const [ready = 0, answered = 0, ended = 0] = libc.pollInput(ends.noted() ? [listener, control] : watched, waitMs());
    if (ended !== 0) {
      ends.note();
      continue;
    }
    if (ready === 0 && answered === 0) tellEnds();
    if (answered !== 0 && !takeAnswer()) return;
    if ((ready & libc.POLLIN) === 0) {
      // Hung up: the last process that had the filter is gone.
      if (ready !== 0) return tellEnds(ends.rest(REAPED_MS));
      continue;
    }
    const notification = new Uint8Array(NOTIF_BYTES);
    const view = new DataView(notification.buffer);
    try {
      libc.ioctl(listener, seccompIoctl.receive, notification);
    } catch (error) {
      if (error instanceof libc.LibcError && (error.errno === EINTR || error.errno === ENOENT)) continue;
      throw error;
    }
    // A number that is given away anew belonged to a process that has ended by now.
    const before = ends.take();
    const id = view.getBigUint64(0, true);
    const args = Array.from({ length: 6 }, (_, index) => view.getBigUint64(32 + index * 8, true));
    const thread = view.getUint32(8, true);
    // The first to be seen is stage two, init's child.
    if (init === 0) init = processOf(thread)?.parent ?? 0;
    const call = { thread, number: view.getInt32(16, true), args };
    const seen = look(call, { arch, decide, init });
    const { exec, verdict } = seen;
    if (!isValid(listener, id)) {
      tellEnds(before);
      continue;
    }
    if (verdict.kind === "ask" || (rules.governed === true && verdict.kind === "allow")) {
      tellEnds(before);
      held.set(id, { call, seen });
      const files = verdict.kind === "ask" ? verdict.files : [];
      const at = call.number === syscallNumber(arch, "execveat") ? 3 : 2;
      const loaders = rules.governed === true ? readLoaders(thread, args[at]!) : [];
      tell({ kind: "held", id, held: { exec, files, programs: seen.programs, loaders } });
      continue;
    }
    if (exec.outcome === "started" || exec.outcome === "unknown") ends.add(exec.pid);
    const hold = verdict.kind === "absent" && verdict.hold;
    if (respond(listener, id, verdict.kind === "deny" ? errnos.EPERM : hold ? ENOENT : 0))
      tell({ kind: "exec", exec, ends: before });
    else tellEnds(before);
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
