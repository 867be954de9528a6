// Hosts that are asked about: which they are, that nothing is looked up or dialled before the answer, and that a client that leaves takes its
// question along.

import { describe, expect, test } from "bun:test";
import { parseAuthority } from "#sandbox/hosts.ts";
import { decideAddress, decideHost, parseNetPermission } from "#sandbox/net-permission.ts";
import { parseAddress } from "#sandbox/addresses.ts";
import { noAskFlags, noListFlags } from "#sandbox/permission-flags.ts";
import { ask, denial, makeEgress, PUBLIC, readAll, startOrigin, tunnel } from "#test/support/egress.ts";

const permission = (
  flags: Partial<typeof noListFlags>,
  asks: Partial<typeof noAskFlags>,
  base: "none" | "public" = "none",
) => parseNetPermission({ ...noListFlags, ...flags }, base, { ...noAskFlags, ...asks });

describe("which hosts are asked about", () => {
  const some = permission(
    { allow: ["a.com"], deny: ["*.d.com"] },
    { list: ["b.com", "*.d.com:444", "10.0.0.7:5432"] },
  )!;
  const all = permission({ allow: ["a.com"], deny: ["d.com"] }, { any: true })!;
  const hardened = permission({}, { list: ["b.com"] }, "public")!;
  test.each([
    ["named to be asked", some, "b.com:443", "ask"],
    ["allowed", some, "a.com:443", "allowed"],
    ["on no list", some, "c.com:443", "denied"],
    ["another port of one to be asked", some, "b.com:22", "denied"],
    ["denied wins", some, "x.d.com:444", "denied"],
    ["an address to be asked", some, "10.0.0.7:5432", "ask"],
    ["every other", all, "c.com:443", "ask"],
    ["every other, an unusual port", all, "c.com:22", "denied"],
    ["every other, an address", all, "192.0.2.1:443", "denied"],
    ["allowed beside all", all, "a.com:80", "allowed"],
    ["denied beside all", all, "d.com:443", "denied"],
    ["hardened: one to be asked", hardened, "b.com:443", "ask"],
    ["hardened: any other", hardened, "c.com:443", "allowed"],
  ] as const)("%s", (_, given, where, wanted) => {
    const target = parseAuthority(where)!;
    const decision = decideHost(given, target.host, target.port!);
    expect(decision.allowed ? "allowed" : decision.ask ? "ask" : "denied").toBe(wanted);
  });

  test("hardened asks about everything when told to", () => {
    expect(permission({}, { any: true }, "public")).toEqual({
      any: false,
      allow: [],
      deny: [],
      ask: { any: true, rules: [] },
    });
  });

  test("an address that is asked about is not thereby open to a name that leads there", () => {
    const address = parseAddress("10.0.0.7")!;
    const decide = (rule: string) => decideAddress(some, address, 5432, { rule, own: false }).allowed;
    expect([decide("10.0.0.7:5432"), decide("a.com")]).toEqual([true, false]);
  });

  test.each([
    [{ deny: ["a.com"] }, { list: ["a.com"] }, '--deny-net: "a.com" is both allowed and denied'],
    [{ allow: ["a.com"] }, { list: ["a.com"] }, '--ask-net: "a.com" is both allowed and asked for'],
    [{ any: true }, { any: true }, "--allow-net and --ask-net both name every host"],
    [{ denyAll: true }, { any: true }, "--deny-net without a host denies every host"],
    [{}, { list: ["https://a.com"] }, '--ask-net: "https://a.com" is a URL; only a host and a port are named'],
  ])("%j and questions %j contradict each other", (flags, asks, message) => {
    expect(() => permission(flags, asks)).toThrow(expect.objectContaining({ kind: "usage", message }));
  });
});

describe("the connection waits", () => {
  test("nothing is looked up before the answer; after a yes it is dialled", async () => {
    await using origin = await startOrigin((socket) => void socket.pipe(socket));
    const answer = Promise.withResolvers<boolean>();
    const asked = Promise.withResolvers<string>();
    await using egress = await makeEgress({
      askFor: [`b.internal:${origin.port}`],
      allow: [`127.0.0.1:${origin.port}`],
      names: { "b.internal": [["127.0.0.1"]] },
      ask(host, port) {
        asked.resolve(`${host}:${port}`);
        return answer.promise;
      },
    });
    const opening = tunnel(egress, `b.internal:${origin.port}`);
    expect(await asked.promise).toBe(`b.internal:${origin.port}`);
    expect([egress.asked, egress.dialled]).toEqual([[], []]);
    answer.resolve(true);
    const socket = await opening;
    const all = readAll(socket);
    socket.end("there and back");
    expect(await all).toBe("there and back");
    const [attempt] = await egress.recorded(1);
    expect(attempt).toMatchObject({ verdict: "allowed", rule: `127.0.0.1:${origin.port}` });
  });

  test("what the client said already while it waited is passed on", async () => {
    await using origin = await startOrigin((socket) => void socket.pipe(socket));
    const answer = Promise.withResolvers<boolean>();
    const where = `127.0.0.1:${origin.port}`;
    await using egress = await makeEgress({ askFor: [where], ask: () => answer.promise });
    const socket = await egress.dial();
    const all = readAll(socket);
    socket.write(`CONNECT ${where} HTTP/1.1\r\nHost: ${where}\r\n\r\nwith the head, `);
    await Bun.sleep(50);
    socket.write("and after it");
    await Bun.sleep(50);
    answer.resolve(true);
    await Bun.sleep(50);
    socket.end(", and after the answer");
    expect(await all).toBe(
      "HTTP/1.1 200 Connection Established\r\n\r\nwith the head, and after it, and after the answer",
    );
  });

  test("after a no it is refused, and nothing was looked up", async () => {
    await using egress = await makeEgress({ askFor: ["any"], ask: () => Promise.resolve(false) });
    const told = await ask(egress, "CONNECT b.com:443 HTTP/1.1\r\nHost: b.com:443\r\n\r\n");
    expect(told).toBe(denial("b.com:443: denied when asked"));
    const [attempt] = await egress.recorded(1);
    expect(attempt).toMatchObject({
      host: "b.com",
      verdict: "denied",
      rule: "a person's answer",
      reason: "denied when asked",
    });
    expect(egress.asked).toEqual([]);
  });

  test("with nobody to ask it is refused", async () => {
    await using egress = await makeEgress({ askFor: ["b.com"], names: { "b.com": [[PUBLIC]] } });
    expect(await ask(egress, "CONNECT b.com:443 HTTP/1.1\r\nHost: b.com:443\r\n\r\n")).toBe(
      denial("b.com:443: denied when asked"),
    );
  });

  test("a client that leaves takes its question along; others are served meanwhile", async () => {
    await using origin = await startOrigin((socket) => void socket.pipe(socket));
    const asked = Promise.withResolvers<AbortSignal>();
    await using egress = await makeEgress({
      askFor: ["b.com"],
      allow: [`127.0.0.1:${origin.port}`],
      ask: (_, __, gone) => (
        asked.resolve(gone),
        new Promise((done) => gone.addEventListener("abort", () => done(false)))
      ),
    });
    const waiting = await egress.dial();
    waiting.write("CONNECT b.com:443 HTTP/1.1\r\nHost: b.com:443\r\n\r\n");
    const gone = await asked.promise;
    (await tunnel(egress, `127.0.0.1:${origin.port}`)).destroy();
    waiting.destroy();
    const attempt = (await egress.recorded(2)).find(({ host }) => host === "b.com");
    expect([gone.aborted, attempt?.reason]).toEqual([true, "denied when asked"]);
  });
});
