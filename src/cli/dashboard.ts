// The dashboard on loopback, until it is interrupted.

import { followRun } from "#src/dashboard/follow.ts";
import { type Act, dashboardApp } from "#src/dashboard/app.ts";
import { openSession } from "#src/dashboard/session.ts";
import { type Snapshot, snapshotOf } from "#src/dashboard/snapshot.ts";
import { readOwner } from "#src/gateway/ownership.ts";
import { supervisorIn } from "#harness/supervision/processes.ts";
import { takenPort } from "#src/core/system-errors.ts";
import { describeRoute } from "#src/observe/routes.ts";
import { slotsOf } from "#src/routing/slots.ts";
import { isFrozen } from "#src/state/freeze.ts";
import { runPaths } from "#src/state/paths.ts";
import { knownNow, type State } from "./compose.ts";

const HOST = "127.0.0.1";
const SHOWN_RUNS = 20;
const MAX_BODY_BYTES = 64 * 1024;

function slotsNow(state: State): Snapshot["slots"] {
  const known = knownNow(state);
  return slotsOf(known.generation).flatMap(({ id }): Snapshot["slots"] => {
    if (!Object.hasOwn(known.generation.slots, id)) return [];
    const route = describeRoute(id, known);
    return route.kind === "attempts"
      ? [{ slot: id, backend: route.attempts[0]!.backend, kind: route.kind, why: route.attempts[0]!.why }]
      : [{ slot: id, backend: null, kind: route.kind, why: route.message }];
  });
}

/** What there is to be shown at this moment; ledgers are read on from call to call. */
export function watchState(state: State): () => Snapshot {
  const { home, runs, generations, db } = state;
  let followers = new Map<string, ReturnType<typeof followRun>>();
  const supervisorOf = supervisorIn(home);
  return () => {
    const rows = runs.list().slice(0, SHOWN_RUNS);
    followers = new Map(rows.map(({ id }) => [id, followers.get(id) ?? followRun(runPaths(home, id).ledger)]));
    const owner = readOwner(home);
    return snapshotOf({
      generation: generations.current().id,
      frozen: isFrozen(db),
      gateway: { running: owner !== undefined, url: owner === undefined ? null : `http://127.0.0.1:${owner.port}` },
      slots: slotsNow(state),
      runs: rows.map((row) => ({ row, supervised: supervisorOf(row.id) !== null, ...followers.get(row.id)!() })),
    });
  };
}

/** Serves; `url` is to be opened once. Throws `busy` when the port is taken. */
export function serveDashboard(state: State, port: number): { url: string; stop(): Promise<void> } {
  const session = openSession();
  const act = async (runId: string, wanted: Act) => {
    const { tellRun } = await import("./operate.ts");
    const { status, changed } = await tellRun(runId, wanted, undefined, state);
    return { status, changed };
  };
  const app = dashboardApp({ snapshot: watchState(state), act }, session);
  let server;
  try {
    server = Bun.serve({
      hostname: HOST,
      port,
      idleTimeout: 0,
      maxRequestBodySize: MAX_BODY_BYTES,
      fetch: app.fetch,
    });
  } catch {
    throw takenPort(port, HOST);
  }
  return {
    url: `http://${HOST}:${server.port}/?ticket=${session.ticket}`,
    stop: () => server.stop(true),
  };
}
