// Ordinary work with a browser in a strict run: a screenshot by headless Chromium. Its processes talk by Unix sockets (`--allow-unix`), and its own
// sandbox cannot be made inside ours (`--no-sandbox`): ours is around all of it.

import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { launchers, makeTree } from "#test/support/tree.ts";

const there = existsSync("/usr/bin/chromium");
const page =
  "<!doctype html><body style='background:#0a0'><h1>Hello</h1><canvas></canvas><script>document.title = 'ran'</script>\n";
const shoot = (file: string) =>
  `chromium --headless --no-sandbox --window-size=320,200 --screenshot="$PWD/${file}" "file://$PWD/page.html" 2>log`;

for (const launcher of launchers) {
  test.skipIf(!there)(
    `a screenshot by Chromium (needs /usr/bin/chromium), launched by ${launcher}`,
    async () => {
      using tree = makeTree(launcher, { "ws/page.html": page });
      const run = (flags: string[], file: string) =>
        tree.broke(["sandbox", "run", ...flags, "--", "sh", "-ec", shoot(file)], { cwd: tree.ws });
      const ran = await run(["--allow-unix"], "shot.png");
      expect({ code: ran.code, log: ran.code === 0 ? "" : readFileSync(join(tree.ws, "log"), "utf8") }).toEqual({
        code: 0,
        log: "",
      });
      const png = readFileSync(join(tree.ws, "shot.png"));
      // PNG (RFC 2083): the signature, then the header with width and height.
      expect(png.subarray(1, 4).toString("latin1")).toBe("PNG");
      expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([320, 200]);
      const without = await run([], "none.png");
      expect({ failed: without.code !== 0, shot: existsSync(join(tree.ws, "none.png")) }).toEqual({
        failed: true,
        shot: false,
      });
    },
    60_000,
  );
}
