// Starting the gateway as a process of its own: our own launcher's interpreter and flags, the operator's environment, a log in BROKE_HOME.

import { join } from "node:path";
import { askGateway, awaitStart } from "#src/gateway/daemon.ts";
import { type Owner, readOwner } from "#src/gateway/ownership.ts";
import { startDetached } from "#sandbox/spawn.ts";
import { BrokeError } from "#src/core/errors.ts";
import { type Exposure, exposureOf } from "#src/gateway/remote.ts";
import { clientToken } from "#src/state/secrets.ts";
import type { State } from "./compose.ts";
import { type Asked, hostWords } from "./exposing.ts";
import { DEFAULT_PORT } from "./port.ts";
import { readTail } from "./tail.ts";

/** The system chooses one. */
const ANY_PORT = 0;
/** How every line of ours for people begins. */
const SAID = "broke: ";
const MAIN = join(import.meta.dir, "..", "main.ts");

/** Who else may come. Throws `denied` where that is not said, or could be anybody. */
export function checkExposure({ home, env, tokens }: State, asked: Asked): Exposure | undefined {
  if (asked.host === undefined && asked.tokens === undefined && asked.names.length === 0) return undefined;
  const bound = tokens.list().filter(({ state }) => state === "live").length;
  return exposureOf(asked, { clientToken: clientToken(home, env), bound });
}

/** Starts the daemon unless it runs, as is asked: on that port, if one is named, and for those; resolves when it answers. Throws `missing` when it does not. */
export async function startGateway(
  state: State,
  port: number | undefined,
  asked: Asked = { host: undefined, tokens: undefined, names: [] },
): Promise<{ owner: Owner; fresh: boolean }> {
  const exposure = checkExposure(state, asked);
  const running = readOwner(state.home);
  if (running !== undefined) {
    if (asked.host !== undefined && !Bun.deepEquals(exposure ?? null, running.exposure))
      throw new BrokeError("busy", "a gateway runs already, for others than asked", "`broke restart --host …`");
    if ((port ?? ANY_PORT) !== ANY_PORT && port !== running.port)
      throw new BrokeError("busy", "a gateway runs already, on another port", "`broke restart --port …`");
    // It may hang; this says so.
    await askGateway(running, "health/liveliness");
    return { owner: running, fresh: false };
  }
  const env = Object.fromEntries(
    Object.entries({ ...state.env, BROKE_HOME: state.home.root }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  const argv = [
    process.execPath,
    "--config=/dev/null",
    "--no-env-file",
    MAIN,
    "gateway",
    `--port=${port ?? DEFAULT_PORT}`,
    ...hostWords(asked),
  ];
  const file = join(state.home.root, "gateway.log");
  const log = readTail(file, 0);
  log.lines();
  const child = startDetached(argv, env, file);
  try {
    return { owner: await awaitStart(state.home, child), fresh: true };
  } catch (error) {
    // What it said before it ended.
    const [why, hint] = log.more().flatMap((line) => (line.startsWith(SAID) ? [line.slice(SAID.length)] : []));
    if (!(error instanceof BrokeError) || why === undefined) throw error;
    throw new BrokeError(error.kind, `${error.message}: ${why}`, hint ?? error.hint);
  }
}
