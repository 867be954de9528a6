// One connection to the shared Redis, by Bun's own client. Every call ends within a second, with an answer or without: a Redis that hangs is one that is
// lost. What was sent and not answered may still be executed when it wakes up, so each script is told until when it may.
// Never says what the client's errors say: they may name the URL, which holds a password.

import { BrokeError } from "#src/core/errors.ts";
import type { SharedTarget } from "./target.ts";

export type Session = Disposable & {
  /** Runs a script; its last argument but the given ones is the deadline. Rejects with `missing` when there is no answer in time. */
  run(script: string, ...args: readonly (string | number)[]): Promise<unknown>;
  subscribe(channel: string, told: (message: string) => void): Promise<void>;
};

const ANSWER_MS = 500;
const CONNECT_MS = 500;
const TIME = "local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000)";

export const lost = ({ name }: SharedTarget) =>
  new BrokeError(
    "missing",
    `the shared state at ${name} cannot be reached`,
    "nothing of it was changed; see BROKE_STATE",
  );

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("late")), ms);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

/** Connects; `onClosed` is told once, unless we close it. Rejects with `missing`. */
export async function openSession(target: SharedTarget, onClosed: () => void = () => {}): Promise<Session> {
  const options = { autoReconnect: false, enableOfflineQueue: false, connectionTimeout: CONNECT_MS };
  const clients: Bun.RedisClient[] = [];
  let over = false;
  const close = () => {
    over = true;
    for (const client of clients) client.close();
  };
  const broken = () => {
    if (over) return;
    close();
    onClosed();
  };
  const connect = async () => {
    const client = new Bun.RedisClient(target.url, options);
    clients.push(client);
    client.onclose = broken;
    await within(client.connect(), CONNECT_MS + 100);
    return client;
  };
  /** Between its clock and our steady one, which nobody sets, in ms. */
  let ahead = 0;
  try {
    const client = await connect();
    const before = performance.now();
    const theirs = Number(await within(client.send("EVAL", [TIME, "0"]), ANSWER_MS));
    ahead = theirs - (before + performance.now()) / 2;
    return {
      async run(script, ...args) {
        const deadline = Math.floor(performance.now() + ahead + ANSWER_MS);
        try {
          return await within(
            client.send("EVAL", [script, "0", String(deadline), ...args.map((word) => String(word))]),
            ANSWER_MS,
          );
        } catch {
          broken();
          throw lost(target);
        }
      },
      async subscribe(channel, told) {
        try {
          const listener = await connect();
          await within(listener.subscribe(channel, told), ANSWER_MS);
        } catch {
          broken();
          throw lost(target);
        }
      },
      [Symbol.dispose]: close,
    };
  } catch {
    close();
    throw lost(target);
  }
}
