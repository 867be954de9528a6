// The client of an attempt, from its launch to its end, with what serves it beside it: the gateway on the run's socket, the reader of its shims, the
// way out, the person at the terminal.

import type { Growth } from "#sandbox/growth.ts";
import type { EgressAttempt } from "#sandbox/egress/proxy.ts";
import { GATEWAY } from "#sandbox/plan.ts";
import type { Json } from "#src/core/json.ts";
import { watchActivity } from "../activity.ts";
import { makeAsker } from "../asking.ts";
import { superviseEgress } from "../egress.ts";
import { hashAgain } from "../evidence/snapshot.ts";
import { recordTranscript, type Transcript } from "../evidence/transcript.ts";
import { takeInventory, withoutPlaced } from "../inventory.ts";
import { watchFolders } from "../limits.ts";
import type { ModelRequest } from "../ports.ts";
import { govern, governed } from "../governor/govern.ts";
import { readShimEvents } from "../shim-events.ts";
import { type Supervised, superviseClient, type WatchedTree } from "../supervise.ts";
import { takeTerminal, terminalSize } from "../terminal.ts";
import type { Finding } from "../verdict/categories.ts";
import type { Attempt } from "./attempt.ts";
import type { Ground } from "./ground.ts";
import type { OpenRun } from "./open.ts";

/** The ended client; `watch` has its last readings to give, and is the caller's to dispose of. */
export type EndedClient = Supervised & { growth: Growth; transcript: Transcript; findings: Finding[] };

function requestData(request: ModelRequest): Record<string, Json> {
  return { ...request, ms: Math.round(request.ms) };
}

const watchTree = (root: string, { start: { snapshot, before }, placed }: Attempt): WatchedTree => ({
  before: snapshot.sha256 ?? null,
  now: () => hashAgain(root, snapshot, before, withoutPlaced(takeInventory(root), placed)) ?? null,
});

/** Runs the client to its end. Throws what kept it from being run, or recorded; then nothing of it runs any more. */
export async function runClient(run: OpenRun, ground: Ground, attempt: Attempt): Promise<EndedClient> {
  const { deps, contract, paths, ledger } = run;
  const { recorder, commands, ends, requests, answers, spending } = ground;
  const limited = { ...contract, limits: ground.left() };
  const { prepared, group, plan } = attempt;
  const activity = watchActivity();
  const begun: (() => void)[] = [];
  const transcript = recordTranscript({ ...terminalSize(), title: ledger.run, pieces: run.pieces }, deps.clock);
  const unmark = ledger.onRecord(transcript.mark);
  await using _shims = readShimEvents(paths.events, recorder.append);
  const gateway = await deps.gateway.serve({
    socketPath: `${paths.socketDir}/${GATEWAY.socket}`,
    token: run.token,
    run: ledger.run,
    onBegin: () => void begun.push(activity.begin()),
    admit: spending.admit,
    onRequest(request) {
      begun.pop()?.();
      requests.record("model.request", requestData(request));
      spending.count(request);
    },
  });
  try {
    const growth = await watchFolders(prepared, attempt.start.before, contract.limits);
    using session = attempt.terminal ? takeTerminal() : undefined;
    const put = session?.ask ?? deps.question;
    const asker = put && makeAsker({ put, record: answers.record });
    const governor = govern(run, ground, attempt, session);
    const client = {
      ...{ session, asker, governor, group, growth, commands, ends, transcript, spending, activity, recorder },
      supervision: run.supervision,
      tree: watchTree(ground.tree.path, attempt),
      onStarted: gateway.warm,
      listens: attempt.turn.number === 1,
      over: ground.ending,
      onSignal: () => ground.end("it was told to end"),
    };
    const onAttempt = (attempt: EgressAttempt) => {
      activity.stir();
      ground.onAttempt(attempt);
    };
    const supervised = () => superviseClient(deps, limited, governed(plan, governor), prepared, client, ledger);
    const began = performance.now();
    const ended = await superviseEgress(prepared.net, paths.socketDir, onAttempt, supervised, asker);
    ground.used.ms += performance.now() - began;
    return { ...ended, growth, transcript, findings: governor?.findings() ?? [] };
  } finally {
    await gateway.stop();
    unmark();
  }
}
