// The governor tried, for the checklist: real lines classified by the very table that judges runs, and its step played under every policy.

import type { ClassWord } from "./classes.ts";
import { classify } from "./classify.ts";
import { thresholds } from "./policy.ts";
import { fresh, type GovernorEvent, type State, step } from "./state.ts";

const LINES: [line: string, is: ClassWord][] = [
  ["pytest -q", "test"],
  ["pytest --collect-only", "read"],
  ["npm install test", "install"],
  ["make --version", "read"],
  ["git push --force", "history"],
  ["touch made", "write"],
];

const places = { workspace: "/work", shims: "/shims", scratch: ["/tmp"], top: () => [] };
const classOf = (line: string) => {
  const argv = line.split(" ");
  return classify(
    { path: null, argv, cut: false, cwd: "/work", files: [`/usr/bin/${argv[0]}`], settled: true },
    places,
  );
};

/** What of its promises does not hold; empty: they do. `lines` is how many command lines were tried. */
export function tryGovernor(): { broken: string[]; lines: number } {
  const broken = LINES.filter(([line, is]) => classOf(line).class !== is).map(
    ([line]) => `\`${line}\` is taken for another thing`,
  );
  const write: GovernorEvent = { kind: "command", command: classOf("touch made"), inside: null };
  for (const [policy, limits] of Object.entries(thresholds)) {
    let state: State = fresh;
    for (let at = 0; at < limits.writes; at++) ({ state } = step(state, write, limits));
    if (step(state, write, limits).allowed) broken.push(`${policy} lets a worker write on without verifying`);
    for (const event of [classOf("make --version"), classOf("pytest --collect-only")])
      ({ state } = step(state, { kind: "command", command: event, inside: null }, limits));
    ({ state } = step(state, { kind: "verified", green: true, proof: false }, limits));
    if (step(state, write, limits).allowed) broken.push(`${policy} frees a worker by its own word`);
    ({ state } = step(state, { kind: "verified", green: true, proof: true }, limits));
    if (!step(state, write, limits).allowed) broken.push(`${policy} does not free a worker whose tree was verified`);
  }
  return { broken, lines: LINES.length };
}
