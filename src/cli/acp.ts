// The ACP server on our standard streams: sessions whose clients are runs of the harness, each in its own sandbox. Standard output belongs to the
// protocol alone.

import { splitFrames, frameWriter } from "#acp/framing.ts";
import { type Patience, usualPatience } from "#acp/keep.ts";
import { openPeer, type Peer } from "#acp/peer.ts";
import type { AgentRuntime, RuntimeOptions } from "#acp/runtime.ts";
import { serveAcp, type Server } from "#acp/server.ts";
import { openSessionStore } from "#acp/store.ts";
import type { Launch } from "#acp/runtimes/pipes.ts";
import { writtenContract } from "#harness/contract/files.ts";
import { dropToOwner } from "#harness/identity.ts";
import { policyNames } from "#harness/verdict/policies.ts";
import { profileNames } from "#sandbox/profile.ts";
import { systemClock } from "#src/core/clock.ts";
import type { PermissionFlags } from "#sandbox/permission-flags.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Json } from "#src/core/json.ts";
import { clip, makeRedactor } from "#src/core/text.ts";
import packageJson from "../../package.json";
import { acpCommands, artifactsOf } from "./acp-commands.ts";
import { openState, secretValues, type State } from "./compose.ts";
import { clientLanes, isHeadless, lanesNow } from "./lanes.ts";
import { note, writeOut } from "./output.ts";
import { replicaOf } from "./shared.ts";

/** Without a sandbox nothing is launched but where that is said (`--unmediated`). */
const mediatedProfiles = profileNames.filter((name) => name !== "normal");

/** At the end everything is over within this, or left to the sandboxes to die with us. */
const SHUTDOWN_MS = 3_000;
/** Of that, for answers to what was asked last. */
const ANSWERS_MS = 1_000;

/** A run of a client for one session. */
function launchIn(
  state: State,
  { cwd, lane, sandbox, policy, mode, watch, question, opinions = () => ({}) }: RuntimeOptions,
  { launchedAs, permissions }: { launchedAs: Record<string, Json>; permissions: PermissionFlags | undefined },
): Launch {
  return async (args, talk) => {
    const { checkContract } = await import("#harness/contract/contract.ts");
    const { runHarness } = await import("#harness/run.ts");
    const { noPermissionFlags } = await import("#sandbox/permission-flags.ts");
    const { readContract, runDeps } = await import("./launch.ts");
    const { secretNames } = await import("./compose.ts");
    const held = { contract: undefined, document: { policy } };
    const { terms } = await readContract(held, state, cwd, undefined);
    const said = permissions ?? noPermissionFlags;
    const write = mode === "plan" ? { ...noPermissionFlags.write, denyAll: true } : said.write;
    const contract = checkContract({
      ...{
        client: isHeadless(lane) ? "agent" : lane,
        profile: sandbox,
        home: "run",
        cwd,
        args,
        terminal: false,
        person: true,
      },
      // Somebody sits at the editor: the work is done before their eyes, and nobody sends the client back but them.
      mode: "direct",
      terms: { ...terms, task: null },
      permissions: { ...said, write },
      // As on a terminal: somebody reads what it says.
      limits: { outputBytes: null },
      keyNames: secretNames(state.keys, state.generations.current()),
      brokeHome: state.home.root,
      env: state.env,
    });
    const deps = await runDeps(state);
    const serve: typeof deps.gateway.serve = (options) =>
      deps.gateway.serve({
        ...options,
        onBegin() {
          watch.asking();
          options.onBegin?.();
        },
        onRequest(request) {
          watch.asked(request);
          options.onRequest(request);
        },
      });
    const told: typeof talk = (streams) => {
      watch.began(streams.run, streams.record, streams.tree);
      return talk(streams);
    };
    const result = await runHarness(
      { ...deps, gateway: { ...deps.gateway, serve }, talk: told, opinions, launchedAs, question },
      contract,
    );
    watch.ended(result.runId, result.verdict.verdict);
    note(`run ${result.runId} ${result.verdict.verdict}`);
  };
}

/** Our own agent, where something answers the slot as the lane says. Throws `missing` where nothing does. */
async function startOwn(state: State, launch: Launch, options: RuntimeOptions, contextTokens: number) {
  const lane = lanesNow(state).find(({ id }) => id === options.lane);
  if (lane?.models.some(({ id }) => id === options.model) !== true)
    throw new BrokeError(
      "missing",
      `the slot ${options.model} is not answered by ${options.lane} now`,
      `\`broke route ${options.model}\` says who answers it, \`broke swap\` changes that`,
    );
  const { startHeadless } = await import("#acp/runtimes/headless.ts");
  return startHeadless(launch, { ...options, contextTokens });
}

async function startRuntime(
  state: State,
  options: RuntimeOptions,
  {
    contextTokens,
    unmediated,
    permissions,
  }: { contextTokens: number } & Pick<ServeOptions, "unmediated" | "permissions">,
): Promise<AgentRuntime> {
  const launch = launchIn(state, options, { launchedAs: unmediated ? { unmediated } : {}, permissions });
  if (isHeadless(options.lane)) return startOwn(state, launch, options, contextTokens);
  if (options.lane === "codex") return (await import("#acp/runtimes/codex.ts")).startCodex(launch, options);
  if (options.lane === "gemini") return (await import("#acp/runtimes/gemini.ts")).startGemini(launch, options);
  return (await import("#acp/runtimes/claude.ts")).startClaude(launch, options);
}

/** What the operator says when they start it; `lane` is what sessions begin with. */
export type ServeOptions = {
  lane?: string;
  /** How much the models of our own agent take. */
  contextTokens?: number | undefined;
  patience?: Partial<Patience>;
  /** Clients have the machine as they would by themselves (profile normal). */
  unmediated?: boolean;
  /** What the sandbox lets clients do, or asks about. */
  permissions?: PermissionFlags | undefined;
};

/** What clients take a slot's window for (harness/clients). */
const WINDOW_TOKENS = 200_000;
/** What our own agent takes it for, where nothing is said. */
const OWN_WINDOW_TOKENS = 96_000;
const UNMEDIATED =
  "Unmediated: this session's agent runs outside the sandbox, with your files and network as they are.";

/** What the operator's file or setting says. Where the file is wrong, each launch says so. */
function usualPolicy({ home, trust, settings }: State): string {
  const stored = settings.get("harness") ?? "off";
  try {
    return writtenContract(undefined, { home, trust, folder: process.cwd(), base: undefined }).said.policy ?? stored;
  } catch {
    return stored;
  }
}

/** A server on that peer, its sessions in this state. */
export function serveOver(peer: Peer, state: State, options: ServeOptions = {}): Server {
  const { lane = "claude", contextTokens = OWN_WINDOW_TOKENS, patience, unmediated = false, permissions } = options;
  const stored = state.settings.get("sandbox");
  return serveAcp(peer, {
    store: sessionStore(state),
    start: (wanted) => startRuntime(state, wanted, { contextTokens, unmediated, permissions }),
    available: {
      // What answers may change while we serve.
      get lanes() {
        return lanesNow(state);
      },
      sandboxes: unmediated ? ["normal"] : mediatedProfiles,
      policies: policyNames,
    },
    usual: {
      lane,
      mode: "ask",
      model: clientLanes.find(({ id }) => id === lane)!.models[0]!.id,
      sandbox: unmediated ? "normal" : (mediatedProfiles.find((name) => name === stored) ?? "strict"),
      policy: usualPolicy(state),
      thought_level: "default",
    },
    patience: { ...usualPatience, ...patience },
    windowOf: (of) => (isHeadless(of) ? contextTokens : WINDOW_TOKENS),
    warning: unmediated ? UNMEDIATED : undefined,
    log: (text) => note(operatorLine(redactorOf(state), text)),
    commands: acpCommands(state),
    async reviewWork(ended, review) {
      const { reviewWork } = await import("#harness/review-work.ts");
      const { runDeps } = await import("./launch.ts");
      const { signingKeys } = await import("#src/state/secrets.ts");
      return reviewWork({ ...(await runDeps(state)), keys: signingKeys(state.home) }, ended, review);
    },
    artifactsOf: (run) => artifactsOf(state, run),
    version: packageJson.version,
  });
}

const MAX_LINE_BYTES = 1024;

/** What the operator is told, without secrets, and then cut. */
export const operatorLine = (redact: (text: string) => string, text: string): string =>
  clip(redact(text), MAX_LINE_BYTES).text;

const redactorOf = (state: State) => makeRedactor(secretValues(state.keys, state.generations.current()));

export const sessionStore = (state: State) => openSessionStore(state.home, systemClock, () => redactorOf(state));

/** Serves until the editor is gone, or tells us to end. */
export async function serveEditor(options: ServeOptions): Promise<number> {
  // An editor of root's in somebody's folder: from here on it is theirs.
  dropToOwner(process.cwd(), process.env);
  const state = openState();
  await replicaOf(state);
  const over = Promise.withResolvers<void>();
  const end = () => over.resolve();
  process.stdout.on("error", end);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
  const out = frameWriter(writeOut, end);
  const peer = openPeer(out);
  const server = serveOver(peer, state, options);
  const reading = (async () => {
    const split = splitFrames();
    for await (const bytes of Bun.stdin.stream()) for (const frame of split.push(bytes)) peer.receive(frame);
    for (const frame of split.end()) peer.receive(frame);
  })();
  await Promise.race([reading, over.promise]);
  const late = Bun.sleep(SHUTDOWN_MS);
  // Who wrote it all at once still reads the answers. A turn is ended: nobody could cancel it, or be asked.
  await Promise.race([peer.answered(["session/prompt"]), Bun.sleep(ANSWERS_MS), over.promise]);
  peer.close();
  await Promise.race([server.close().then(() => out.drained()), late]);
  return 0;
}
