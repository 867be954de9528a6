// A run's way out, where it has one: the proxy for as long as the client lives, every attempt handed on to be recorded, the policy in words.
// Does not stop: see sandbox/egress/proxy.ts.

import { join } from "node:path";
import type { Json } from "#src/core/json.ts";
import { type EgressAttempt, startEgress } from "#sandbox/egress/proxy.ts";
import type { NetPermission } from "#sandbox/net-permission.ts";
import type { SandboxEnd } from "#sandbox/launch.ts";
import { EGRESS } from "#sandbox/plan.ts";
import type { Profile } from "#sandbox/profile.ts";
import type { Asker, Wanted } from "./asking.ts";
import { budgets, withinBudget } from "./budget.ts";
import type { Recorder } from "./recorder.ts";

/** The network policy as the ledger and the audit keep it. */
export function describeNetwork({ ownNetwork }: Profile, net: NetPermission | undefined): Record<string, Json> {
  if (!ownNetwork) return { network: "host" };
  if (net === undefined) return { network: "run socket only" };
  const rules = (list: NetPermission["allow"]) => list.map(({ text }) => text);
  const asked = (ask: NetPermission["ask"]): Record<string, Json> =>
    ask === undefined ? {} : { ask: { any_public: ask.any, rules: rules(ask.rules) } };
  const said = (each: NetPermission): Record<string, Json> => ({
    ...{ any_public: each.any, allow: rules(each.allow), deny: rules(each.deny) },
    ...asked(each.ask),
    ...(each.within === undefined ? {} : { within: said(each.within) }),
  });
  return { network: "egress proxy", net: said(net) };
}

/**
 * Keeps attempts in the ledger. Throws for one that could not be written or did not fit any more: what is not on record does not get out,
 * so the worker gains nothing by filling it.
 */
export function recordAttempts(recorder: Pick<Recorder, "append" | "failed">): (attempt: EgressAttempt) => void {
  const attempts = withinBudget(recorder.append, budgets.attempts);
  return (attempt) => {
    attempts.record("egress.attempt", attempt);
    if (recorder.failed() || attempts.omitted() > 0) throw new Error("an attempt is not on record");
  };
}

/** What a person is asked about a host. */
export function netQuestion(host: string, port: number): Wanted {
  const subject = `${host}:${port}`;
  return {
    permission: "net",
    title: "may this host be reached?",
    subject,
    rows: [["host", subject]],
    keys: [`net ${subject}`],
  };
}

/**
 * Supervises the client with the proxy beside it. A run whose attempts could not be recorded ends as unobserved. Without a permission
 * there is no proxy.
 */
export async function superviseEgress<Ended extends { end: SandboxEnd }>(
  permission: NetPermission | undefined,
  socketDir: string,
  onAttempt: (attempt: EgressAttempt) => void,
  supervise: () => Promise<Ended>,
  asker?: Asker,
): Promise<Ended> {
  if (permission === undefined) return supervise();
  const egress = await startEgress({
    socketPath: join(socketDir, EGRESS.socket),
    permission,
    onAttempt,
    ask: asker && ((host, port, gone) => asker.ask(netQuestion(host, port), gone)),
  });
  let ended: Ended;
  try {
    ended = await supervise();
  } finally {
    await egress.stop();
  }
  const reason = egress.failure();
  return reason === undefined ? ended : { ...ended, end: { kind: "unobserved", reason } };
}
