// What of the host's /etc is in a root of our own: small files are copied into it, everything else is bound.

import { expect, test } from "bun:test";
import { type HostFacts, hostFacts } from "#sandbox/host.ts";
import { systemWords } from "#sandbox/mounts.ts";

const host: HostFacts = {
  ...hostFacts(),
  mergedDirs: {},
  present: new Set(["/etc/ssl", "/etc/services", "/etc/magic"]),
  copied: new Set(["/etc/services"]),
  localtime: undefined,
};
/** The words that end with a path. */
const about = (words: string[], path: string) => words.slice(words.indexOf(path) - 2, words.indexOf(path) + 1);

test("a small file is copied and cannot be written to; what is none is bound", () => {
  const { words, files } = systemWords(host, []);
  expect(words.join(" ")).toContain(
    "--ro-bind /etc/ssl /etc/ssl --perms 0444 --file {copy:/etc/services} /etc/services",
  );
  expect(words.join(" ")).toContain("--ro-bind /etc/magic /etc/magic");
  expect(files.filter(({ kind }) => kind === "copy")).toEqual([
    { kind: "copy", token: "{copy:/etc/services}", path: "/etc/services" },
  ]);
});

for (const [localtime, words] of [
  ["/usr/share/zoneinfo/Asia/Tokyo", ["--symlink", "/usr/share/zoneinfo/Asia/Tokyo", "/etc/localtime"]],
  ["/var/db/tz", ["--ro-bind", "/var/db/tz", "/etc/localtime"]],
] as const)
  test(`the time zone at ${localtime}`, () => {
    expect(about(systemWords({ ...host, localtime }, []).words, "/etc/localtime")).toEqual([...words]);
  });
