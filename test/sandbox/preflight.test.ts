// Which kernel setting forbids a sandbox, named with its value and its remedy.

import { describe, expect, test } from "bun:test";
import { isRoots, namespaceObstacle } from "#sandbox/preflight.ts";

const APPARMOR = "kernel/apparmor_restrict_unprivileged_userns";
const CLONE = "kernel/unprivileged_userns_clone";
const MAXIMUM = "user/max_user_namespaces";

const apparmor = {
  message: "AppArmor forbids unprivileged user namespaces (kernel.apparmor_restrict_unprivileged_userns=1)",
  hint: "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or give /usr/bin/bwrap an AppArmor profile that allows userns",
};
const clone = {
  message: "unprivileged user namespaces are off (kernel.unprivileged_userns_clone=0)",
  hint: "sysctl -w kernel.unprivileged_userns_clone=1",
};
const maximum = {
  message: "user namespaces are off (user.max_user_namespaces=0)",
  hint: "sysctl -w user.max_user_namespaces=10000",
};

const cases: [string, Record<string, string>, { message: string; hint: string } | undefined][] = [
  ["a kernel without any of the settings", {}, undefined],
  ["everything allowed", { [APPARMOR]: "0", [CLONE]: "1", [MAXIMUM]: "63432" }, undefined],
  ["Ubuntu's AppArmor restriction", { [APPARMOR]: "1", [CLONE]: "1", [MAXIMUM]: "63432" }, apparmor],
  ["Debian's older switch", { [CLONE]: "0", [MAXIMUM]: "63432" }, clone],
  ["RHEL's number of namespaces", { [MAXIMUM]: "0" }, maximum],
  ["a small number is still one", { [MAXIMUM]: "1" }, undefined],
  ["several at once: the one that is met first", { [APPARMOR]: "1", [CLONE]: "0", [MAXIMUM]: "0" }, apparmor],
  ["two at once", { [APPARMOR]: "0", [CLONE]: "0", [MAXIMUM]: "0" }, clone],
];

for (const [name, settings, obstacle] of cases) {
  test(name, () => expect(namespaceObstacle((setting) => settings[setting])).toEqual(obstacle));
}

test("only settings about namespaces are read", () => {
  const asked: string[] = [];
  namespaceObstacle((setting) => void asked.push(setting));
  expect(asked).toEqual([APPARMOR, CLONE, MAXIMUM]);
});

describe("whose a helper is", () => {
  const alone = "      1001       1001          1\n";
  const tree = (options: string) => `138 44 0:54 / /h/runs/r/tree rw - overlay overlay rw,${options},userxattr\n`;
  const places: Record<string, [map: string, mounts: string]> = {
    "on the host": ["         0          0 4294967295\n", tree("lowerdir=/proc/self/fd/9")],
    "in a view": [alone, `30 1 254:0 / / rw - ext4 /dev/vda rw\n${tree("lowerdir=/proc/self/fd/9,upperdir=upper")}`],
    "in a view to look": [alone, tree("lowerdir=upper:/proc/self/fd/9")],
    "in a namespace of another": [alone, tree("lowerdir=/a,upperdir=/b,workdir=/c")],
  };
  const rows: [place: string, uid: number, expected: boolean][] = [
    ["on the host", 0, true],
    ["on the host", 65534, false],
    ["on the host", 1001, false],
    ["in a view", 65534, true],
    ["in a view", 1001, false],
    ["in a view to look", 65534, true],
    ["in a namespace of another", 65534, false],
  ];
  test.each(rows)("%s, of %d: root's %p", (place, uid, expected) => {
    const [map, mounts] = places[place]!;
    const files: Record<string, string> = {
      "/proc/self/uid_map": map,
      "/proc/self/mountinfo": mounts,
      "/proc/sys/kernel/overflowuid": "65534\n",
    };
    expect(isRoots(uid, (path) => files[path]!)).toBe(expected);
  });
});
