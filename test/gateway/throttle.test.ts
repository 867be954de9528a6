// Guessing tokens: as a table of time, and over real connections.

import { expect, test } from "bun:test";
import { connect } from "node:net";
import { makeThrottle } from "#src/gateway/throttle.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";

test("after twenty wrong ones nothing is looked at until the minute is over; who was let in before goes on", () => {
  let now = 1_000;
  const throttle = makeThrottle(() => now);
  throttle.passed(() => 7, null);
  throttle.passed(() => 8, "hash");
  const blocked = (peer: number | undefined, hash?: string) =>
    throttle.blockedMs(
      () => peer,
      () => hash,
    );
  for (let count = 0; count < 20; count++) {
    expect(blocked(1)).toBeUndefined();
    throttle.failed();
    now += 100;
  }
  expect([blocked(1), blocked(7), blocked(undefined)]).toEqual([58_000, undefined, undefined]);
  // Made here: known on any connection, and its connection is good for nothing else.
  expect([blocked(1, "hash"), blocked(8, "other"), blocked(8)]).toEqual([undefined, 58_000, 58_000]);
  now += 58_000;
  expect(blocked(1)).toBeUndefined();
  throttle.failed();
  expect(blocked(1)).toBeUndefined();
});

/** A connection that is kept: sends one request, returns the status of its answer. */
function keepConnection(url: string) {
  const socket = connect(Number(new URL(url).port), "127.0.0.1");
  let text = "";
  let heard = Promise.withResolvers<void>();
  socket.on("data", (bytes) => {
    text += bytes.toString();
    heard.resolve();
  });
  return {
    async ask(token: string): Promise<number> {
      heard = Promise.withResolvers();
      text = "";
      socket.write(`GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`);
      await heard.promise;
      return Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);
    },
    close: () => socket.destroy(),
  };
}

test("twenty wrong tokens are 401, the next is 429 and not looked at, a client that was in stays in", async () => {
  await using gateway = await startGateway([]);
  const friend = keepConnection(gateway.url);
  expect(await friend.ask(TOKEN)).toBe(200);
  const guess = async (token: string) => {
    const headers = { authorization: `Bearer ${token}` };
    return fetch(`${gateway.url}/v1/models`, { headers, keepalive: false });
  };
  const statuses = [];
  for (let count = 0; count < 20; count++) statuses.push((await guess(`wrong-${count}`)).status);
  expect(statuses).toEqual(Array.from({ length: 20 }, () => 401));
  const blocked = await guess("wrong-again");
  expect({ status: blocked.status, retry: blocked.headers.get("x-should-retry") }).toEqual({
    status: 429,
    retry: "false",
  });
  expect(Number(blocked.headers.get("retry-after"))).toBeWithin(1, 61);
  // Not even the right one is looked at.
  expect((await guess(TOKEN)).status).toBe(429);
  expect(await friend.ask(TOKEN)).toBe(200);
  expect((await fetch(`${gateway.url}/health/liveliness`)).status).toBe(200);
  friend.close();
});
