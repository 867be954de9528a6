// What the person at the terminal sees of the governor: the terminal's title, and nothing typed for them.

import { expect, test } from "bun:test";
import { LAUNCHER, makeBench } from "#test/support/broke.ts";
import { sit } from "#test/support/terminal.ts";

test("the title says what holds; the client's screen and input are its own; the old title comes back", async () => {
  using bench = makeBench();
  const script = "for i in 1 2 3 4 5 6 7 8 9 10; do touch f$i; done; touch g; echo code=$?; read x; echo got=$x.";
  const seat = sit(
    [
      ...[LAUNCHER, "harness", "run", "--client", "exec", "--policy", "high_assurance", "--workspace", "direct"],
      "--",
      "sh",
      "-c",
      script,
    ],
    { cwd: bench.workspace, env: bench.env },
  );
  await seat.until("code=126");
  const screen = seat.screen();
  expect(screen).toContain(
    "\u001b[22;2t\u001b]2;broke: governor: 8 writes and a risk of 0 since the last green verification\u0007",
  );
  expect(screen).toContain(
    "\u001b]2;broke: governor: verification only: too much was written since the last green verification\u0007",
  );
  expect(screen).toContain("broke: refused: too much was written");
  seat.type("own\r");
  await seat.until("got=own.");
  await seat.exited;
  expect(seat.screen()).toContain("\u001b[23;2t");
});
