// A measured process on a core of its own: started, waited for, its processor time and memory read from /proc.

import { readFileSync } from "node:fs";

const TICK_MS = 10; // USER_HZ is 100 on every Linux that matters

export type Target = Disposable & { port: number; pid: number; cpuMs(): number; rssMb(): number };

function stat(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** The process that does the work: the last of a chain of only children (npx, taskset and the like). */
function worker(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  return children === "" ? pid : worker(Number(children.split(" ")[0]));
}

async function ready(port: number): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const open = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (open) return;
    await Bun.sleep(50);
  }
  throw new Error(`nothing listens on ${port}`);
}

/** Starts a program on `core`. Its port is `port`, or the first line it prints. */
export async function startOn(
  core: number,
  argv: string[],
  { port, env = {}, cwd }: { port?: number; env?: Record<string, string>; cwd?: string } = {},
): Promise<Target> {
  const child = Bun.spawn(["taskset", "-c", String(core), ...argv], {
    env: { PATH: process.env.PATH ?? "/usr/bin:/bin", HOME: "/nonexistent", ...env },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ["ignore", "pipe", "ignore"],
  });
  let at = port;
  if (at === undefined) {
    const reader = child.stdout.getReader();
    let text = "";
    while (!text.includes("\n")) text += new TextDecoder().decode((await reader.read()).value);
    at = Number(text.trim());
  } else void new Response(child.stdout).text();
  await ready(at);
  const pid = worker(child.pid);
  return {
    port: at,
    pid,
    cpuMs: () => (Number(stat(pid)[11]) + Number(stat(pid)[12])) * TICK_MS,
    rssMb: () => (Number(stat(pid)[21]) * 4096) / 1024 ** 2,
    [Symbol.dispose]: () => child.kill("SIGKILL"),
  };
}
