import { describe, expect, test } from "bun:test";
import { connect, createServer, type Socket } from "node:net";
import { connect as tlsConnect, type ConnectionOptions } from "node:tls";
import { readClientHello } from "#sandbox/egress/client-hello.ts";

/** The first bytes a real client sends to a server that says nothing. */
async function helloOf(dial: (port: number) => Promise<() => void>): Promise<Buffer> {
  const first = Promise.withResolvers<Buffer>();
  let bytes = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (piece) => {
      bytes = Buffer.concat([bytes, piece as Buffer]);
      if (readClientHello(bytes).kind !== "more") first.resolve(bytes);
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const stop = await dial((server.address() as { port: number }).port);
  const hello = await first.promise;
  stop();
  server.close();
  return hello;
}

const byTls = (options: ConnectionOptions) => async (port: number) => {
  const socket = tlsConnect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
  socket.on("error", () => {});
  return () => void socket.destroy();
};

const byProgram = (words: (port: number) => string[]) => async (port: number) => {
  const child = Bun.spawn(words(port), { stdio: ["ignore", "ignore", "ignore"] });
  return () => child.kill();
};

const clients: [string, string | null, (port: number) => Promise<() => void>][] = [
  ["bun", "example.com", byTls({ servername: "example.com" })],
  ["bun with ALPN", "example.com", byTls({ servername: "example.com", ALPNProtocols: ["h2", "http/1.1"] })],
  ["bun, TLS 1.2 only", "example.com", byTls({ servername: "example.com", maxVersion: "TLSv1.2" })],
  ["bun without a name", null, byTls({ servername: "" })],
  [
    "openssl",
    "Example.COM",
    byProgram((port) => ["openssl", "s_client", "-connect", `127.0.0.1:${port}`, "-servername", "Example.COM"]),
  ],
  [
    "openssl without a name",
    null,
    byProgram((port) => ["openssl", "s_client", "-connect", `127.0.0.1:${port}`, "-noservername"]),
  ],
  [
    "curl",
    "example.com",
    byProgram((port) => ["curl", "-s", "--resolve", `example.com:${port}:127.0.0.1`, `https://example.com:${port}`]),
  ],
  [
    "node",
    "example.com",
    byProgram((port) => [
      "node",
      "-e",
      `require("tls").connect({host:"127.0.0.1",port:${port},servername:"example.com"})`,
    ]),
  ],
];

const u8 = (value: number) => [value];
const u16 = (value: number) => [value >> 8, value & 255];
const u24 = (value: number) => [value >> 16, ...u16(value & 65_535)];
const sized = (width: 1 | 2, bytes: number[]) => [...(width === 1 ? u8 : u16)(bytes.length), ...bytes];
const text = (value: string) => [...Buffer.from(value, "latin1")];

const serverName = (names: [number, string][]) =>
  extension(
    0,
    sized(
      2,
      names.flatMap(([type, name]) => [type, ...sized(2, text(name))]),
    ),
  );
const extension = (type: number, data: number[]) => [...u16(type), ...sized(2, data)];
const GREASE = extension(0x0a0a, []);
const message = (extensions: number[] | null, tail: number[] = []) => {
  const fixed = [
    3,
    3,
    ...Array<number>(32).fill(7),
    ...sized(1, []),
    ...sized(2, [0x0a, 0x0a, 0x13, 1]),
    ...sized(1, [0]),
  ];
  const body = [...fixed, ...(extensions === null ? [] : sized(2, extensions)), ...tail];
  return [1, ...u24(body.length), ...body];
};
const record = (payload: number[], type = 22) => [type, 3, 1, ...u16(payload.length), ...payload];
const read = (bytes: number[]) => readClientHello(Uint8Array.from(bytes));
const named = serverName([[0, "a.com"]]);

describe.each(clients)("%s", (_, name, dial) => {
  test("its server name is read, whole only, whatever comes after, and in any pieces", async () => {
    const bytes = await helloOf(dial);
    const expected = { kind: "hello", serverName: name } as const;
    expect(readClientHello(bytes)).toEqual(expected);
    const length = 5 + bytes.readUInt16BE(3);
    for (let cut = 0; cut < length; cut++) expect(readClientHello(bytes.subarray(0, cut))).toEqual({ kind: "more" });
    expect(readClientHello(Buffer.concat([bytes.subarray(0, length), Buffer.from("early data")]))).toEqual(expected);
    const payload = [...bytes.subarray(5, length)];
    for (let cut = 1; cut < payload.length; cut++) {
      expect(read([...record(payload.slice(0, cut)), ...record(payload.slice(cut))])).toEqual(expected);
    }
    expect(read(payload.flatMap((byte) => record([byte])))).toEqual(expected);
  });
});

describe("made by hand", () => {
  const hello = (serverName: string | null) => ({ kind: "hello", serverName }) as const;
  const malformed = (reason: string) => ({ kind: "malformed", reason }) as const;
  const ONE = "not exactly one server name";
  const FIELD = "a field is longer than what holds it";
  const cases: [string, number[], ReturnType<typeof readClientHello>][] = [
    ["nothing", [], { kind: "more" }],
    ["GREASE before and after", record(message([...GREASE, ...named, ...extension(0x1a1a, [0])])), hello("a.com")],
    [
      "an encrypted hello beside the outer name",
      record(message([...extension(0xfe0d, [0, 1, 2]), ...named])),
      hello("a.com"),
    ],
    ["an encrypted hello alone", record(message(extension(0xfe0d, [0, 1, 2]))), hello(null)],
    ["no extensions at all", record(message(null)), hello(null)],
    ["empty extensions", record(message([])), hello(null)],
    ["plain HTTP", text("GET / HTTP/1.1\r\n"), { kind: "not-tls" }],
    ["SSL 2", [0x80, 0x2e, 1, 3, 1], { kind: "not-tls" }],
    ["an alert first", record([2, 40], 21), { kind: "not-tls" }],
    [
      "two names",
      record(
        message(
          serverName([
            [0, "a.com"],
            [0, "b.com"],
          ]),
        ),
      ),
      malformed(ONE),
    ],
    [
      "a name of another kind",
      record(message(serverName([[1, "a.com"]]))),
      malformed("a server name of a kind that nobody defined"),
    ],
    ["an empty name", record(message(serverName([[0, ""]]))), malformed(ONE)],
    ["an empty list", record(message(extension(0, sized(2, [])))), malformed(FIELD)],
    ["an empty extension", record(message(extension(0, []))), malformed(FIELD)],
    [
      "a name with a NUL",
      record(message(serverName([[0, "a.com\0.b.com"]]))),
      malformed("a server name that is not ASCII"),
    ],
    [
      "a name that is not ASCII",
      record(message(serverName([[0, "b\xfc.com"]]))),
      malformed("a server name that is not ASCII"),
    ],
    [
      "the extension twice",
      record(message([...named, ...serverName([[0, "b.com"]])])),
      malformed("an extension twice"),
    ],
    ["bytes after the extensions", record(message(named, [0])), malformed("bytes after the extensions")],
    ["an extension beyond the list", record(message([0, 0, 0, 9, 0])), malformed(FIELD)],
    [
      "a second message in the record",
      record([...message(named), 1, 0, 0, 0]),
      malformed("a second message with the client hello"),
    ],
    ["a server hello", record([2, 0, 0, 1, 0]), malformed("a handshake that does not begin with a client hello")],
    ["a hello of no length", record([1, 0, 0, 0]), malformed(FIELD)],
    ["a hello of 16 MiB", record([1, 255, 255, 255]), malformed("a client hello that is too long")],
    ["an empty record", record([]), malformed("a record of an impossible length")],
    ["a record of 16 KiB and one", [22, 3, 1, ...u16(16_385)], malformed("a record of an impossible length")],
    ["another version", [22, 2, 0, 0, 5], malformed("a record of an unknown version")],
    [
      "an alert within",
      [...record(message(named).slice(0, 9)), ...record([1, 0], 21)],
      malformed("another record within the client hello"),
    ],
  ];
  test.each(cases)("%s", (_, bytes, expected) => {
    expect(read(bytes)).toEqual(expected);
  });

  test("a hello of 16 KiB in many records is read; one that never ends is given up", () => {
    const big = message([...extension(21, Array<number>(16_000).fill(0)), ...named]);
    const pieces = Array.from({ length: Math.ceil(big.length / 1000) }, (_, at) =>
      big.slice(at * 1000, at * 1000 + 1000),
    );
    expect(read(pieces.flatMap((piece) => record(piece)))).toEqual(hello("a.com"));
    const endless = [1, 0, 63, 255, ...Array<number>(16_000).fill(0)];
    const drip = endless.flatMap((byte) => record([byte]));
    expect(read(drip)).toEqual(malformed("a client hello that is too long"));
  });

  test("any byte changed or cut: an answer, never an exception", () => {
    const good = record(message([...GREASE, ...named]));
    const kinds = new Set<string>();
    for (let at = 0; at < good.length; at++) {
      for (const value of [0, 1, 127, 255]) kinds.add(read(good.with(at, value)).kind);
      kinds.add(read(good.toSpliced(at, 1)).kind);
    }
    expect([...kinds].sort()).toEqual(["hello", "malformed", "more", "not-tls"]);
  });
});

test("a client that speaks no TLS", async () => {
  const bytes = await helloOf(async (port) => {
    const socket: Socket = connect(port, "127.0.0.1");
    socket.write("GET");
    return () => void socket.destroy();
  });
  expect(readClientHello(bytes)).toEqual({ kind: "not-tls" });
});
