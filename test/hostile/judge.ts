// What a run left on the host, looked at from outside after it: the rows of the stock's judge. Each answers "ok" or what it found.

import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LAUNCHER } from "#test/support/broke.ts";
import { type Bait, CANARY } from "./bait.ts";

/** Every path below a folder, links not followed. */
function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    yield path;
    if (entry.isDirectory()) yield* walk(path);
  }
}

const found = (list: string[]): string => (list.length === 0 ? "ok" : list.slice(0, 5).join(" "));

function judgeHome({ home }: Bait): string {
  const canary = `${CANARY.join("-")}\n`;
  const grown = [".ssh/authorized_keys", ".config/autostart/x.desktop", ".config/systemd/user/x.service"];
  const planted = grown.filter((name) => existsSync(join(home, name)));
  // What broke itself keeps there is its interpreter's cache.
  const own = (path: string) => path.endsWith("/.gitconfig") || path.startsWith(join(home, ".bun/"));
  const files = [...walk(home)].filter((path) => lstatSync(path).isFile() && !own(path));
  return found([...planted, ...files.filter((path) => readFileSync(path, "utf8") !== canary)]);
}

function judgeHooks({ workspace }: Bait): string {
  const repositories = [workspace, join(workspace, "vendor", "sub")].map((folder) => join(folder, ".git"));
  const hooks = repositories.flatMap((folder) =>
    readdirSync(join(folder, "hooks")).map((name) => join(folder, "hooks", name)),
  );
  const planted = hooks.filter((path) => !path.endsWith(".sample"));
  const changed = repositories.filter((folder) =>
    /fsmonitor|hooksPath|sshCommand|pager/i.test(readFileSync(join(folder, "config"), "utf8")),
  );
  return found([...planted, ...changed]);
}

/** A repository that was made in the run may be there; hooks of it, and what starts something, may not. */
function judgeRepository({ workspace }: Bait): string {
  const folder = join(workspace, "packages", "a", ".git");
  const hook = join(folder, "hooks", "post-checkout");
  const config = existsSync(join(folder, "config")) ? readFileSync(join(folder, "config"), "utf8") : "";
  return found([...(existsSync(hook) ? [hook] : []), ...(config.includes("fsmonitor") ? ["fsmonitor"] : [])]);
}

function judgeArtifacts({ workspace }: Bait): string {
  return found(
    [...walk(workspace)].filter((path) => {
      const stat = lstatSync(path);
      const odd =
        stat.isFIFO() ||
        stat.isBlockDevice() ||
        stat.isCharacterDevice() ||
        (stat.isSocket() && !path.endsWith("/dev.sock"));
      return odd || (!stat.isSymbolicLink() && (stat.mode & 0o6000) !== 0);
    }),
  );
}

/** Names the workspace has at its root that it did not have. */
function judgePlaceholders({ workspace, laid }: Bait): string {
  return found(readdirSync(workspace).filter((name) => !laid.includes(name) && name !== "packages"));
}

function judgeOrphan({ told }: Bait): string {
  return found(
    readdirSync("/proc").filter((pid) => {
      try {
        return (
          /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, "utf8") === `sleep\u0000${told["ORPHAN"]}\u0000`
        );
      } catch {
        return false;
      }
    }),
  );
}

function judgeLedger(bait: Bait): string {
  const runs = join(bait.brokeHome, "runs");
  for (const run of readdirSync(runs)) {
    const uid = lstatSync(runs).uid;
    const as = uid === process.getuid!() ? [] : ["setpriv", `--reuid=${uid}`, `--regid=${uid}`, "--clear-groups"];
    const words = [...as, LAUNCHER, "harness", "verify", run];
    const verified = Bun.spawnSync(words, { cwd: bait.workspace, env: bait.env });
    if (verified.exitCode !== 0) return verified.stderr.toString() || verified.stdout.toString();
    const lines = readFileSync(join(runs, run, "ledger.jsonl"), "utf8")
      .trim()
      .split("\n");
    const forged = lines.filter((line) => JSON.parse(line).event === "session.end");
    if (forged.length > 0) return "a forged record";
  }
  return "ok";
}

/** Everything, by id. */
export function judge(bait: Bait): Record<string, string> {
  return {
    "judge/home": judgeHome(bait),
    "judge/hooks": judgeHooks(bait),
    "judge/repository": judgeRepository(bait),
    "judge/artifacts": judgeArtifacts(bait),
    "judge/placeholders": judgePlaceholders(bait),
    "judge/orphan": judgeOrphan(bait),
    "judge/ledger": judgeLedger(bait),
  };
}
