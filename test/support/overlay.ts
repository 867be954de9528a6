// A bench whose commands are those of root, or of a plain user with a home and a workspace of its own.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LAUNCHER, makeBench, type Ran, runIdOf } from "./broke.ts";
import { PLAIN_UID } from "./tree.ts";

/** `within` are root's words before the launcher's. */
type Options = { env?: Record<string, string>; within?: string[] };

export type OverlayBench = ReturnType<typeof overlayBench>;

/** `ws` is the workspace, by whatever name; everything in it is the launcher's once `own` was called. */
export function overlayBench(launcher: string, name = "ws") {
  const bench = makeBench();
  const base = bench.env["HOME"]!;
  chmodSync(base, 0o755);
  const ws = join(base, name);
  mkdirSync(ws);
  const as = launcher === "a plain user" ? PLAIN_UID : undefined;
  const prefix = as === undefined ? [] : ["setpriv", `--reuid=${as}`, `--regid=${as}`, "--clear-groups"];
  /** Gives everything to whoever launches. */
  const own = () => {
    if (as !== undefined) Bun.spawnSync(["chown", "-Rh", `${as}:${as}`, base]);
  };
  const at = (path: string) => join(ws, path);
  const start = (args: string[], options: Options = {}) =>
    Bun.spawn([...(options.within ?? []), ...prefix, LAUNCHER, ...args], {
      ...{ cwd: ws, env: { ...bench.env, ...options.env } },
      ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
    });
  const broke = async (args: string[], options: Options = {}): Promise<Ran> => {
    const child = start(args, options);
    const [stdout, stderr, code] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ]);
    return { code, stdout, stderr };
  };
  const words = (script: string, ...options: string[]) => [
    ...["harness", "run", "--client", "exec", "--workspace=overlay", ...options, "--", "bash", "-ec", script],
  ];
  return {
    ...{ base, ws, home: bench.home, own, at, start, broke, words },
    put(path: string, text: string) {
      mkdirSync(dirname(at(path)), { recursive: true });
      writeFileSync(at(path), text);
    },
    text: (path: string) => readFileSync(at(path), "utf8"),
    /** One run that must end with 0; its id. */
    async run(script: string, ...options: string[]): Promise<string> {
      const ran = await broke(words(script, ...options));
      if (ran.code !== 0) throw new Error(ran.stderr);
      return runIdOf(ran);
    },
    land: (id: string, ...options: string[]) => broke(["harness", "land", id, ...options]),
    /** All of the workspace, as bytes that change with everything in it. */
    packed: () => Bun.spawnSync(["tar", "-cf", "-", "-C", ws, "--sort=name", "."]).stdout.toString("latin1"),
    runFolder: (id: string) => join(bench.home, "runs", id),
    [Symbol.dispose]: () => bench[Symbol.dispose](),
  };
}
