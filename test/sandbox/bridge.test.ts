import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBridge } from "#sandbox/bridge.ts";

// node:net on both ends, so that half-close and reset are what the kernel shows and not what Bun's own sockets agree on.
const dir = mkdtempSync(join(tmpdir(), "bridge-"));
const path = join(dir, "run.sock");
let server: Server;
let behave: (socket: Socket) => void = () => {};
let bridge: ReturnType<typeof startBridge>;

beforeAll(async () => {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on("error", () => {});
    behave(socket);
  });
  await new Promise<void>((done) => server.listen(path, done));
  bridge = startBridge(0, path);
});

afterAll(() => {
  bridge.stop(true);
  server.close();
  rmSync(dir, { recursive: true });
});

function dial(): Socket {
  const socket = connect({ port: bridge.port, host: "127.0.0.1", allowHalfOpen: true });
  socket.on("error", () => {});
  return socket;
}

function readAll(socket: Socket): Promise<string> {
  return new Promise((done) => {
    let text = "";
    socket.on("data", (piece) => (text += piece.toString()));
    socket.on("end", () => done(text));
  });
}

describe("bridge", () => {
  test("carries bytes both ways", async () => {
    behave = (socket) => socket.pipe(socket);
    const socket = dial();
    const all = readAll(socket);
    socket.end("hello there");
    expect(await all).toBe("hello there");
  });

  test("a half-close by the client reaches the gateway, whose answer still comes back", async () => {
    behave = (socket) => {
      let text = "";
      socket.on("data", (piece) => (text += piece.toString()));
      socket.on("end", () => socket.end(`seen:${text}`));
    };
    const socket = dial();
    const all = readAll(socket);
    socket.end("ask");
    expect(await all).toBe("seen:ask");
  });

  test("a half-close by the gateway reaches the client, whose bytes still go out", async () => {
    const got = Promise.withResolvers<string>();
    behave = (socket) => {
      void readAll(socket).then(got.resolve);
      socket.end("bye");
    };
    const socket = dial();
    expect(await readAll(socket)).toBe("bye");
    socket.end("late words");
    expect(await got.promise).toBe("late words");
  });

  test("a reset by the client closes the gateway's side whole, not just half", async () => {
    const gone = Promise.withResolvers<void>();
    behave = (socket) => {
      socket.write("x");
      // A half-close would leave this side writable; after a reset writing fails or the socket is closed.
      socket.on("end", () => socket.write("more", (error) => (error ? gone.resolve() : undefined)));
      socket.on("close", () => gone.resolve());
      socket.resume();
    };
    const got = Promise.withResolvers<void>();
    const socket = await Bun.connect({
      hostname: "127.0.0.1",
      port: bridge.port,
      socket: { data: () => got.resolve(), close() {} },
    });
    await got.promise;
    socket.terminate();
    await gone.promise;
  });

  test("an abort by the gateway ends the client's side", async () => {
    behave = (socket) => socket.once("data", () => socket.destroy());
    const socket = dial();
    const over = new Promise<void>((done) => socket.on("end", done).on("close", done).resume());
    socket.write("x");
    await over;
  });

  test("300 connections at once, none refused", async () => {
    const waiting: Socket[] = [];
    const full = Promise.withResolvers<void>();
    behave = (socket) => {
      socket.once("data", () => {
        waiting.push(socket);
        if (waiting.length === 300) full.resolve();
      });
    };
    const clients = Array.from({ length: 300 }, dial);
    const answers = clients.map(readAll);
    for (const client of clients) client.write("?");
    await full.promise;
    for (const socket of waiting) socket.end("ok");
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 300 }, () => "ok"));
    for (const client of clients) client.destroy();
  });

  test("a stalled reader pauses the sender instead of filling memory, and loses nothing", async () => {
    const size = 64 * 1024 * 1024;
    let sent = 0;
    behave = (socket) => {
      const chunk = Buffer.alloc(64 * 1024, 7);
      const more = () => {
        while (sent < size) {
          sent += chunk.length;
          if (!socket.write(chunk)) return void socket.once("drain", more);
        }
        socket.end();
      };
      more();
    };
    const before = process.memoryUsage.rss();
    const socket = dial();
    socket.pause();
    await new Promise((done) => socket.once("connect", done));
    let last = -1;
    while (last !== sent) {
      last = sent;
      await Bun.sleep(50); // the sender has come to rest when a poll sees no progress
    }
    expect(sent).toBeLessThan(size);
    expect(process.memoryUsage.rss() - before).toBeLessThan(48 * 1024 * 1024);
    let received = 0;
    await new Promise<void>((done) => {
      socket.on("data", (piece: Buffer) => (received += piece.length));
      socket.on("end", () => done());
      socket.resume();
    });
    expect(received).toBe(size);
    socket.destroy();
  });

  test("a gateway that is not there closes the client's connection", async () => {
    const lonely = startBridge(0, join(dir, "absent.sock"));
    const socket = connect({ port: lonely.port, host: "127.0.0.1" });
    socket.on("error", () => {});
    await new Promise<void>((done) => socket.on("close", () => done()));
    lonely.stop(true);
  });
});
