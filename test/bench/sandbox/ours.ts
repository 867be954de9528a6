// Our own chain without the harness: a plan over folders of its own and what it takes to launch it, in this process.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { hostFacts } from "#sandbox/host.ts";
import { launchSandbox } from "#sandbox/launch.ts";
import * as libc from "#sandbox/libc.ts";
import { GATEWAY, planSandbox, type SandboxPlan } from "#sandbox/plan.ts";
import { profileOf } from "#sandbox/profile.ts";
import { nothingShown } from "#sandbox/shown.ts";

export type Chain = AsyncDisposable & {
  workspace: string;
  plan(argv: string[], options?: { observed: boolean }): SandboxPlan;
  /** Runs a plan to its end; the command's standard output. */
  run(plan: SandboxPlan): Promise<string>;
};

/** A strict chain in a folder of its own below `where`. */
export function openChain(where: string): Chain {
  const root = mkdtempSync(join(where, "chain-"));
  const folder = (name: string) => {
    mkdirSync(join(root, name), { mode: 0o700 });
    return join(root, name);
  };
  const [workspace, home, socketDir, events] = [folder("work"), folder("home"), folder("socket"), join(root, "events")];
  libc.makePipe(events);
  const host = hostFacts();
  const gateway = Bun.serve({
    ...{ unix: join(socketDir, GATEWAY.socket), fetch: () => new Response(null, { status: 401 }) },
  });
  return {
    workspace,
    plan(argv, { observed } = { observed: true }) {
      const plan = planSandbox({
        ...{ profile: profileOf("strict"), host, workspace, tree: workspace, objects: [], ignored: [], home },
        ...{ homeReadOnly: [], homeState: [], shims: undefined, events, socketDir, tools: [], hidden: [], emptied: [] },
        ...{ protect: { files: [], dirs: [], missing: [], masked: [], pins: [] }, shown: nothingShown },
        ...{ portMark: "{port}", egressMark: undefined, terminal: false },
        ...{ argv, env: { PATH: "/usr/bin:/bin", HOME: "/home/agent" } },
      });
      return observed ? plan : { ...plan, order: { ...plan.order, listenerFilter: null } };
    },
    async run(plan) {
      const running = await launchSandbox(plan, host.arch, { kind: "pipes", stdin: "empty" });
      const out = running.streams === undefined ? "" : await Bun.file(running.streams.stdout).text();
      await running.ended;
      return out;
    },
    async [Symbol.asyncDispose]() {
      await gateway.stop(true);
      rmSync(root, { recursive: true, force: true });
    },
  };
}
