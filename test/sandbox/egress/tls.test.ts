// On 443 the client must speak TLS and name the host it asked for; what it says otherwise never reaches the host.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import type { Socket } from "node:net";
import { connect as tlsConnect, createServer as createTlsServer } from "node:tls";
import { makeCertificate } from "#test/support/certificate.ts";
import { ask, denial, makeEgress, PUBLIC, readAll, tunnel } from "#test/support/egress.ts";

describe("port 443 is for TLS to the host that was asked for", () => {
  const { key, cert } = makeCertificate(generateKeyPairSync("rsa", { modulusLength: 2048 }), "a.com");
  let tls: ReturnType<typeof createTlsServer>;
  let port: number;
  let raw = 0;
  beforeAll(async () => {
    tls = createTlsServer({ key, cert }, (socket) => {
      socket.on("error", () => {});
      socket.on("data", (piece) => socket.end(`secret ${piece}`));
    });
    tls.on("connection", (socket) => socket.on("data", (piece: Buffer) => (raw += piece.length)));
    tls.on("tlsClientError", () => {});
    await new Promise<void>((done) => tls.listen(0, "127.0.0.1", done));
    port = (tls.address() as { port: number }).port;
  });
  afterAll(() => void tls.close());

  const world = () => {
    const hosts = { [`${PUBLIC}:443`]: { port }, [`${PUBLIC}:8443`]: { port } };
    return makeEgress({ allow: ["a.com,a.com:8443", PUBLIC], names: { "a.com": [[PUBLIC]] }, hosts });
  };
  const speak = (socket: Socket, servername: string) =>
    new Promise<string>((done) => {
      const secure = tlsConnect({ socket, servername, rejectUnauthorized: false });
      let text = "";
      secure.on("secureConnect", () => secure.write("word"));
      secure.on("data", (piece) => (text += piece.toString()));
      const over = (outcome: string) => {
        done(outcome);
        secure.destroy();
      };
      secure.on("error", (error) => over(`error ${(error as NodeJS.ErrnoException).code}`));
      secure.on("end", () => over(text)).on("close", () => over(text));
    });

  test.each(["a.com:443", "A.COM.:443", "a.com:8443"])("the right name gets through: %s", async (where) => {
    await using egress = await world();
    expect(await speak(await tunnel(egress, where), "a.com")).toBe("secret word");
    const [attempt] = await egress.recorded(1);
    expect(attempt).toMatchObject({ host: "a.com", verdict: "allowed", reason: null });
    expect(attempt!.up).toBeGreaterThan(200);
    expect(attempt!.down).toBeGreaterThan(500);
  });

  const wrong: [string, string, string, string][] = [
    ["another name", "a.com:443", "b.com", "the TLS hello names another server than the one asked for"],
    [
      "another name on another port",
      "a.com:8443",
      "b.com",
      "the TLS hello names another server than the one asked for",
    ],
    ["no name", "a.com:443", "", "the TLS hello names no server"],
    ["a name for an address", `${PUBLIC}:443`, "a.com", "the TLS hello names another server than the one asked for"],
  ];
  test.each(wrong)("%s is refused and the host never hears of it", async (_, where, servername, reason) => {
    await using egress = await world();
    const before = raw;
    const socket = await tunnel(egress, where);
    expect(await speak(socket, servername)).not.toContain("secret");
    const [attempt] = await egress.recorded(1);
    expect(attempt).toMatchObject({ verdict: "denied", reason, up: 0, down: 0 });
    expect(raw).toBe(before);
  });

  test("an address without a name gets through where a rule names it", async () => {
    await using egress = await world();
    expect(await speak(await tunnel(egress, `${PUBLIC}:443`), "")).toBe("secret word");
  });

  test("anything but TLS on 443 is refused, with an alert and a record", async () => {
    await using egress = await world();
    const before = raw;
    expect(await ask(egress, "GET http://a.com:443/ HTTP/1.1\r\nHost: a.com:443\r\n\r\n")).toBe(
      denial("a.com:443: only TLS is let through to port 443"),
    );
    for (const text of ["GET / HTTP/1.1\r\nHost: a.com\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "\x80\x2e\x01\x03\x01"]) {
      const socket = await tunnel(egress, "a.com:443");
      const all = readAll(socket);
      socket.write(Buffer.from(text, "latin1"));
      expect(await all).toBe("\x15\x03\x01\x00\x02\x02\x31");
    }
    expect((await egress.recorded(4)).map(({ verdict, reason }) => `${verdict} ${reason}`)).toEqual(
      Array(4).fill("denied only TLS is let through to port 443"),
    );
    expect(raw).toBe(before);
  });
});
