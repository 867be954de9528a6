// The operator's end of a run's socket: says one word, reads one answer, and after an attach what comes until the run ends. Believes nothing it is
// not told in the words of wire.ts.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { parseJson } from "#src/core/json.ts";
import { type Home, runPaths } from "#src/state/paths.ts";
import { isGoing, type RunStore } from "#src/state/runs.ts";
import { isHeld } from "../lock.ts";
import { controlSocket, MAX_LINE_BYTES, type Reply, replySchema, type Request } from "./wire.ts";

const ANSWER_MS = 15_000;

/** The answer that needs no supervisor: what is over is ended already. Throws `missing` when nobody could give another. */
function answerOver(home: Home, runs: RunStore, runId: string, act: Request): Reply | undefined {
  const row = runs.get(runId);
  if (row === undefined) throw new BrokeError("missing", "no such run", "`broke harness list` shows the runs");
  if (!isGoing(row.status)) {
    if (act === "kill") return { ok: true, status: row.status, changed: false, terminal: false };
    throw new BrokeError("missing", `the run is not live: ${row.status.replace("_", " ")}`);
  }
  let held = false;
  try {
    held = isHeld(runPaths(home, runId).lock);
  } catch {
    // No lock: then nobody holds it.
  }
  if (!held) throw new BrokeError("missing", "the run's supervisor is gone", "`broke harness reconcile` closes it");
  return undefined;
}

/** Asks. Resolves with the answer, after an attach once there is nothing more. Throws `missing` when the run is not live. */
export async function askSupervisor(
  home: Home,
  runs: RunStore,
  runId: string,
  act: Request,
  onOutput: (bytes: Uint8Array) => void = () => {},
): Promise<Reply> {
  const path = controlSocket(home, runId);
  const over = answerOver(home, runs, runId, act);
  if (over !== undefined) return over;
  const { promise, resolve, reject } = Promise.withResolvers<Reply>();
  const notNow = new BrokeError("busy", "the run's supervisor cannot be reached", "it begins or ends; try again");
  const silent = setTimeout(
    () => reject(new BrokeError("busy", "the run's supervisor does not answer", "it may be suspended in its terminal")),
    ANSWER_MS,
  );
  let head = Buffer.alloc(0);
  let reply: Reply | undefined;
  const take = (bytes: Uint8Array) => {
    if (reply !== undefined) return onOutput(bytes);
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf(10);
    if (end === -1) return void (head.length > MAX_LINE_BYTES && reject(notNow));
    clearTimeout(silent);
    reply = v.parse(replySchema, parseJson(head.toString("utf8", 0, end)));
    if (head.length > end + 1) onOutput(head.subarray(end + 1));
  };
  try {
    await Bun.connect({
      unix: path,
      socket: {
        open: (socket) => void socket.write(`${JSON.stringify({ act })}\n`),
        data(_, bytes) {
          try {
            take(bytes);
          } catch (error) {
            reject(error instanceof Error ? error : notNow);
          }
        },
        close: () => (reply === undefined ? reject(notNow) : resolve(reply)),
        error: () => reject(notNow),
      },
    }).catch(() => reject(notNow));
    return await promise;
  } finally {
    clearTimeout(silent);
  }
}
