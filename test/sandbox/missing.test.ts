// Strict where no sandbox can be had: refused with the reason and the remedy, never a run without one.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LAUNCHER, makeBench, ROOT as CHECKOUT } from "#test/support/broke.ts";

const ROOT = process.getuid!() === 0;

const COVER = `mount --bind "$1" /usr/bin/bwrap`;
const HIDE = `mknod "$1/bwrap" c 0 0 && mount -t overlay overlay -o lowerdir="$1":/usr/bin /usr/bin`;

/** Runs broke in a mount namespace where bwrap is covered by a file of our choice, or hidden with a folder of ours. */
async function runWith(cover: string, how = COVER) {
  const dir = mkdtempSync(join(tmpdir(), "broke-missing-"));
  const workspace = join(dir, "ws");
  mkdirSync(workspace);
  const script = `${how} && cd "$2" && exec "$3" harness run --client exec -- sh -c 'echo ran > ran'`;
  const child = Bun.spawn(
    ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh", cover, workspace, LAUNCHER],
    {
      cwd: workspace,
      env: { PATH: "/usr/bin:/bin", HOME: dir, BROKE_HOME: join(dir, "home") },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const result = { code: await child.exited, stdout, stderr, ran: existsSync(join(workspace, "ran")) };
  rmSync(dir, { recursive: true, force: true });
  return result;
}

async function scripted(body: string) {
  const dir = mkdtempSync(join(tmpdir(), "broke-bwrap-"));
  const file = join(dir, "bwrap");
  await Bun.write(file, `#!/bin/sh\n${body}\n`);
  Bun.spawnSync(["chmod", "755", file]);
  try {
    return await runWith(file);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

const FEATURES = "--disable-userns --bind-fd --seccomp --args --as-pid-1 --size --perms --chmod";

test.skipIf(!ROOT)("a bwrap that cannot make namespaces (covering it needs root)", async () => {
  const { code, stdout, stderr, ran } = await scripted(
    `[ "$1" = --help ] && echo "${FEATURES}" && exit 0; echo "bwrap: No permissions to create new namespace" >&2; exit 1`,
  );
  expect({ code, stdout, ran }).toEqual({ code: 3, stdout: "", ran: false });
  expect(stderr).toMatch(
    /^broke: (bubblewrap cannot build a sandbox on this machine|.*user namespaces.*)\nbroke: .+\n$/,
  );
});

test.skipIf(!ROOT)("a bwrap too old for what is needed (covering it needs root)", async () => {
  const { code, stdout, stderr, ran } = await scripted(`echo "--bind --args --seccomp"`);
  expect({ code, stdout, ran }).toEqual({ code: 3, stdout: "", ran: false });
  expect(stderr).toContain("lacks --disable-userns");
  expect(stderr).toContain("install bubblewrap");
});

test.skipIf(!ROOT)("no bwrap at all (covering it needs root)", async () => {
  const whiteout = mkdtempSync(join(tmpdir(), "broke-whiteout-"));
  const { code, stderr, ran } = await runWith(whiteout, HIDE);
  rmSync(whiteout, { recursive: true });
  expect({ code, ran }).toEqual({ code: 3, ran: false });
  expect(stderr).toMatch(/^broke: \/usr\/bin\/bwrap is not installed\nbroke: apt-get install -y bubblewrap/);
});

test("in the sandbox of a run, where none can be built, that is what is said", async () => {
  using bench = makeBench();
  const words = ["sandbox", "run", `--allow-read=${CHECKOUT}`, "--"];
  const ran = await bench.broke([...words, LAUNCHER, "sandbox", "run", "--", "true"]);
  expect([ran.code, ran.stderr.split("\n")[0]]).toEqual([
    3,
    "broke: this is the sandbox of a run already, and none can be built in one",
  ]);
});
