// The same hostile probes under our profiles, under sandbox-runtime and under `codex sandbox`, as a plain user: a table of how many hold, by group.
// What only our own runs have (gateway, tool shims) is not asked of the others. Usage: bun test/bench/sandbox/table.ts (as root)

import { layBait, type Bait } from "#test/hostile/bait.ts";
import { probeIds } from "#test/hostile/controls.ts";
import { parse, PLAIN_UID, runProbes, script } from "#test/hostile/inside.ts";
import { type Peer, peers } from "./peers.ts";

/** Ends what a sandbox of another kind has as its first process, and all probes after it. */
const ENDS_THEM = /^proc\/signal-init/;
/** Ours alone, or without an answer elsewhere: what a probe asks of the run's own places. */
const ONLY_OURS =
  /^(gateway|shim)\/|^write\/shims|^write\/run\/broke|^write\/opt\/broke|^write\/own-code|^net\/run-socket/;
const asPlain = ["setpriv", `--reuid=${PLAIN_UID}`, `--regid=${PLAIN_UID}`, "--clear-groups"];

type Column = { name: string; results: Map<string, string> };

async function underPeer(peer: Peer, bait: Bait): Promise<Map<string, string>> {
  const only = probeIds.filter((id) => !ONLY_OURS.test(id) && !ENDS_THEM.test(id));
  const line = script(bait, {
    ONLY: only.join(" "),
    ANTHROPIC_BASE_URL: "http://127.0.0.1:1",
    ANTHROPIC_AUTH_TOKEN: "none",
  });
  const child = Bun.spawn([...asPlain, ...peer.argv(["bash", "-c", line])], {
    ...{ cwd: bait.workspace, env: { ...bait.env, ...peer.env, HOME: bait.home } },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const out = await new Response(child.stdout).text();
  await child.exited;
  return parse(out);
}

const columns: Column[] = [];
for (const profile of ["strict", "hardened"]) {
  await using bait = await layBait(PLAIN_UID);
  columns.push({ name: `ours ${profile}`, results: (await runProbes(bait, asPlain, profile)).results });
}
{
  await using bait = await layBait(PLAIN_UID);
  for (const peer of peers(PLAIN_UID)) columns.push({ name: peer.name, results: await underPeer(peer, bait) });
}
{
  await using bait = await layBait(PLAIN_UID);
  const [runtime] = peers(PLAIN_UID, [bait.home, bait.brokeHome, bait.told["HOST_TMP"]!]);
  columns.push({ name: `${runtime!.name}, its reads denied by hand`, results: await underPeer(runtime!, bait) });
}

const groups = [...new Set(probeIds.map((id) => id.split("/")[0]!))];
const cell = ({ results }: Column, of: (id: string) => boolean) => {
  const ran = [...results].filter(([id]) => of(id));
  const held = ran.filter(([, verdict]) => verdict === "ok").length;
  return ran.length === 0 ? "–" : `${held}/${ran.length}`;
};
const row = (cells: string[]) => `| ${cells.join(" | ")} |`;
const lines = [
  row(["group", ...columns.map(({ name }) => name)]),
  row(["---", ...columns.map(() => "---")]),
  ...groups.map((group) => row([group, ...columns.map((column) => cell(column, (id) => id.startsWith(`${group}/`)))])),
  row([
    "**all that were asked of everybody**",
    ...columns.map((column) => cell(column, (id) => !ONLY_OURS.test(id) && !ENDS_THEM.test(id))),
  ]),
];
process.stdout.write(`${lines.join("\n")}\n`);
