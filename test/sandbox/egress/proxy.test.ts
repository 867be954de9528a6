// The proxy over its own socket against servers on this machine: what gets through, what does not, and how each is told.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Socket } from "node:net";
import {
  ask,
  denial,
  makeEgress,
  type Origin,
  PUBLIC,
  readAll,
  readTo,
  startOrigin,
  type TestEgress,
  tunnel,
} from "#test/support/egress.ts";

const greet = Buffer.from([5, 1, 0]);
const socksTo = (host: string, port: number) =>
  Buffer.from([5, 1, 0, 3, host.length, ...Buffer.from(host), port >> 8, port & 255]);
const timeless = (egress: TestEgress) => egress.attempts.map(({ ms: _, ...attempt }) => attempt);

async function socks(egress: TestEgress, request: Buffer): Promise<{ socket: Socket; reply: number }> {
  const socket = await egress.dial();
  socket.write(greet);
  expect(await readTo(socket, 2)).toBe("\x05\x00");
  socket.write(request);
  return { socket, reply: (await readTo(socket, 10)).charCodeAt(1) };
}

const echo = (socket: Socket) => void socket.pipe(socket);
describe("a port that a rule names, really dialled", () => {
  test("CONNECT: bytes both ways, half-close, one record", async () => {
    await using origin = await startOrigin(echo);
    await using egress = await makeEgress({ allow: [`127.0.0.1:${origin.port}`] });
    const socket = await tunnel(egress, `127.0.0.1:${origin.port}`);
    const all = readAll(socket);
    socket.end("there and back");
    expect(await all).toBe("there and back");
    await egress.recorded(1);
    const where = { host: "127.0.0.1", port: origin.port, address: "127.0.0.1", rule: `127.0.0.1:${origin.port}` };
    expect(timeless(egress)).toEqual([{ by: "connect", ...where, verdict: "allowed", reason: null, up: 14, down: 14 }]);
    expect(egress.asked).toEqual([]);
  });

  test("SOCKS: a name that the resolver knows, and the host speaks first", async () => {
    await using origin = await startOrigin((socket) => {
      socket.write("220 ready\r\n");
      socket.on("data", (piece) => socket.end(`seen:${piece}`));
    });
    const allow = [`db.internal:${origin.port},127.0.0.1:${origin.port}`];
    await using egress = await makeEgress({ allow, names: { "db.internal": [["127.0.0.1"]] } });
    const { socket, reply } = await socks(egress, socksTo("DB.internal", origin.port));
    expect(reply).toBe(0);
    expect(await readTo(socket, "\r\n")).toBe("220 ready\r\n");
    const all = readAll(socket);
    socket.write("hello");
    expect(await all).toBe("seen:hello");
    socket.end();
    await egress.recorded(1);
    const where = { host: "db.internal", port: origin.port, address: "127.0.0.1", rule: `127.0.0.1:${origin.port}` };
    expect(timeless(egress)).toEqual([{ by: "socks", ...where, verdict: "allowed", reason: null, up: 5, down: 21 }]);
  });

  test("plain HTTP: the request arrives in origin form, once, and the answer comes back", async () => {
    const got = Promise.withResolvers<string>();
    await using origin = await startOrigin((socket) => {
      void readTo(socket, "body").then((text) => {
        got.resolve(text);
        socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfine");
      });
    });
    const where = `127.0.0.1:${origin.port}`;
    await using egress = await makeEgress({ allow: [where] });
    const fields = `Host: ${where}\r\nProxy-Connection: keep-alive\r\nContent-Length: 4`;
    const all = ask(egress, `POST http://${where}/x?y HTTP/1.1\r\n${fields}\r\n\r\nbody`);
    expect(await got.promise).toBe(
      `POST /x?y HTTP/1.1\r\nHost: ${where}\r\nContent-Length: 4\r\nConnection: close\r\n\r\nbody`,
    );
    expect(await all).toBe("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nfine");
  });
});

describe("what is refused before anything is dialled", () => {
  let origin: Origin;
  let egress: TestEgress;
  beforeAll(async () => {
    origin = await startOrigin(echo);
    egress = await makeEgress({
      allow: ["a.com,*.b.com,inside.org"],
      deny: ["no.b.com"],
      names: {
        "a.com": [[PUBLIC]],
        "inside.org": [["10.0.0.7", "::1", "fe80::1%eth0"]],
        "odd.b.com": [["not an address"]],
      },
    });
  });
  afterAll(async () => {
    await egress[Symbol.asyncDispose]();
    await origin[Symbol.asyncDispose]();
  });

  const cases: [string, string, string][] = [
    ["a host that no rule names", "evil.org:443", "evil.org:443: no rule allows this host"],
    ["a port that no rule names", "a.com:22", "a.com:22: no rule allows this port"],
    ["a denied host", "no.b.com:443", "no.b.com:443: a rule denies it"],
    ["a public address", `${PUBLIC}:443`, `${PUBLIC}:443: no rule names this address`],
    ["loopback", "127.0.0.1:443", "127.0.0.1:443: no rule names this address"],
    ["loopback in octal", "0177.0.0.1:443", "127.0.0.1:443: no rule names this address"],
    ["loopback as a number", "2130706433:443", "127.0.0.1:443: no rule names this address"],
    ["loopback mapped", "[::ffff:7f00:1]:443", "127.0.0.1:443: no rule names this address"],
    ["metadata", "169.254.169.254:80", "169.254.169.254:80: no rule names this address"],
    ["metadata, IPv6", "[fd00:ec2::254]:80", "[fd00:ec2::254]:80: no rule names this address"],
    ["localhost", "localhost:443", "localhost:443: no rule allows this host"],
    ["a name with private addresses", "inside.org:443", "inside.org:443: a private address that no rule names"],
    ["a name with no address", "odd.b.com:443", "odd.b.com:443: an address nobody can dial"],
  ];
  test.each(cases)("%s", async (_, where, words) => {
    expect(await ask(egress, `CONNECT ${where} HTTP/1.1\r\n\r\n`)).toBe(denial(words));
    const [, host, port] = /^(.*):(\d+)$/.exec(where)!;
    const plain = `GET http://${where}/ HTTP/1.1\r\nHost: ${where}\r\n\r\n`;
    const wanted = /inside|odd/.test(where) ? `${where}: only TLS is let through to port 443` : words;
    expect(await ask(egress, plain)).toBe(denial(wanted));
    expect((await socks(egress, socksTo(host!, Number(port)))).reply).toBe(2);
    expect(egress.dialled).toEqual([]);
  });

  test("what is not understood", async () => {
    const bad: [string, string][] = [
      ["GET / HTTP/1.1\r\nHost: a.com\r\n\r\n", "not a request for a host by http"],
      ["GET http://a.com/ HTTP/1.1\r\nHost: b.com\r\n\r\n", "the Host header is not the host that is asked for"],
      ["\x16\x03\x01\r\n\r\n", "not an HTTP/1.1 request"],
    ];
    for (const [text, words] of bad) {
      expect(await ask(egress, text)).toBe(denial(words, "400 Bad Request", "http_request_error"));
    }
    const socket = await egress.dial();
    const all = readAll(socket);
    socket.write(Buffer.from([5, 1, 2]));
    expect(await all).toBe("\x05\xff");
    expect((await socks(egress, Buffer.from([5, 3, 0, 1, 1, 1, 1, 1, 1, 187]))).reply).toBe(7);
    expect(egress.dialled).toEqual([]);
  });

  test("a name that cannot be looked up, and a host that refuses", async () => {
    const words = "x.b.com:443: the name could not be looked up";
    expect(await ask(egress, "CONNECT x.b.com:443 HTTP/1.1\r\n\r\n")).toBe(
      denial(words, "502 Bad Gateway", "dns_error"),
    );
    await using other = await makeEgress({ any: true, names: { "a.com": [[PUBLIC]] }, hosts: {} });
    expect(await ask(other, "CONNECT a.com:443 HTTP/1.1\r\n\r\n")).toBe(
      denial("a.com:443: no connection", "502 Bad Gateway", "connection_refused"),
    );
    expect((await socks(other, socksTo("a.com", 443))).reply).toBe(5);
    expect(timeless(other).map(({ verdict, address }) => [verdict, address])).toEqual([
      ["failed", PUBLIC],
      ["failed", PUBLIC],
    ]);
  });

  test("every refusal is on record", () => {
    const { attempts } = egress;
    expect(attempts.filter(({ verdict }) => verdict === "allowed")).toEqual([]);
    const denied = attempts.find(({ host, by }) => host === "inside.org" && by === "connect")!;
    expect({ ...denied, ms: 0 }).toEqual({
      ...{ by: "connect", host: "inside.org", port: 443, address: "10.0.0.7", verdict: "denied", rule: null },
      ...{ reason: "a private address that no rule names", up: 0, down: 0, ms: 0 },
    });
    expect(attempts.find(({ host }) => host === "no.b.com")?.rule).toBe("no.b.com");
  });
});

describe("names are looked up once and what was checked is what is dialled", () => {
  test("rebinding: public at first, private afterwards, is never dialled", async () => {
    await using origin = await startOrigin(echo);
    const names = { "rebind.org": [[PUBLIC], ["127.0.0.1"], ["10.0.0.1", "169.254.169.254"]] };
    await using egress = await makeEgress({ any: true, names, hosts: { [`${PUBLIC}:443`]: origin } });
    const first = await tunnel(egress, "rebind.org:443");
    first.destroy();
    for (let round = 0; round < 3; round++) {
      expect(await ask(egress, "CONNECT rebind.org:443 HTTP/1.1\r\n\r\n")).toStartWith("HTTP/1.1 403 ");
    }
    expect(egress.asked).toEqual(Array(4).fill("rebind.org"));
    expect(egress.dialled).toEqual([`${PUBLIC}:443`]);
  });

  test("of several addresses only the allowed are tried, in order, by number", async () => {
    await using origin = await startOrigin(echo);
    const addresses = ["127.0.0.1", "::1", "1.1.1.1", "::ffff:10.0.0.1", PUBLIC, "2606:4700::1111"];
    const names = { "many.org": [addresses] };
    await using egress = await makeEgress({ any: true, names, hosts: { [`${PUBLIC}:443`]: origin } });
    (await tunnel(egress, "many.org:443")).destroy();
    expect(egress.dialled).toEqual(["1.1.1.1:443", `${PUBLIC}:443`]);
  });

  test("an address of this machine is not a public one", async () => {
    await using egress = await makeEgress({ any: true, own: [PUBLIC], names: { "me.org": [[PUBLIC]] } });
    expect(await ask(egress, "CONNECT me.org:443 HTTP/1.1\r\n\r\n")).toBe(
      denial("me.org:443: an address of this machine that no rule names"),
    );
    expect(egress.dialled).toEqual([]);
  });
});

describe("port 80 in a tunnel is for requests to the host that was asked for", () => {
  const world = (origin: Origin) =>
    makeEgress({ allow: ["a.com"], names: { "a.com": [[PUBLIC]] }, hosts: { [`${PUBLIC}:80`]: origin } });
  const answering = (seen: string[]) => (socket: Socket) =>
    void socket.on("data", (piece) => {
      seen.push(piece.toString());
      socket.end("HTTP/1.1 204 No Content\r\n\r\n");
    });

  test("its own Host passes, another does not, nor a second request behind", async () => {
    const seen: string[] = [];
    await using origin = await startOrigin(answering(seen));
    await using egress = await world(origin);
    const send = async (text: string) => {
      const socket = await tunnel(egress, "a.com:80");
      const all = readAll(socket);
      socket.write(text);
      return all.finally(() => socket.destroy());
    };
    expect(await send("GET /1 HTTP/1.1\r\nHost: a.com\r\n\r\n")).toBe("HTTP/1.1 204 No Content\r\n\r\n");
    expect(await send("GET /2 HTTP/1.1\r\nHost: b.com\r\n\r\n")).toStartWith("HTTP/1.1 403 ");
    expect(await send("GET /3 HTTP/1.1\r\nHost: a.com\r\n\r\nGET /4 HTTP/1.1\r\nHost: b.com\r\n\r\n")).toStartWith(
      "HTTP/1.1 400 ",
    );
    expect(await send("hello\r\n\r\n")).toStartWith("HTTP/1.1 403 ");
    expect(seen).toEqual(["GET /1 HTTP/1.1\r\nHost: a.com\r\nConnection: close\r\n\r\n"]);
    expect((await egress.recorded(4)).map(({ verdict }) => verdict)).toEqual(["allowed", "denied", "denied", "denied"]);
  });

  test("a second request later on the same connection does not reach the host", async () => {
    const seen: string[] = [];
    await using origin = await startOrigin((socket) => void socket.on("data", (piece) => seen.push(piece.toString())));
    await using egress = await world(origin);
    const socket = await tunnel(egress, "a.com:80");
    const all = readAll(socket);
    socket.write("GET /1 HTTP/1.1\r\nHost: a.com\r\n\r\n");
    while (seen.length === 0) await Bun.sleep(1);
    socket.write("GET /2 HTTP/1.1\r\nHost: b.com\r\n\r\n");
    expect(await all).toBe("");
    expect((await egress.recorded(1))[0]).toMatchObject({ verdict: "allowed", reason: "more than the request said" });
    expect(seen).toHaveLength(1);
  });
});
