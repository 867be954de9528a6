// Clients and node installed below a person's home: shown inside file by file, read-only, and nothing else of that home with them.

import { expect, test } from "bun:test";
import {
  copyFileSync,
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { makeBench, ROOT } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, task, tool } from "#test/support/upstream/script.ts";

const SECRET = "a-secret-of-the-home";

function place(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  try {
    linkSync(from, to);
  } catch {
    copyFileSync(from, to);
  }
}

/** The real claude binary where its native installer puts it. */
function installNatively(home: string): void {
  const versions = join(home, ".local", "share", "claude", "versions");
  place(realpathSync(join(ROOT, "node_modules", ".bin", "claude")), join(versions, "2.1.330"));
  writeFileSync(join(versions, "..", "secret.txt"), SECRET);
  mkdirSync(join(home, ".local", "bin"), { recursive: true });
  symlinkSync(join(versions, "2.1.330"), join(home, ".local", "bin", "claude"));
}

test("claude from the native installer, node from nvm", async () => {
  using bench = makeBench();
  const home = bench.env["HOME"]!;
  installNatively(home);
  const prefix = join(home, ".nvm", "versions", "node", "v22.0.0");
  place(realpathSync(Bun.which("node")!), join(prefix, "bin", "node"));
  writeFileSync(join(home, ".nvm", "secret.txt"), SECRET);
  cpSync(join(realpathSync(Bun.which("npm")!), "..", ".."), join(prefix, "lib", "node_modules", "npm"), {
    recursive: true,
  });
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(prefix, "bin", "npm"));
  const command =
    "node -e 'console.log(process.execPath)' > node.txt; npm --version > npm.txt; cat ~/.nvm/secret.txt /proc/self/root$REAL_HOME/.nvm/secret.txt; ls $REAL_HOME/.nvm $REAL_HOME/.local/share/claude > seen.txt 2>&1; touch $REAL_HOME/.nvm/versions/node/v22.0.0/bin/x; echo end";
  await using upstream = await startUpstream(
    task([say(tool("Bash", { command: command.replaceAll("$REAL_HOME", home), description: "d" })), say("done")]),
  );
  await bench.answerFrom(upstream.url);
  const env = { PATH: `${join(home, ".local", "bin")}:${join(prefix, "bin")}:/usr/local/bin:/usr/bin:/bin` };
  const ran = await bench.broke(["harness", "run", "--", "-p", "go"], { env });
  expect({ code: ran.code, stdout: ran.stdout }).toEqual({ code: 0, stdout: "done\n" });
  const read = async (name: string) => (await Bun.file(join(bench.workspace, name)).text()).trim();
  expect(await read("node.txt")).toBe(join(prefix, "bin", "node"));
  expect(await read("npm.txt")).toMatch(/^\d+\.\d+\.\d+$/);
  const result = JSON.stringify(
    upstream
      .asked()
      .at(-1)!
      .history.flatMap(({ results }) => results),
  );
  expect(result).not.toContain(SECRET);
  expect(await read("seen.txt")).not.toContain("secret.txt");
  expect(readdirSync(join(prefix, "bin")).sort()).toEqual(["node", "npm"]);
});
