// The ACP server on our standard streams: sessions whose clients are runs of the harness, each in its own sandbox. Standard output belongs to the
// protocol alone.

import { splitFrames, frameWriter } from "#acp/framing.ts";
import { usualPatience } from "#acp/keep.ts";
import { openPeer } from "#acp/peer.ts";
import type { AgentRuntime, RuntimeOptions } from "#acp/runtime.ts";
import { serveAcp } from "#acp/server.ts";
import { openSessionStore } from "#acp/store.ts";
import type { Launch } from "#acp/runtimes/pipes.ts";
import { dropToOwner } from "#harness/identity.ts";
import { profileNames } from "#sandbox/profile.ts";
import { systemClock } from "#src/core/clock.ts";
import { makeRedactor } from "#src/core/text.ts";
import { slots } from "#src/routing/slots.ts";
import packageJson from "../../package.json";
import { acpCommands, artifactsOf } from "./acp-commands.ts";
import { openState, secretValues, type State } from "./compose.ts";
import { note, writeOut } from "./output.ts";

/** At the end everything is over within this, or left to the sandboxes to die with us. */
const SHUTDOWN_MS = 3_000;

/** A run of a client for one session. */
function launchIn(state: State, { cwd, lane, sandbox, mode, watch }: RuntimeOptions): Launch {
  return async (args, talk) => {
    const { checkContract } = await import("#harness/contract/contract.ts");
    const { runHarness } = await import("#harness/run.ts");
    const { noPermissionFlags } = await import("#sandbox/permission-flags.ts");
    const { totalmem } = await import("node:os");
    const { limitsOf } = await import("#sandbox/limits.ts");
    const { runDeps } = await import("./launch.ts");
    const { secretNames } = await import("./compose.ts");
    const write = { ...noPermissionFlags.write, denyAll: mode === "plan" };
    const contract = checkContract({
      ...{ client: lane, profile: sandbox, home: "run", cwd, args, terminal: false },
      permissions: { ...noPermissionFlags, write },
      limits: limitsOf(
        sandbox === "hardened" || sandbox === "normal" ? sandbox : "strict",
        {},
        { memoryBytes: totalmem(), terminal: true },
      ),
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
      watch.began(streams.run, streams.record);
      return talk(streams);
    };
    const result = await runHarness({ ...deps, gateway: { ...deps.gateway, serve }, talk: told }, contract);
    watch.ended(result.runId, result.verdict.verdict);
    note(`run ${result.runId} ${result.verdict.verdict}`);
  };
}

/** Who may answer; each knows the slots of its own client. */
const clients: { id: string; title: string; efforts?: string[] }[] = [
  { id: "claude", title: "Claude Code" },
  { id: "codex", title: "Codex", efforts: ["low", "medium", "high", "xhigh"] },
  { id: "gemini", title: "Gemini CLI" },
];
const lanes = clients.map(({ id, title, efforts }) => ({
  ...{ id, title, ...(efforts === undefined ? {} : { efforts }) },
  models: slots.filter(({ client }) => client === id).map(({ id, title }) => ({ id, title })),
}));

async function startRuntime(state: State, options: RuntimeOptions): Promise<AgentRuntime> {
  const launch = launchIn(state, options);
  if (options.lane === "codex") return (await import("#acp/runtimes/codex.ts")).startCodex(launch, options);
  if (options.lane === "gemini") return (await import("#acp/runtimes/gemini.ts")).startGemini(launch, options);
  return (await import("#acp/runtimes/claude.ts")).startClaude(launch, options);
}

/** Serves until the editor is gone, or tells us to end. */
export async function serveEditor(): Promise<number> {
  // An editor of root's in somebody's folder: from here on it is theirs.
  dropToOwner(process.cwd(), process.env);
  const state = openState();
  const over = Promise.withResolvers<void>();
  const end = () => over.resolve();
  process.stdout.on("error", end);
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, end);
  const out = frameWriter(writeOut, end);
  const peer = openPeer(out);
  const server = serveAcp(peer, {
    store: openSessionStore(state.home, systemClock, () =>
      makeRedactor(secretValues(state.keys, state.generations.current())),
    ),
    start: (options) => startRuntime(state, options),
    available: { lanes, sandboxes: profileNames },
    usual: {
      lane: "claude",
      mode: "ask",
      model: lanes[0]!.models[0]!.id,
      sandbox: state.settings.get("sandbox") ?? "strict",
      thought_level: "default",
    },
    patience: usualPatience,
    commands: acpCommands(state),
    artifactsOf: (run) => artifactsOf(state, run),
    version: packageJson.version,
  });
  const reading = (async () => {
    const split = splitFrames();
    for await (const bytes of Bun.stdin.stream()) for (const frame of split.push(bytes)) peer.receive(frame);
    for (const frame of split.end()) peer.receive(frame);
  })();
  await Promise.race([reading, over.promise]);
  peer.close();
  await Promise.race([server.close().then(() => out.drained()), Bun.sleep(SHUTDOWN_MS)]);
  return 0;
}
