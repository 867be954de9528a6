// What bwrap is told for each profile, read back from the plan: nothing secret in it, everything named in it closed.

import { describe, expect, test } from "bun:test";
import { baseFilter, clientFilter, listenerFilter } from "#sandbox/filters.ts";
import type { HostFacts } from "#sandbox/host.ts";
import { ETC_PATHS, PROC_EMPTIED, PROC_MASKED, PROC_READ_ONLY } from "#sandbox/mounts.ts";
import { insidePaths, type PlanInput, planSandbox } from "#sandbox/plan.ts";
import { nothingShown } from "#sandbox/shown.ts";
import { profileNames, profileOf } from "#sandbox/profile.ts";

const SECRET = "brokerun_c2VjcmV0LXNlY3JldC1zZWNyZXQ";
const host: HostFacts = {
  arch: "x86_64",
  uid: 1000,
  gid: 1000,
  mergedDirs: { "/bin": { kind: "link", target: "usr/bin" }, "/lib64": { kind: "directory" }, "/lib32": undefined },
  present: new Set(["/etc/ssl", "/etc/terminfo", "/proc/sys", "/proc/kcore", "/proc/acpi"]),
  localtime: "/usr/share/zoneinfo/Europe/Berlin",
  bun: "/srv/app/node_modules/bun/bin/bun",
  sandboxDir: "/srv/app/sandbox",
  ...{ tellsEnds: true, copied: new Set<string>() },
};

const WORKSPACE = "/srv/work/my project";
const RUN = "/srv/user/.broke/runs/run_1_aa";

function input(profile: string, changes: Partial<PlanInput> = {}): PlanInput {
  return {
    profile: profileOf(profile),
    host,
    ...{ workspace: WORKSPACE, tree: WORKSPACE, objects: [] },
    protect: {
      files: [".npmrc"],
      dirs: [".git/hooks"],
      missing: [{ path: ".claude/settings.json", kind: "file" }],
      masked: ["deep/.env"],
      pins: [".claude", ".git", "deep"],
    },
    ...{ shown: nothingShown, ignored: [".claude", ".claude/settings.json"] },
    home: `${RUN}/home`,
    homeReadOnly: [".claude/settings.json"],
    homeState: [],
    shims: `${RUN}/shims`,
    events: `${RUN}/events`,
    socketDir: `${RUN}/socket`,
    tools: [
      { source: "/srv/user/node/bin/node", target: "/srv/user/node/bin/node", mode: "read" },
      { link: "../lib/node_modules/npm/bin/npm-cli.js", target: "/srv/user/node/bin/npm" },
    ],
    ...{ hidden: ["/srv/user/.broke"], emptied: [] },
    ...{ portMark: "{port}", egressMark: undefined },
    argv: ["/opt/broke/clients/claude", "-p", `say ${SECRET}`],
    env: { PATH: "/run/broke/shims:/usr/bin", ANTHROPIC_AUTH_TOKEN: SECRET, BROKE_TEST: "BROKE_TEST value" },
    terminal: false,
    ...changes,
  };
}

/** The options before the program, with the words each takes (bwrap(1)). */
const ARITY: Record<string, number> = {
  ...{ "--bind": 2, "--ro-bind": 2, "--dev-bind": 2, "--bind-fd": 2, "--ro-bind-fd": 2, "--ro-bind-data": 2 },
  ...{ "--symlink": 2, "--setenv": 2, "--proc": 1, "--dev": 1, "--tmpfs": 1, "--dir": 1, "--remount-ro": 1 },
  ...{ "--size": 1, "--perms": 1, "--uid": 1, "--gid": 1, "--hostname": 1, "--cap-drop": 1, "--chdir": 1, "--file": 2 },
};

function options(words: string[]): string[][] {
  const found: string[][] = [];
  for (let at = 0; at < words.indexOf("--");) {
    const option = words[at]!;
    const length = 1 + (ARITY[option] ?? 0);
    if (!option.startsWith("--")) throw new Error(`not an option: ${option}`);
    found.push(words.slice(at, at + length));
    at += length;
  }
  return found;
}

const planned = (profile: string, changes?: Partial<PlanInput>) => {
  const plan = planSandbox(input(profile, changes));
  return { plan, options: options(plan.words) };
};
const having = (found: string[][], name: string) => found.filter(([option]) => option === name);

describe.each([...profileNames])("%s", (profile) => {
  test("same input, same plan, and the input is left as it was", () => {
    const given = input(profile);
    const before = structuredClone({ ...given, host: null });
    expect(planSandbox(given)).toEqual(planSandbox(input(profile)));
    expect(structuredClone({ ...given, host: null })).toEqual(before);
  });

  test("namespaces, identity and capabilities", () => {
    const flags = planned(profile).options.filter(([option]) =>
      /^--(unshare|disable|as-|cap|die|new|clear|share)/.test(option!),
    );
    const net = profile === "normal" ? [] : [["--unshare-net"]];
    expect(flags).toEqual([
      ...[["--unshare-user"], ["--disable-userns"], ["--unshare-pid"], ...net, ["--unshare-ipc"], ["--unshare-uts"]],
      ...[["--unshare-cgroup-try"], ["--as-pid-1"], ["--cap-drop", "ALL"], ["--die-with-parent"], ["--new-session"]],
      ["--clearenv"],
    ]);
    const identity = planned(profile).options.filter(([option]) => /^--(uid|gid|hostname)$/.test(option!));
    expect(identity).toEqual([
      ["--uid", "1000"],
      ["--gid", "1000"],
      ["--hostname", "broke"],
    ]);
  });

  test("a session of its own only where there is no terminal", () => {
    expect(having(planned(profile, { terminal: true }).options, "--new-session")).toEqual([]);
    expect(having(planned(profile, { terminal: false }).options, "--new-session")).toEqual([["--new-session"]]);
  });

  test("nothing of the client's command and environment is in a word or a file", () => {
    const { plan } = planned(profile);
    const said = (file: object) => ("bytes" in file ? Buffer.from(file.bytes as Uint8Array) : JSON.stringify(file));
    const files = plan.files.map((file) => said(file).toString());
    for (const text of [...plan.words, ...files]) {
      expect(text).not.toContain(SECRET);
      expect(text).not.toContain("BROKE_");
      expect(text).not.toContain("ANTHROPIC");
    }
    expect(having(planned(profile).options, "--setenv")).toEqual([
      ["--setenv", "BUN_RUNTIME_TRANSPILER_CACHE_PATH", "0"],
    ]);
  });

  test("the order for init", () => {
    const { order, seccomp } = planned(profile).plan;
    const { probes: _, ...rest } = order; // test/sandbox/self-probes.test.ts
    const normal = profile === "normal";
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
    expect(rest).toEqual({
      kind: "start",
      argv: input(profile).argv,
      env: input(profile).env,
      cwd: WORKSPACE,
      umask: profile === "hardened" ? 0o077 : 0o022,
      terminal: false,
      listenerFilter: base64(listenerFilter("x86_64").bytes),
      clientFilter: normal ? null : base64(clientFilter("x86_64").bytes),
      seccompCall: 317,
      limits: profileOf(profile).limits,
      bridges: [
        { port: normal ? 0 : 4000, socketPath: `${normal ? RUN : "/run/broke"}/socket/gateway.sock`, mark: "{port}" },
      ],
    });
    expect(seccomp).toEqual(baseFilter("x86_64", { profile }).bytes);
  });

  test("the other architecture has its own filters and numbers", () => {
    const { order, seccomp } = planned(profile, { host: { ...host, arch: "aarch64" } }).plan;
    expect(order.seccompCall).toBe(277);
    expect(seccomp).toEqual(baseFilter("aarch64", { profile }).bytes);
  });

  test("without a socket folder there is no bridge", () => {
    expect(planned(profile, { socketDir: undefined }).plan.order.bridges).toEqual([]);
  });

  test("every token stands in the words once and for one file, and no word holds a NUL", () => {
    const { plan } = planned(profile);
    for (const { token } of plan.files) expect(plan.words.filter((word) => word === token)).toEqual([token]);
    expect(new Set(plan.files.map(({ token }) => token)).size).toBe(plan.files.length);
    expect(plan.words.filter((word) => word.includes("\0"))).toEqual([]);
  });

  test("the program is our Bun, told to read nothing of the folder it is in", () => {
    const { plan } = planned(profile);
    const [bun, init] =
      profile === "normal"
        ? [host.bun, `${host.sandboxDir}/init.ts`]
        : ["/opt/broke/bun", "/opt/broke/sandbox/init.ts"];
    expect(plan.words.slice(plan.words.indexOf("--chdir"))).toEqual([
      ...["--chdir", "/", "--", bun, "--config=/dev/null", "--no-env-file", init],
    ] as string[]);
  });
});

describe.each(["strict", "hardened"])("the file system of %s", (profile) => {
  const { plan, options: found } = planned(profile);

  test("only the run's own folders are writable by path; the workspace is bound by descriptor", () => {
    expect(having(found, "--bind")).toEqual([
      ["--bind", `${RUN}/home`, "/home/agent"],
      ["--bind", `${RUN}/events`, "/run/broke/events"],
    ]);
    expect(having(found, "--dev-bind")).toEqual([]);
    expect(having(found, "--bind-fd").map(([, , target]) => target)).toEqual([
      ...[WORKSPACE, `${WORKSPACE}/.claude`, `${WORKSPACE}/.git`, `${WORKSPACE}/deep`],
    ]);
  });

  test("what is bound read-only, source and target", () => {
    expect(having(found, "--ro-bind").map(([, source, target]) => [source, target] as [string, string])).toEqual([
      ["/usr", "/usr"],
      ["/lib64", "/lib64"],
      ["/etc/ssl", "/etc/ssl"],
      ["/etc/terminfo", "/etc/terminfo"],
      ["/proc/sys", "/proc/sys"],
      ["/dev/null", "/proc/kcore"],
      [host.bun, "/opt/broke/bun"],
      ["/srv/user/node/bin/node", "/srv/user/node/bin/node"],
      [`${RUN}/home/.claude/settings.json`, "/home/agent/.claude/settings.json"],
      [`${RUN}/shims`, "/run/broke/shims"],
      [`${RUN}/socket`, "/run/broke/socket"],
      ["/dev/null", `${WORKSPACE}/deep/.env`],
    ]);
    expect(having(found, "--symlink").map((words) => words.slice(1))).toEqual([
      ["usr/bin", "/bin"],
      ["/usr/share/zoneinfo/Europe/Berlin", "/etc/localtime"],
      ["/tmp", "/var/tmp"],
      ["../lib/node_modules/npm/bin/npm-cli.js", "/srv/user/node/bin/npm"],
    ]);
  });

  test("the workspace at its own path, protected names read-only above it, all opened beneath it", () => {
    const at = (option: string, path: string) => ({ kind: "path" as const, token: `{path:${option}:${path}}` });
    expect(plan.files.filter((file) => file.kind === "path")).toEqual([
      { ...at("--bind-fd", WORKSPACE), path: WORKSPACE, beneath: undefined },
      { ...at("--bind-fd", `${WORKSPACE}/.claude`), path: ".claude", beneath: WORKSPACE },
      { ...at("--bind-fd", `${WORKSPACE}/.git`), path: ".git", beneath: WORKSPACE },
      { ...at("--bind-fd", `${WORKSPACE}/deep`), path: "deep", beneath: WORKSPACE },
      { ...at("--ro-bind-fd", `${WORKSPACE}/.npmrc`), path: ".npmrc", beneath: WORKSPACE },
      { ...at("--ro-bind-fd", `${WORKSPACE}/.git/hooks`), path: ".git/hooks", beneath: WORKSPACE },
      {
        ...at("--ro-bind-fd", `${WORKSPACE}/.claude/settings.json`),
        path: ".claude/settings.json",
        beneath: WORKSPACE,
      },
    ]);
  });

  test("a mount that covers another comes after it", () => {
    const order = [
      ...["/usr", "/proc", "/proc/sys", "/dev", "/dev/shm", "/tmp", "/home/agent", "/home/agent/.claude/settings.json"],
      ...[WORKSPACE, `${WORKSPACE}/.git`, `${WORKSPACE}/.git/hooks`],
    ];
    const mounts = found.filter(([option]) => /^--(ro-)?bind|^--(tmpfs|proc|dev)$/.test(option!));
    const positions = order.map((target) => mounts.findIndex((words) => words.at(-1) === target));
    expect(positions.every((position) => position >= 0)).toBe(true);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect(found.slice(-2)).toEqual([
      ["--remount-ro", "/"],
      ["--chdir", "/"],
    ]);
  });

  test("the user's own state lies over the home and what is regenerated; an emptied folder over the workspace", () => {
    const [source, target] = ["/srv/user/.claude/projects", "/home/agent/.claude/projects"] as const;
    const { options } = planned(profile, { homeState: [{ source, target, mode: "write" }], emptied: [".gemini"] });
    const at = (words: string[]) => options.findIndex((option) => Bun.deepEquals(option, words));
    const order = [
      at(["--bind", `${RUN}/home`, "/home/agent"]),
      at(["--ro-bind", `${RUN}/home/.claude/settings.json`, "/home/agent/.claude/settings.json"]),
      at(["--bind", source, target]),
      options.findIndex((option) => option[0] === "--bind-fd" && option.at(-1) === WORKSPACE),
      at(["--tmpfs", `${WORKSPACE}/.gemini`]),
      at(["--remount-ro", `${WORKSPACE}/.gemini`]),
    ];
    expect(order[0]).toBeGreaterThan(0);
    expect(order).toEqual(order.toSorted((a, b) => a - b));
  });

  test("identity files are ours, and name what git should not offer to commit", () => {
    const data = plan.files.flatMap((file) =>
      file.kind === "data" ? [[file.token, new TextDecoder().decode(file.bytes)]] : [],
    );
    expect(data.map(([token]) => token)).toEqual(
      ["passwd", "group", "hosts", "nsswitch.conf", "resolv.conf", "profile", "gitconfig", "gitexclude"].map(
        (name) => `{data:/etc/${name}}`,
      ),
    );
    expect(Object.fromEntries(data)["{data:/etc/gitexclude}"]).toBe(".claude\n.claude/settings.json\n");
    expect(Object.fromEntries(data)["{data:/etc/passwd}"]).not.toContain("user");
  });

  test("a kernel view the host has is masked, sealed or emptied", () => {
    const present = new Set([...ETC_PATHS, ...PROC_MASKED, ...PROC_READ_ONLY, ...PROC_EMPTIED]);
    const all = planned(profile, { host: { ...host, present } }).options;
    const reads = having(all, "--ro-bind");
    for (const path of PROC_MASKED) expect(reads).toContainEqual(["--ro-bind", "/dev/null", path]);
    for (const path of PROC_READ_ONLY) expect(reads).toContainEqual(["--ro-bind", path, path]);
    for (const path of PROC_EMPTIED) {
      const at = all.findIndex(([option, target]) => option === "--tmpfs" && target === path);
      expect([all[at - 1], all[at + 1]]).toEqual([
        ["--size", "4096"],
        ["--remount-ro", path],
      ]);
    }
  });

  test("odd characters in a path stay in their one word", () => {
    const workspace = "/srv/a b\n--bind / /\n'\"$(x)\t{path}";
    const odd = "line\nbreak/.git";
    const names = { files: [`${odd}/config`], masked: [`${odd}.env`], pins: ["line\nbreak", odd] };
    const { plan: strange } = planned(profile, { workspace, protect: { ...names, dirs: [], missing: [] } });
    const targets = options(strange.words).flatMap((words) =>
      words.at(-1)!.startsWith(workspace) ? [words[0], words.at(-1)] : [],
    );
    expect(targets).toEqual([
      ...["--bind-fd", workspace, "--bind-fd", `${workspace}/line\nbreak`, "--bind-fd", `${workspace}/${odd}`],
      ...["--ro-bind", `${workspace}/${odd}.env`, "--ro-bind-fd", `${workspace}/${odd}/config`],
    ]);
    expect(strange.order.cwd).toBe(workspace);
  });
});

test("normal shows the host, but for the folder with the keys and the ledgers", () => {
  const { plan, options: found } = planned("normal");
  expect(plan.files).toEqual([]);
  const mounts = found.filter(([option]) => /bind|tmpfs|remount/.test(option!));
  expect(mounts.filter((words) => !words.some((word) => word.startsWith("/proc")))).toEqual([
    ["--bind", "/", "/"],
    ["--dev-bind", "/dev", "/dev"],
    ["--tmpfs", "/srv/user/.broke"],
    ["--bind", `${RUN}/home`, `${RUN}/home`],
    ["--ro-bind", `${RUN}/home/.claude/settings.json`, `${RUN}/home/.claude/settings.json`],
    ["--ro-bind", `${RUN}/shims`, `${RUN}/shims`],
    ["--bind", `${RUN}/events`, `${RUN}/events`],
    ["--ro-bind", `${RUN}/socket`, `${RUN}/socket`],
    ["--remount-ro", "/srv/user/.broke"],
  ]);
});

test("where the run's own files stand inside", () => {
  const { home, shims, events, socketDir } = input("strict");
  const paths = { home, shims, events, socketDir, shown: nothingShown };
  const inside = {
    home: "/home/agent",
    shims: "/run/broke/shims",
    events: "/run/broke/events",
    sockets: "/run/broke/socket",
  };
  expect(insidePaths({ ...paths, profile: profileOf("strict") })).toEqual(inside);
  expect(insidePaths({ ...paths, profile: profileOf("hardened") })).toEqual(inside);
  expect(insidePaths({ ...paths, profile: profileOf("normal") })).toEqual({
    ...{ home, shims: `${RUN}/shims`, events: `${RUN}/events`, sockets: `${RUN}/socket` },
  });
});

test("a word that names no profile is an error, never less protection", () => {
  for (const word of ["", "Strict", "none", "off", "constructor", "__proto__", "strict ", "relaxed"]) {
    expect(() => profileOf(word)).toThrow(
      expect.objectContaining({ kind: "usage", message: "unknown sandbox profile" }),
    );
  }
});
