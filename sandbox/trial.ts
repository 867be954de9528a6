// A sandbox built to see whether it can be: over an empty folder, its walls tried from within, nothing but true(1) run in it.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { hostFacts } from "./host.ts";
import { launchSandbox } from "./launch.ts";
import * as libc from "./libc.ts";
import { GATEWAY, planSandbox } from "./plan.ts";
import type { Profile } from "./profile.ts";
import { nothingShown } from "./shown.ts";

/** Builds the profile's sandbox over an empty folder below `scratch` and tries its walls. Throws `missing` when they do not hold. */
export async function trySandbox(
  profile: Profile,
  scratch: string,
  hidden: string[],
): Promise<{ passed: string[]; ms: number }> {
  const root = mkdtempSync(join(scratch, "trial-"));
  const folder = (name: string) => {
    mkdirSync(join(root, name), { mode: 0o700 });
    return join(root, name);
  };
  try {
    const [workspace, home, socketDir] = [folder("workspace"), folder("home"), folder("socket")];
    const events = join(root, "events");
    libc.makePipe(events);
    const host = hostFacts();
    const refuse = () => new Response(null, { status: 401 });
    const gateway = Bun.serve({ unix: join(socketDir, GATEWAY.socket), fetch: refuse });
    let held: { passed: string[]; ms: number } | undefined;
    try {
      const plan = planSandbox({
        ...{
          profile,
          host,
          workspace,
          tree: workspace,
          objects: [],
          ignored: [],
          home,
          homeReadOnly: [],
          homeState: [],
          shims: undefined,
          events,
          socketDir,
        },
        ...{
          protect: { files: [], dirs: [], missing: [], masked: [], pins: [] },
          tools: [],
          hidden,
          emptied: [],
          shown: nothingShown,
        },
        ...{ portMark: "{port}", egressMark: undefined, argv: ["/usr/bin/true"], env: {}, terminal: false },
      });
      const run = await launchSandbox(
        plan,
        host.arch,
        { kind: "pipes", stdin: "empty" },
        {
          onProbed: (passed, ms) => void (held = { passed, ms }),
        },
      );
      const end = await run.ended;
      if (end.kind !== "exited")
        throw new BrokeError("missing", end.reason, "see the findings above; without this no run is started");
      if (end.code !== 0 || held === undefined)
        throw new BrokeError("missing", "true(1) did not run in the sandbox", "see the findings above");
      return held;
    } finally {
      await gateway.stop(true);
    }
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
