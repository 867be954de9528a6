// What flows once a connection is let through, and what breaks it off: backpressure, half-close, abort, limits, the end of the run.

import { describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { startBridge } from "#sandbox/bridge.ts";
import { dialUnix, makeEgress, readAll, startOrigin, tunnel } from "#test/support/egress.ts";

const MIB = 1024 ** 2;

/** Writes as fast as the other side takes it. */
function pour(socket: Socket, bytes: number): { sent: () => number } {
  const chunk = Buffer.alloc(64 * 1024, 7);
  let sent = 0;
  const more = () => {
    while (sent < bytes && !socket.destroyed) {
      sent += chunk.length;
      if (!socket.write(chunk)) return void socket.once("drain", more);
    }
    socket.end();
  };
  more();
  return { sent: () => sent };
}

async function count(socket: Socket): Promise<number> {
  let bytes = 0;
  socket.on("data", (piece: Buffer) => (bytes += piece.length)).resume();
  await new Promise<void>((done) => socket.on("end", () => done()).on("close", () => done()));
  return bytes;
}

/** A Unix socket knows no reset: what breaks off looks like an end. */
const closed = (socket: Socket) =>
  new Promise<void>((done) => {
    if (socket.destroyed || socket.readableEnded) return done();
    socket.on("close", () => done()).on("end", () => done());
    socket.resume();
  });

describe("bytes", () => {
  test("64 MiB each way at once, nothing lost", async () => {
    const size = 64 * MIB;
    const got = Promise.withResolvers<number>();
    await using origin = await startOrigin((socket) => {
      pour(socket, size);
      void count(socket).then(got.resolve);
    });
    await using egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`] });
    const socket = await tunnel(egress, `127.0.0.1:${origin.port}`);
    pour(socket, size);
    expect(await count(socket)).toBe(size);
    expect(await got.promise).toBe(size);
    expect((await egress.recorded(1))[0]).toMatchObject({ reason: null, up: size, down: size });
  });

  test("a slow reader whose host has long ended still gets everything", async () => {
    const size = 8 * MIB;
    await using origin = await startOrigin((socket) => void pour(socket, size));
    await using egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`] });
    const socket = await tunnel(egress, `127.0.0.1:${origin.port}`);
    socket.pause();
    await Bun.sleep(100);
    expect(await count(socket)).toBe(size);
    socket.end();
    expect((await egress.recorded(1))[0]).toMatchObject({ reason: null, down: size });
  });

  test("a stalled reader pauses the host instead of filling memory", async () => {
    const size = 256 * MIB;
    let poured = { sent: () => 0 };
    await using origin = await startOrigin((socket) => (poured = pour(socket, size)));
    await using egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`] });
    const socket = await tunnel(egress, `127.0.0.1:${origin.port}`);
    socket.pause();
    let last = -1;
    while (last !== poured.sent() || last === 0) {
      last = poured.sent();
      await Bun.sleep(50); // the host has come to rest when a poll sees no progress
    }
    expect(poured.sent()).toBeLessThan(32 * MIB);
    socket.destroy();
    await egress.recorded(1);
  });
});

describe("ends", () => {
  test("the host's half-close reaches the client, whose bytes still go out", async () => {
    const got = Promise.withResolvers<string>();
    await using origin = await startOrigin((socket) => {
      void readAll(socket).then(got.resolve);
      socket.end("bye");
    });
    await using egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`] });
    const socket = await tunnel(egress, `127.0.0.1:${origin.port}`);
    expect(await readAll(socket)).toBe("bye");
    socket.end("late words");
    expect(await got.promise).toBe("late words");
    expect((await egress.recorded(1))[0]).toMatchObject({ reason: null, up: 10, down: 3 });
  });

  test("a client that ends without a word: the host hears of the end", async () => {
    const ended = Promise.withResolvers<void>();
    await using origin = await startOrigin((socket) => {
      socket.on("end", () => {
        ended.resolve();
        socket.end("bye");
      });
      socket.resume();
    });
    await using egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`] });
    const socket = await tunnel(egress, `127.0.0.1:${origin.port}`);
    const all = readAll(socket);
    socket.end();
    await ended.promise;
    expect(await all).toBe("bye");
    expect((await egress.recorded(1))[0]).toMatchObject({ verdict: "allowed", up: 0, down: 3 });
  });

  test("a client that breaks off, through the bridge as well, closes the host's side", async () => {
    const gone: Promise<void>[] = [];
    await using origin = await startOrigin((socket) => {
      gone.push(closed(socket));
      const timer = setInterval(() => socket.write("tick"), 5);
      socket.on("end", () => socket.end()).on("close", () => clearInterval(timer));
    });
    await using egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`] });
    (await tunnel(egress, `127.0.0.1:${origin.port}`)).destroy();
    const bridge = startBridge(0, egress.socketPath);
    const got = Promise.withResolvers<void>();
    const client = await Bun.connect({
      hostname: "127.0.0.1",
      port: bridge.port,
      socket: { data: () => got.resolve(), close() {} },
    });
    client.write(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\n\r\n`);
    await got.promise;
    client.terminate();
    expect(await egress.recorded(2)).toHaveLength(2);
    await Promise.all(gone);
    bridge.stop(true);
  });

  test("a host that breaks off closes the client's side", async () => {
    await using origin = await startOrigin((socket) => void socket.once("data", () => socket.resetAndDestroy()));
    await using egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`] });
    const socket = await tunnel(egress, `127.0.0.1:${origin.port}`);
    socket.write("x");
    await closed(socket);
    expect((await egress.recorded(1))[0]).toMatchObject({ verdict: "allowed", reason: "the host broke off" });
  });
});

describe("limits", () => {
  const silent = () => startOrigin((socket) => void socket.resume());

  test("bytes up and down", async () => {
    await using sink = await silent();
    await using source = await startOrigin((socket) => void pour(socket, 64 * MIB));
    const allow = [`127.0.0.1:${sink.port},127.0.0.1:${source.port}`];
    await using egress = await makeEgress({ allow, limits: { upBytes: 100_000, downBytes: 200_000 } });
    const up = await tunnel(egress, `127.0.0.1:${sink.port}`);
    pour(up, 64 * MIB);
    await closed(up);
    expect((await egress.recorded(1))[0]).toMatchObject({ reason: "the byte limit", up: 100_000 });
    const down = await tunnel(egress, `127.0.0.1:${source.port}`);
    expect(await count(down)).toBeLessThanOrEqual(200_000);
    expect((await egress.recorded(2))[1]).toMatchObject({ reason: "the byte limit", down: 200_000 });
  });

  test("silence, a half-closed side, and all in all", async () => {
    await using origin = await startOrigin((socket) => {
      const timer = setInterval(() => socket.write("."), 5);
      socket.on("close", () => clearInterval(timer)).resume();
    });
    await using quiet = await silent();
    const allow = [`127.0.0.1:${origin.port},127.0.0.1:${quiet.port}`];
    await using idle = await makeEgress({ allow, limits: { idleMs: 40 } });
    await closed(await tunnel(idle, `127.0.0.1:${quiet.port}`));
    expect((await idle.recorded(1))[0]).toMatchObject({ verdict: "allowed", reason: "idle" });
    await using half = await makeEgress({ allow, limits: { halfOpenMs: 40 } });
    (await tunnel(half, `127.0.0.1:${quiet.port}`)).end();
    expect((await half.recorded(1))[0]).toMatchObject({ reason: "idle" });
    await using total = await makeEgress({ allow, limits: { totalMs: 60 } });
    await closed(await tunnel(total, `127.0.0.1:${origin.port}`));
    expect((await total.recorded(1))[0]).toMatchObject({ reason: "the time limit" });
  });

  test("a head, a greeting and a hello that do not come", async () => {
    await using origin = await silent();
    const names = { "a.com": [["93.184.216.34"]] };
    const hosts = { "93.184.216.34:443": origin };
    await using egress = await makeEgress({ any: true, names, hosts, limits: { headMs: 40 } });
    const say = async (text: string | Uint8Array) => {
      const socket = await egress.dial();
      const all = readAll(socket);
      if (text.length > 0) socket.write(text);
      return all;
    };
    expect(await say("")).toBe("");
    expect(await say("CONNECT a.com:443 HTTP/1.1\r\n")).toStartWith("HTTP/1.1 400 ");
    expect(await say(Uint8Array.of(5))).toBe("\x05\x01\0\x01\0\0\0\0\0\0");
    expect(await say("CONNECT a.com:443 HTTP/1.1\r\n\r\n\x16\x03")).toEndWith("\r\n\r\n\x15\x03\x01\0\x02\x02\x31");
    expect((await egress.recorded(3)).map(({ reason }) => reason)).toEqual([
      "the request did not come whole",
      "the request did not come whole",
      "the beginning did not come whole",
    ]);
  });

  test("a look-up and a connection that take too long, and a client that does not wait", async () => {
    const names = { "a.com": [["93.184.216.34"]], "never.org": [] };
    await using egress = await makeEgress({ any: true, limits: { connectMs: 40 }, names, hosts: "silent" });
    for (const where of ["never.org:443", "a.com:443"]) {
      const socket = await egress.dial();
      const all = readAll(socket);
      socket.write(`CONNECT ${where} HTTP/1.1\r\n\r\n`);
      expect(await all).toStartWith("HTTP/1.1 504 ");
    }
    expect((await egress.recorded(2)).map(({ verdict, address }) => [verdict, address])).toEqual([
      ["failed", null],
      ["failed", "93.184.216.34"],
    ]);
    await using patient = await makeEgress({ any: true, names, hosts: "silent" });
    const socket = await patient.dial();
    socket.write("CONNECT a.com:443 HTTP/1.1\r\n\r\n");
    while (patient.dialled.length === 0) await Bun.sleep(1);
    socket.destroy();
  });

  test("connections at once", async () => {
    await using origin = await startOrigin((socket) => void socket.on("end", () => socket.end()).resume());
    await using egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`], limits: { connections: 3 } });
    const held = [];
    for (let at = 0; at < 3; at++) held.push(await tunnel(egress, `127.0.0.1:${origin.port}`));
    expect(await readAll(await egress.dial())).toStartWith("HTTP/1.1 503 ");
    held[0]!.destroy();
    await egress.recorded(1);
    (await tunnel(egress, `127.0.0.1:${origin.port}`)).destroy();
    for (const socket of held) socket.destroy();
    expect(await egress.recorded(4)).toHaveLength(4);
  });
});

describe("the end of a run, and a record that cannot be kept", () => {
  test("stopping breaks off what is open and records it", async () => {
    await using origin = await startOrigin((socket) => void socket.resume());
    const egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`] });
    const sockets = await Promise.all([
      tunnel(egress, `127.0.0.1:${origin.port}`),
      tunnel(egress, `127.0.0.1:${origin.port}`),
      egress.dial(),
    ]);
    await egress[Symbol.asyncDispose]();
    await Promise.all(sockets.map(closed));
    expect(egress.attempts.map(({ verdict, reason }) => `${verdict}, ${reason}`)).toEqual(
      Array(2).fill("allowed, the run ended"),
    );
  });

  test("after an attempt that could not be recorded nothing is let out", async () => {
    await using origin = await startOrigin((socket) => void socket.pipe(socket));
    let full = false;
    await using egress = await makeEgress({
      allow: [`127.0.0.1:${origin.port}`],
      onAttempt() {
        if (full) throw new Error("ENOSPC");
      },
    });
    const held = await tunnel(egress, `127.0.0.1:${origin.port}`);
    full = true;
    const denied = await egress.dial();
    denied.write("CONNECT evil.org:443 HTTP/1.1\r\n\r\n");
    expect(await readAll(denied)).toBe("");
    await closed(held);
    expect(egress.failure()).toBe("an attempt to get out could not be recorded");
    const dialled = egress.dialled.length;
    const late = await dialUnix(egress.socketPath);
    late.write(`CONNECT 127.0.0.1:${origin.port} HTTP/1.1\r\n\r\n`);
    expect(await readAll(late)).toBe("");
    expect(egress.dialled.length).toBe(dialled);
  });
});
