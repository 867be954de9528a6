// Named permission sets: what they say, what they cannot say, and that a set within another never allows more than that one does.

import { describe, expect, test } from "bun:test";
import { formatAddress, parseAddress } from "#sandbox/addresses.ts";
import { allowsVariable, parseEnvPermission } from "#sandbox/env-permission.ts";
import { parseHost } from "#sandbox/hosts.ts";
import { limitsOf } from "#sandbox/limits.ts";
import { decideAddress, decideHost, type NetPermission, parseNetPermission } from "#sandbox/net-permission.ts";
import { intersectFiles } from "#sandbox/path-permission.ts";
import { type ListFlags, noListFlags, noPermissionFlags } from "#sandbox/permission-flags.ts";
import { addFlags, narrowSet, parsePermissionSets, type PermissionSet } from "#sandbox/permission-sets.ts";
import { accessAt, PATHS, somePermission } from "#test/support/permissions.ts";
import { seeded } from "#test/support/random.ts";

const parse = (text: string) => parsePermissionSets(text, "broke.toml");
const flags = (changes: Partial<ListFlags>): ListFlags => ({ ...noListFlags, ...changes });

test("what a set says", () => {
  const sets = parse(`
    [permissions.build]
    profile = "hardened"
    timeout = "10m"
    limits = { memory = "2g", pids = 100 }
    allow-read = ["../lib", "a,b"]
    allow-net = true
    deny-net = ["evil.example"]
    deny-write = true
    allow-env = ["CI", "NPM_*"]
    [permissions.all]
    allow-all = true
    deny-env = true
    [permissions.nothing]
  `);
  expect([...sets]).toEqual([
    [
      "build",
      {
        profile: "hardened",
        flags: {
          ...noPermissionFlags,
          read: flags({ allow: ["../lib", "a,,b"] }),
          write: flags({ denyAll: true }),
          net: flags({ any: true, deny: ["evil.example"] }),
          env: flags({ allow: ["CI", "NPM_*"] }),
        },
        limits: { timeoutMs: 600_000, memoryBytes: 2 * 1024 ** 3, processes: 100 },
      },
    ],
    [
      "all",
      {
        profile: undefined,
        flags: {
          ...noPermissionFlags,
          ...{ read: flags({ any: true }), write: flags({ any: true }), net: flags({ any: true }) },
          run: flags({ any: true }),
          env: flags({ denyAll: true }),
        },
        limits: {},
      },
    ],
    ["nothing", { profile: undefined, flags: noPermissionFlags, limits: {} }],
  ]);
});

describe("what a set cannot say", () => {
  const cases: [string, string, string][] = [
    ["[permissions.x", "config", "is not TOML"],
    ["permissions = 1", "usage", "is a table of sets"],
    ["[permissions.x]\nallow-nett = true", "usage", "unknown key"],
    ["[permissions.x]\nprofile = 'none'", "usage", "profile is not what it can be"],
    ["[permissions.x]\nallow-net = 'a.com'", "usage", "allow-net is true or a list"],
    ["[permissions.x]\nallow-net = [1]", "usage", "allow-net is true or a list"],
    ["[permissions.x]\nallow-all = true\nallow-net = true", "usage", "allows net already"],
    ["[permissions.x]\nlimits = { memory = '1k' }", "usage", "memory takes"],
    ["[permissions.x]\nlimits = { memory = '1g,pids=4' }", "usage", "a limit is one amount"],
    ["[permissions.x]\ntimeout = 'soon'", "usage", "--timeout takes"],
    ["[permissions.'a b']\n", "usage", "a name that is none"],
    ["[permissions]\nx = 3", "usage", "is not what it can be"],
  ];
  test.each(cases)("%p", (text, kind, words) => {
    const wanted = expect.objectContaining({ kind, message: expect.stringContaining(words) });
    expect(() => parse(text)).toThrow(wanted);
  });
});

describe("within another", () => {
  const limits = limitsOf("strict", {}, { memoryBytes: 64 * 1024 ** 3, terminal: false });
  const set = (changes: Partial<PermissionSet>): PermissionSet => ({
    ...{ profile: undefined, flags: noPermissionFlags, limits: {} },
    ...changes,
  });

  test("the stricter profile, also where the outer one names none", () => {
    const profiles = [undefined, "strict", "hardened", "normal"] as const;
    const found = profiles.map((outer) =>
      profiles.map((inner) => narrowSet(set({ profile: inner }), set({ profile: outer }), limits).profile),
    );
    expect(found).toEqual([
      [undefined, "strict", "strict", "strict"],
      ["strict", "strict", "strict", "strict"],
      ["hardened", "strict", "hardened", "hardened"],
      ["normal", "strict", "hardened", "normal"],
    ]);
  });

  test("what holds nothing bounds nothing but variables; what a profile gives by itself is no bound that flags narrow", () => {
    const env = flags({ allow: ["CI"] });
    const outer = set({ profile: "normal", flags: { ...noPermissionFlags, env } });
    const bare = flags({ any: true });
    expect(narrowSet(set({ profile: "strict" }), outer, limits).bounds).toEqual({
      ...noPermissionFlags,
      read: bare,
      write: bare,
      net: bare,
      env,
    });
    const hardened = set({ profile: "hardened", flags: { ...noPermissionFlags, net: flags({ deny: ["a.example"] }) } });
    expect(narrowSet(set({}), hardened, limits).bounds).toEqual({
      ...noPermissionFlags,
      net: flags({ any: true, deny: ["a.example"] }),
    });
    expect(narrowSet(set({ profile: "strict" }), hardened, limits).bounds.net).toEqual(flags({ deny: ["a.example"] }));
  });

  test("the smaller limits, the profile's own included", () => {
    const inner = set({ limits: { memoryBytes: 1024 ** 4, processes: 50, timeoutMs: 5000 } });
    const outer = set({ limits: { processes: 100 } });
    const narrowed = narrowSet(inner, outer, { ...limits, processes: 100 });
    expect(narrowed.limits).toEqual({ memoryBytes: 8 * 1024 ** 3, processes: 50, timeoutMs: 5000 });
  });
});

// By chance, from few words, so that what is allowed and what is denied meet often.
const SEED = Number(process.env["BROKE_SEED"] ?? 20_261_126);
const random = seeded(SEED);
const some = <T>(items: T[]): T[] => items.filter(() => random.below(3) === 0);
const maybe = () => random.below(4) === 0;
const HOSTS = ["a.example", "b.a.example", "*.a.example", "10.0.0.1", "10.0.0.0/8", "a.example:8443", "192.0.2.7"];
const ADDRESSES = ["93.184.216.34", "10.0.0.1", "10.9.9.9", "127.0.0.1", "192.0.2.7", "169.254.169.254"];

function someFlags(words: string[]): ListFlags {
  const [allow, deny] = [some(words), some(words)];
  return { any: maybe(), allow, denyAll: false, deny: deny.filter((word) => !allow.includes(word)) };
}

test(`by chance (seed ${SEED}): the network within another reaches nothing that one does not`, () => {
  for (let round = 0; round < 3000; round++) {
    const base = maybe() ? "public" : "none";
    const [inner, outer] = [HOSTS, HOSTS].map((words) => parseNetPermission(someFlags(words), base));
    if (inner === undefined || outer === undefined) continue;
    const both: NetPermission = { ...inner, within: outer };
    for (const name of ["a.example", "b.a.example", "c.example", "10.0.0.1", "192.0.2.7"]) {
      for (const port of [443, 80, 8443]) {
        const host = parseHost(name)!;
        const [narrow, wide] = [decideHost(both, host, port), decideHost(outer, host, port)];
        expect({ name, port, more: narrow.allowed && !wide.allowed }).toEqual({ name, port, more: false });
        if (!narrow.allowed || !wide.allowed) continue;
        for (const text of ADDRESSES) {
          const address = parseAddress(text)!;
          const at = (permission: NetPermission, rule: string) =>
            decideAddress(permission, address, port, { rule, own: text === "127.0.0.1" }).allowed;
          const more = at(both, narrow.rule) && !at(outer, wide.rule);
          expect({ name, port, address: formatAddress(address), more }).toMatchObject({ more: false });
        }
      }
    }
  }
});

test(`by chance (seed ${SEED}): variables within another are among that one's`, () => {
  const words = ["A", "A_B", "A_*", "A_TOKEN", "LD_PRELOAD", "B"];
  const taken = { own: new Set<string>(), keys: new Set<string>() };
  for (let round = 0; round < 3000; round++) {
    const [inner, outer, over] = [words, words, words].map((each) => someFlags(each));
    const laid = [inner!, outer!].map(
      (each) => addFlags({ ...noPermissionFlags, env: each }, { ...noPermissionFlags, env: over! }).env,
    );
    if (laid.some(({ allow, deny }) => allow.some((word) => deny.includes(word)))) continue;
    const [narrow, wide] = laid.map((each) => parseEnvPermission(each, taken)) as [never, never];
    for (const name of ["A", "A_B", "A_C", "A_TOKEN", "LD_PRELOAD", "B", "C"]) {
      const passed = [narrow, wide].every((permission) => allowsVariable(permission, name, taken));
      if (passed) expect(allowsVariable(wide, name, taken)).toBe(true);
    }
  }
});

test(`by chance (seed ${SEED}): files within another are among that one's, secrets too`, () => {
  for (let round = 0; round < 5000; round++) {
    const [inner, outer] = [somePermission(random), somePermission(random)];
    const both = intersectFiles(inner, outer);
    for (const path of [...PATHS, "/h/.ssh/other", "/h/p/x", "/x"]) {
      const [narrow, a, b] = [both, inner, outer].map((each) => accessAt(each, path));
      expect({ path, inner, outer, more: (narrow!.read && !b!.read) || (narrow!.write && !b!.write) }).toMatchObject({
        more: false,
      });
      expect({ path, inner, outer, more: (narrow!.read && !a!.read) || (narrow!.write && !a!.write) }).toMatchObject({
        more: false,
      });
    }
  }
});
