// The reader of the event pipe: whatever is written into it, and however much, the supervisor goes on.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readShimEvents } from "#harness/shim-events.ts";
import * as libc from "#sandbox/libc.ts";

let folder = "";
let pipe = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "broke-shim-events-"));
  pipe = join(folder, "events");
  libc.makePipe(pipe);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("what was written before the end is read, each event marked untrusted", async () => {
  const seen: unknown[] = [];
  await using reader = readShimEvents(pipe, (event, data) => seen.push([event, data]));
  writeFileSync(pipe, ["B", "7", "/ws", "git", "1", "status", "E", "7", "0", "rubbish", ""].join("\0"));
  await reader.drain();
  expect(seen).toEqual([
    ["command.started", { pid: 7, tool: "git", cwd: "/ws", args: ["status"], trust: "untrusted" }],
    ["command.completed", { pid: 7, code: 0, trust: "untrusted" }],
    ["command.omitted", { events: 0, garbage: 1, trust: "untrusted" }],
  ]);
});

test("writers without an end hold nobody up, and are only counted after a while", async () => {
  let events = 0;
  let omitted: unknown;
  const reader = readShimEvents(pipe, (event, data) => {
    if (event === "command.omitted") omitted = data;
    else events += 1;
  });
  const endless = `my $f = "E\\0001\\0000\\0" x 6000; open(my $p, "+<", $ARGV[0]); syswrite($p, $f) while 1`;
  const writers = Array.from({ length: 3 }, () => Bun.spawn(["perl", "-e", endless, pipe], { env: {} }));
  // Between any two timers of the supervisor's own no more than a piece or two: signals, the gateway and the end of the run depend on them.
  let [before, most, turns] = [0, 0, 0];
  while (events < 20_000 || turns < 50) {
    await Bun.sleep(1);
    most = Math.max(most, events - before);
    before = events;
    turns += 1;
  }
  expect(most).toBeLessThan(10_000);
  for (const writer of writers) writer.kill("SIGKILL");
  await Promise.all(writers.map((writer) => writer.exited));
  await reader.drain();
  expect(events).toBe(20_000);
  expect(omitted).toMatchObject({ trust: "untrusted" });
});
