// A real Redis of its own for a test: a free port of 127.0.0.1, its own folder and password, ended by the pid that was started.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PROGRAM = Bun.which("redis-server") ?? Bun.which("valkey-server");
export const PASSWORD = "the-password-of-redis";

export type Redis = AsyncDisposable & {
  url: string;
  name: string;
  pid(): number;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  /** SIGKILL, waited for. */
  kill(): Promise<void>;
  /** Starts it again on the same port; `empty`: without its data. */
  start(how?: { empty: boolean }): Promise<void>;
  /** One command, by a connection of its own. */
  ask(command: string, ...words: string[]): Promise<unknown>;
};

async function freePort(): Promise<number> {
  const server = createServer();
  const listening = Promise.withResolvers<void>();
  server.listen(0, "127.0.0.1", listening.resolve);
  await listening.promise;
  const { port } = server.address() as { port: number };
  const closed = Promise.withResolvers<void>();
  server.close(() => closed.resolve());
  await closed.promise;
  return port;
}

/** Starts one that speaks TLS alone, with this certificate. */
export async function startTlsRedis({
  key,
  cert,
}: {
  key: string;
  cert: string;
}): Promise<AsyncDisposable & { port: number; ca: string }> {
  if (PROGRAM === null) throw new Error("redis-server is missing: apt-get install redis-server");
  const dir = mkdtempSync(join(tmpdir(), "broke-redis-"));
  const port = await freePort();
  const [keyFile, certFile] = [join(dir, "key.pem"), join(dir, "cert.pem")];
  writeFileSync(keyFile, key, { mode: 0o600 });
  writeFileSync(certFile, cert);
  const tls = ["--port", "0", "--tls-port", String(port), "--tls-auth-clients", "no"];
  const files = ["--tls-cert-file", certFile, "--tls-key-file", keyFile, "--dir", dir, "--save", ""];
  const child = Bun.spawn([PROGRAM, ...tls, ...files, "--bind", "127.0.0.1", "--requirepass", PASSWORD], {
    ...{ stdout: "pipe", stderr: "ignore" },
  });
  let said = "";
  for await (const piece of child.stdout) {
    said += new TextDecoder().decode(piece);
    if (said.includes("Ready to accept connections")) break;
  }
  return {
    ...{ port, ca: certFile },
    async [Symbol.asyncDispose]() {
      child.kill(9);
      await child.exited;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Starts one, which writes down every change at once. */
export async function startRedis(): Promise<Redis> {
  if (PROGRAM === null) throw new Error("redis-server is missing: apt-get install redis-server");
  const dir = mkdtempSync(join(tmpdir(), "broke-redis-"));
  const port = await freePort();
  const url = `redis://:${PASSWORD}@127.0.0.1:${port}/3`;
  const options = { autoReconnect: false, enableOfflineQueue: false, connectionTimeout: 300 };
  let child: Bun.Subprocess | undefined;
  const ask = async (command: string, ...words: string[]) => {
    const client = new Bun.RedisClient(url, options);
    client.onclose = () => {};
    try {
      await client.connect();
      return await client.send(command, words);
    } finally {
      client.close();
    }
  };
  const start = async ({ empty } = { empty: false }) => {
    if (empty) rmSync(join(dir, "appendonlydir"), { recursive: true, force: true });
    const words = ["--port", String(port), "--bind", "127.0.0.1", "--dir", dir, "--requirepass", PASSWORD];
    const kept = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    child = Bun.spawn([PROGRAM, ...words, ...kept], { stdout: "ignore", stderr: "ignore" });
    while ((await ask("PING").catch(() => undefined)) !== "PONG") await Bun.sleep(10);
  };
  const kill = async () => {
    child?.kill(9);
    await child?.exited;
  };
  await start();
  return {
    ...{ url, name: `redis://127.0.0.1:${port}/3`, start, kill, ask },
    pid: () => child!.pid,
    signal: (name) => void process.kill(child!.pid, name),
    async [Symbol.asyncDispose]() {
      await kill();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
