// What `doctor` looks at of the machine: the helpers, the kernel, and a sandbox that is really built and tried from within.

import { readFileSync } from "node:fs";
import { type Check, type Finding, ok, warning } from "#src/core/checks.ts";
import { BrokeError } from "#src/core/errors.ts";
import { type LimitGroup, makeLimitGroup } from "./cgroup.ts";
import { requireOverlays } from "./overlay.ts";
import { INSTALL_HINT, requireFeatures, requireFilters, requireHelper, requireNamespaces } from "./preflight.ts";
import type { Profile } from "./profile.ts";
import { BWRAP } from "./spawn.ts";
import { trySandbox } from "./trial.ts";

/** Started by path, as bwrap is. */
const HELPERS = ["/usr/bin/setpriv", "/usr/bin/cat", "/usr/bin/true"];
/** The first version that does not follow symbolic links while it mounts (CVE-2026-87766). */
const FIXED = "0.12.0";
const PRELOAD = "/etc/ld.so.preload";

function checkBwrap(): Finding {
  requireHelper(BWRAP, INSTALL_HINT);
  const version = requireFeatures();
  const old = Bun.semver.order(version, FIXED) < 0;
  const more = old
    ? ", older than CVE-2026-87766's repair: links at protected names are refused before it could follow one"
    : "";
  return ok(`${version} at ${BWRAP}${more}`);
}

function checkHelpers(): Finding {
  for (const path of HELPERS) requireHelper(path, "install the distribution's util-linux and coreutils");
  return ok(HELPERS.join(", "));
}

/** The system's own preloads reach every program, ours and bwrap too. */
function checkPreloads(): Finding {
  let text = "";
  try {
    text = readFileSync(PRELOAD, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const libraries = text.split(/[\s:]+/).filter((name) => name !== "" && !name.startsWith("#"));
  if (libraries.length === 0) return ok(`nothing in ${PRELOAD}`);
  return warning(
    `${PRELOAD} loads ${libraries.join(", ")} into every program`,
    "only root can have put it there; make sure that it was meant",
  );
}

async function checkLimits(): Promise<Finding> {
  let group: LimitGroup | undefined;
  try {
    group = makeLimitGroup(`doctor_${process.pid}`, { processes: 64, memoryBytes: 256 * 1024 * 1024, cpus: 1 });
    const held = [...(group?.holds ?? [])];
    if (held.length === 3) return ok("memory, processes and cpu are held by a control group");
    const watched = ["memory", "processes"].filter((name) => !held.some((each) => each === name));
    return warning(
      `no control group for ${[...watched, ...(held.includes("cpu") ? [] : ["cpu"])].join(", ")}: ${watched.join(" and ") || "nothing"} watched instead`,
      "delegate a cgroup v2 subtree (systemd-run --user --scope -p Delegate=yes), or launch as root where v1 is mounted",
    );
  } finally {
    await group?.remove();
  }
}

/** `scratch` is a folder of ours; `hidden` what no sandbox may show. */
export function sandboxChecks(profile: Profile, scratch: string, hidden: string[]): Check[] {
  return [
    { id: "bubblewrap", run: checkBwrap },
    { id: "helpers", run: checkHelpers },
    { id: "preloads", run: checkPreloads },
    {
      id: "namespaces",
      run() {
        requireNamespaces();
        return ok("user, pid, network, ipc and uts namespaces can be made");
      },
    },
    {
      id: "seccomp",
      run() {
        requireFilters();
        return ok(`filters and user notification, kernel ${kernelRelease()}`);
      },
    },
    { id: "limits", run: checkLimits },
    {
      id: "overlays",
      run() {
        try {
          requireOverlays(scratch);
          return ok("--workspace=overlay can be had");
        } catch (error) {
          // Nothing but that mode needs it.
          if (!(error instanceof BrokeError)) throw error;
          return ok(`${error.message}; ${error.hint}`);
        }
      },
    },
    {
      id: `sandbox ${profile.name}`,
      async run() {
        const { passed, ms } = await trySandbox(profile, scratch, hidden);
        return ok(
          `built, and ${passed.length} walls tried from within hold (${Math.round(ms)} ms): ${passed.join("; ")}`,
        );
      },
    },
  ];
}

const kernelRelease = () => readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
