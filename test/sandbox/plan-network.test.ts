// What a network changes in a plan: one more bridge, and nothing else. No word for bwrap, no mount, no filter.

import { describe, expect, test } from "bun:test";
import { hostFacts } from "#sandbox/host.ts";
import { type PlanInput, planSandbox } from "#sandbox/plan.ts";
import { nothingShown } from "#sandbox/shown.ts";
import { profileNames, profileOf } from "#sandbox/profile.ts";

const input = (profile: string, egressMark: string | undefined): PlanInput => ({
  profile: profileOf(profile),
  host: hostFacts(),
  workspace: "/srv/work",
  tree: "/srv/work",
  objects: [],
  protect: { files: [], dirs: [], missing: [], masked: [], pins: [] },
  shown: nothingShown,
  ignored: [],
  home: "/srv/run/home",
  homeReadOnly: [],
  homeState: [],
  shims: undefined,
  events: undefined,
  socketDir: "/srv/run/socket",
  tools: [],
  hidden: [],
  emptied: [],
  portMark: "{port}",
  egressMark,
  argv: ["true"],
  env: {},
  terminal: false,
});

describe.each([...profileNames])("%s", (profile) => {
  test("with a network there is a second bridge", () => {
    const without = planSandbox(input(profile, undefined));
    const plan = planSandbox(input(profile, "{egress}"));
    const [folder, port] = profile === "normal" ? ["/srv/run/socket", 0] : ["/run/broke/socket", 4001];
    const bridge = { port, socketPath: `${folder}/egress.sock`, mark: "{egress}" };
    expect(without.order.bridges).toHaveLength(1);
    expect(plan).toEqual({ ...without, order: { ...without.order, bridges: [...without.order.bridges, bridge] } });
  });

  test("without a socket folder there is neither", () => {
    expect(planSandbox({ ...input(profile, "{egress}"), socketDir: undefined }).order.bridges).toEqual([]);
  });
});

test("what a profile reaches by itself", () => {
  expect(profileNames.map((name) => [name, profileOf(name).net])).toEqual([
    ["strict", "none"],
    ["hardened", "public"],
    ["normal", "host"],
  ]);
});
