// A run's shims are those that were written, and nothing else.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  constants,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as libc from "#sandbox/libc.ts";
import { makeFrameParser } from "#shims/frames.ts";
import { areShims, installShims } from "#shims/install.ts";

const shimming = { events: "/events", tellsEnds: true };
let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "broke-shims-"));
  mkdirSync(join(root, "bin"));
  for (const tool of ["git", "npm"]) writeFileSync(join(root, "bin", tool), "");
  expect(installShims(join(root, "shims"), [join(root, "bin")], shimming).sort()).toEqual(["git", "npm"]);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
const same = () => areShims(join(root, "shims"), [join(root, "bin")], shimming);

test("as they were written", () => expect(same()).toBe(true));

for (const [name, change] of [
  ["one changed", () => (chmodSync(join(root, "shims/git"), 0o755), writeFileSync(join(root, "shims/git"), "evil"))],
  ["one more", () => writeFileSync(join(root, "shims/ls"), "evil")],
  ["one missing", () => rmSync(join(root, "shims/npm"))],
  ["one replaced by a link", () => (rmSync(join(root, "shims/git")), symlinkSync("npm", join(root, "shims/git")))],
] as [string, () => void][]) {
  test(name, () => {
    change();
    expect(same()).toBe(false);
  });
}

for (const tellsEnds of [true, false]) {
  const how = tellsEnds ? "becomes the tool, whose end others see" : "comes back to say how the tool ended";
  test(`it says what it starts, hands on every word as it is, and ${how}`, async () => {
    const [bin, shims, events] = [join(root, "tools"), join(root, "own"), join(root, "it's the pipe")];
    mkdirSync(bin);
    writeFileSync(join(bin, "git"), `#!/bin/sh\nprintf '%s\\n' "$$" "$@"\nexit 7\n`, { mode: 0o755 });
    libc.makePipe(events);
    const pipe = openSync(events, constants.O_RDWR | constants.O_NONBLOCK);
    installShims(shims, [bin], { events, tellsEnds });
    const child = Bun.spawn([join(shims, "git"), "commit", "-m", 'it\'s "so" * $HOME'], { cwd: root, env: {} });
    const [pid = "", ...words] = (await new Response(child.stdout).text()).trimEnd().split("\n");
    const code = await child.exited;
    const buffer = Buffer.alloc(4096);
    const frames = makeFrameParser().push(buffer.subarray(0, readSync(pipe, buffer)));
    closeSync(pipe);
    const args = ["commit", "-m", 'it\'s "so" * $HOME'];
    expect({ code, words, frames, same: Number(pid) === child.pid }).toEqual({
      code: 7,
      words: args,
      frames: [
        { kind: "started", pid: child.pid, cwd: root, tool: "git", args },
        ...(tellsEnds ? [] : [{ kind: "completed" as const, pid: child.pid, code: 7 }]),
      ],
      same: tellsEnds,
    });
  });
}
