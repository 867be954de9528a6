// Other paths of a folder, from the text of mountinfo.

import { expect, test } from "bun:test";
import { aliasesOf } from "#sandbox/mount-aliases.ts";

const line = (device: string, root: string, point: string, id = 1) =>
  `${id} 1 ${device} ${root} ${point} rw,relatime shared:1 - ext4 /dev/x rw\n`;
const root = line("8:1", "/", "/");

const cases: [string, string, string[]][] = [
  ["one mount, no other path", root, []],
  ["the whole file system again", root + line("8:1", "/", "/mnt/again"), ["/mnt/again/home/u/.broke"]],
  ["a part that holds it", root + line("8:1", "/home", "/srv/homes"), ["/srv/homes/u/.broke"]],
  ["it itself, at a path with a blank", root + line("8:1", "/home/u/.broke", "/mnt/a\\040b"), ["/mnt/a b"]],
  ["a part that does not hold it", root + line("8:1", "/home/u/.brok", "/mnt/a") + line("8:1", "/var", "/mnt/b"), []],
  ["another file system", root + line("8:2", "/", "/mnt/other"), []],
  ["what another mount covers", root + line("8:1", "/", "/mnt/a") + line("0:9", "/", "/mnt/a/home"), []],
  ["what was mounted over", root + line("8:1", "/", "/mnt/a") + line("0:9", "/", "/mnt/a"), []],
  [
    "a home that is a file system of its own",
    root + line("8:3", "/", "/home") + line("8:3", "/u", "/exports/u"),
    ["/exports/u/.broke"],
  ],
  [
    "twice, each once",
    root + line("8:1", "/home/u", "/m/1") + line("8:1", "/home/u", "/m/2"),
    ["/m/1/.broke", "/m/2/.broke"],
  ],
];
test.each(cases)("%s", (_, mountinfo, aliases) => {
  expect(aliasesOf("/home/u/.broke", mountinfo)).toEqual(aliases);
});

test("no mounts, no paths", () => expect(aliasesOf("/home/u/.broke", "")).toEqual([]));
