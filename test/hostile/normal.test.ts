// Normal: BROKE_HOME hidden wherever it is mounted, no variables, no more privileges; where hiding does not hold, the ledger says so.

import { describe, expect, test } from "bun:test";
import { chmodSync, linkSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { reachableManagers } from "#harness/unprotected.ts";
import { LAUNCHER } from "#test/support/broke.ts";
import { launchers, makeTree, probe } from "#test/support/tree.ts";

const files = { "ws/a": "a", "data/f": "f" };
const root = process.getuid!() === 0;

type Planned = { unprotected_ledger: boolean; warnings: string[] };
function planned(home: string): Planned {
  const [run] = readdirSync(join(home, "runs"));
  const lines = readFileSync(join(home, "runs", run!, "ledger.jsonl"), "utf8")
    .trim()
    .split("\n");
  return lines.map((line) => JSON.parse(line)).find(({ event }) => event === "sandbox.planned").data as Planned;
}
const ways = ({ warnings }: Planned) => warnings.filter((line) => line.startsWith("unprotected ledger: "));

for (const launcher of launchers) {
  test(`what it hides and what it shows, launched by ${launcher}`, async () => {
    using tree = makeTree(launcher, files);
    const found = {
      ...{ "read ../data/f": "ok", "write ../data/f": "ok", "write a": "ok" },
      ...{ "read ../home/broke.db": "ENOENT", "read ../home/ledger.key": "ENOENT", "make ../home/x": "EROFS" },
      ...{ "move ../home": "EBUSY", "write /proc/sys/kernel/x": "refused" },
    };
    const probed = await probe(tree, ["--sandbox", "normal"], Object.keys(found));
    const said = Object.entries(probed.found).map(([key, value]) => [key, key.includes("/proc/") ? "refused" : value]);
    expect({ found: Object.fromEntries(said), code: probed.ran.code }).toEqual({ found, code: 0 });
    expect(probed.ran.stderr).toContain("ACCEPT_WITH_WARNINGS");
    const { unprotected_ledger: unprotected } = planned(tree.home);
    expect(unprotected).toBe(launcher === "root");
  });
}

test("no privileges to gain, no variables", async () => {
  using tree = makeTree("root", files);
  const script = "grep -E 'NoNewPrivs|CapEff|CapBnd' /proc/self/status; env | grep -c PLANTED";
  const words = ["sandbox", "run", "--sandbox", "normal", "--", "sh", "-c", script];
  const ran = await tree.broke(words, { cwd: tree.ws, env: { PLANTED: "x" } });
  expect(ran.stdout.replaceAll("\t", " ")).toBe(
    "CapEff: 0000000000000000\nCapBnd: 0000000000000000\nNoNewPrivs: 1\n0\n",
  );
});

describe("where hiding does not hold", () => {
  test("a state file with another name", async () => {
    using tree = makeTree("root", files);
    await tree.broke(["status"], { cwd: tree.ws });
    await probe(tree, [], ["read a"]);
    linkSync(join(tree.home, "ledger.key"), join(tree.ws, "innocent"));
    const { ran, found } = await probe(tree, [], ["read innocent"]);
    expect(found).toEqual({ "read innocent": "ok" });
    expect(ran.stderr).toContain("unprotected ledger: 1 files in BROKE_HOME have other names");
    expect(ran.stderr).toContain("ACCEPT_WITH_WARNINGS");
  });

  test("an agent's socket, by the variable that names it", async () => {
    using tree = makeTree(root ? "a plain user" : launchers[0], files);
    const path = join(tree.base, "agent.sock");
    const server = createServer().listen(path);
    await new Promise((done) => server.once("listening", done));
    chmodSync(path, 0o666);
    await tree.broke(["sandbox", "run", "--sandbox", "normal", "--", "true"], {
      cwd: tree.ws,
      env: { SSH_AUTH_SOCK: path },
    });
    server.close();
    expect(ways(planned(tree.home))).toEqual(["unprotected ledger: an SSH agent can be reached"]);
  });

  test("service managers and the like, by where their sockets are", async () => {
    using tree = makeTree("root", files);
    const servers = ["run/docker.sock", "run/user/7/bus", "run/user/7/systemd/private", "tmp/tmux-7/default"].map(
      (path) => {
        const full = join(tree.base, "root", path);
        mkdirSync(join(full, ".."), { recursive: true });
        return createServer().listen(full);
      },
    );
    await Promise.all(servers.map((server) => new Promise((done) => server.once("listening", done))));
    expect(reachableManagers({}, 7, join(tree.base, "root"))).toEqual([
      ...["the session bus", "the user's service manager", "Docker", "tmux"],
    ]);
    expect(reachableManagers({}, 8, join(tree.base, "root"))).toEqual(["Docker"]);
    for (const server of servers) server.close();
  });

  test.skipIf(!root)("a second mount of its file system is hidden as well (needs root, to mount)", async () => {
    using tree = makeTree("a plain user", files);
    mkdirSync(join(tree.base, "again"));
    const inner = [
      "setpriv",
      "--reuid=54321",
      "--regid=54321",
      "--clear-groups",
      LAUNCHER,
      "sandbox",
      "run",
      "--sandbox",
      "normal",
    ];
    const look = [
      "--",
      "sh",
      "-c",
      `ls -A ${tree.base}/again/home; cat ${tree.base}/again/data/f; echo x >${tree.base}/again/home/x`,
    ];
    const script = `mount --bind ${tree.base} ${tree.base}/again && exec "$@"`;
    const child = Bun.spawn(["unshare", "-m", "sh", "-c", script, "sh", ...inner, ...look], {
      ...{ cwd: tree.ws, env: tree.env, stdio: ["ignore", "pipe", "pipe"] as ["ignore", "pipe", "pipe"] },
    });
    const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
    expect({ out, refused: err.includes("Read-only file system") }).toEqual({ out: "f", refused: true });
  });
});
