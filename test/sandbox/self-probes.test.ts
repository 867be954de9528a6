// The walls are tried from within before the client starts: a sandbox in which one of them is missing is named, and nothing runs in it. Each probe is
// shown to fail when, and only when, the control it is about was taken out of the plan.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostFacts } from "#sandbox/host.ts";
import { launchSandbox, type SandboxEnd } from "#sandbox/launch.ts";
import * as libc from "#sandbox/libc.ts";
import { planSandbox, type SandboxPlan } from "#sandbox/plan.ts";
import { type ProfileName, profileOf } from "#sandbox/profile.ts";
import { findProtected } from "#sandbox/protected.ts";
import { nothingShown } from "#sandbox/shown.ts";
import { assemble } from "#sandbox/seccomp.ts";
import { probeIds } from "#sandbox/self-probes.ts";
import { auditArch } from "#sandbox/syscalls.ts";

const dir = mkdtempSync(join(tmpdir(), "broke-probes-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const host = hostFacts();

/** A plan over folders of its own, with a stand-in for the gateway that answers `status`. */
function bench(profile: ProfileName, status = 401) {
  const root = mkdtempSync(join(dir, "run-"));
  const [workspace, home, socketDir, brokeHome] = ["work", "home", "socket", "broke"].map((name) => join(root, name));
  for (const folder of [workspace, home, socketDir, brokeHome]) mkdirSync(folder!);
  writeFileSync(join(brokeHome!, "broke.db"), "not for the client");
  writeFileSync(join(workspace!, ".npmrc"), "");
  libc.makePipe(join(root, "events"));
  const gateway = Bun.serve({ unix: join(socketDir!, "gateway.sock"), fetch: () => new Response(null, { status }) });
  const found = findProtected(workspace!);
  const plan = planSandbox({
    ...{
      profile: profileOf(profile),
      host,
      workspace: workspace!,
      tree: workspace!,
      objects: [],
      shown: nothingShown,
      ignored: [],
    },
    protect: { ...found, missing: [], pins: [] },
    ...{ home: home!, homeReadOnly: [], homeState: [], shims: undefined, events: join(root, "events") },
    ...{
      socketDir: socketDir!,
      tools: [],
      hidden: [brokeHome!],
      emptied: [],
      portMark: "{port}",
      egressMark: undefined,
    },
    ...{ argv: ["/bin/sh", "-c", "echo ran > ran"], env: { PATH: "/usr/bin:/bin" }, terminal: false },
  });
  return {
    plan,
    brokeHome: brokeHome!,
    ran: () => existsSync(join(workspace!, "ran")),
    stop: () => gateway.stop(true),
  };
}

type Bench = ReturnType<typeof bench>;

async function launched({ plan, stop }: Bench): Promise<{ end: SandboxEnd; passed: string[] }> {
  let passed: string[] = [];
  try {
    const events = { onProbed: (held: string[]) => void (passed = held) };
    const run = await launchSandbox(plan, host.arch, { kind: "pipes", stdin: "empty" }, events);
    return { end: await run.ended, passed };
  } finally {
    await stop();
  }
}

const openFilter = assemble({ arch: auditArch[host.arch], foreignBit: null, firstUnknown: null, rules: [] }).bytes;
const words = (plan: SandboxPlan, change: (words: string[]) => string[]) => ({ ...plan, words: change(plan.words) });
const without = (plan: SandboxPlan, option: string, length: number) =>
  words(plan, (all) => all.toSpliced(all.indexOf(option), length));

/** What is taken out, and which probes must notice. */
const breaches: [string, (bench: Bench) => SandboxPlan, string[], number?][] = [
  [
    "capabilities are kept",
    ({ plan }) => words(plan, (all) => all.with(all.indexOf("--cap-drop"), "--cap-add")),
    ["no privilege is kept and none can be gained"],
  ],
  [
    "BROKE_HOME is shown",
    ({ plan, brokeHome }) =>
      words(plan, (all) => all.toSpliced(all.indexOf("--chdir"), 0, "--ro-bind", brokeHome, brokeHome)),
    ["BROKE_HOME cannot be seen"],
  ],
  [
    "a protected name is bound for writing",
    ({ plan }) => words(plan, (all) => all.with(all.lastIndexOf("--ro-bind-fd"), "--bind-fd")),
    ["protected names cannot be written to"],
  ],
  [
    "the base filter lets everything pass",
    ({ plan }) => ({ ...plan, seccomp: openFilter }),
    [
      "no user namespace can be made",
      "nothing can be mounted",
      "the kernel's keyrings are closed",
      "nothing can be typed into the terminal",
      "no process can be traced",
    ],
  ],
  [
    "the client's own filter is missing",
    ({ plan }) => ({ ...plan, order: { ...plan.order, clientFilter: null } }),
    ["AF_UNIX is closed"],
  ],
  [
    "the host's network is shared",
    ({ plan }) => {
      const shared = without(plan, "--unshare-net", 1);
      const bridges = shared.order.bridges.map((bridge) => ({ ...bridge, port: 0 }));
      return { ...shared, order: { ...shared.order, bridges } };
    },
    ["the host's loopback is out of reach"],
  ],
  ["the gateway lets anybody in", ({ plan }) => plan, ["the gateway wants the run's token"], 200],
  ["the gateway is not there", ({ plan, stop }) => (void stop(), plan), ["the gateway wants the run's token"]],
];

for (const [name, change, noticed, status] of breaches) {
  test(`${name}: nothing runs`, async () => {
    const made = bench("strict", status);
    const { end, passed } = await launched({ ...made, plan: change(made) });
    expect({ end, passed, ran: made.ran() }).toEqual({
      end: {
        kind: "unobserved",
        reason: `the sandbox that was built does not hold (${noticed.join("; ")}), and nothing was run in it`,
      },
      passed: [],
      ran: false,
    });
  });
}

// Another user's kernel settings are refused by their permissions alone.
test.skipIf(host.uid !== 0)("(as root) the kernel's settings are mounted for writing: nothing runs", async () => {
  const made = bench("strict");
  const at = made.plan.words.findIndex((word, index, all) => word === "/proc/sys" && all[index - 1] === "--ro-bind");
  const { end } = await launched({ ...made, plan: words(made.plan, (all) => all.toSpliced(at - 1, 3)) });
  expect({ end, ran: made.ran() }).toEqual({
    end: {
      kind: "unobserved",
      reason:
        "the sandbox that was built does not hold (the kernel's settings cannot be written to), and nothing was run in it",
    },
    ran: false,
  });
});

test("what is tried follows from the profile", () => {
  const probesOf = (profile: ProfileName) => {
    const made = bench(profile);
    void made.stop();
    const { workspace, probes } = { workspace: made.plan.order.cwd, probes: made.plan.order.probes };
    const readOnly = probes.readOnly.map((path) => path.replace(workspace, "."));
    return { ...probes, readOnly, hidden: probes.hidden.map((path) => path.replace(made.brokeHome, "~")) };
  };
  const always = { arch: host.arch, hidden: ["~/broke.db"] };
  const confined = { ...always, readOnly: ["./.npmrc"], decoyPort: 0, closedUnix: true, closedPtrace: true };
  expect({ strict: probesOf("strict"), hardened: probesOf("hardened"), normal: probesOf("normal") }).toEqual({
    strict: confined,
    hardened: confined,
    normal: { ...always, readOnly: [], decoyPort: null, closedUnix: false, closedPtrace: false },
  });
});

describe("what holds is said, and the client starts", () => {
  const notInNormal = ["no process can be traced", "AF_UNIX is closed", "the host's loopback is out of reach"];
  for (const [profile, expected] of [
    ["strict", probeIds],
    ["hardened", probeIds],
    ["normal", probeIds.filter((id) => !notInNormal.includes(id) && id !== "protected names cannot be written to")],
  ] as const) {
    test(profile, async () => {
      const made = bench(profile);
      const { end, passed } = await launched(made);
      expect({ end, passed, ran: made.ran() }).toEqual({
        end: { kind: "exited", code: 0, signal: null },
        passed: [...expected],
        ran: true,
      });
    });
  }
});
