// Reads the server name out of the first bytes of a TLS connection (RFC 8446 §4.1.2, §5.1; RFC 6066 §3), whatever records they come in.
// Pure, never longer than it must be; what it does not fully understand is malformed, not passed on.
// Does not stop: a name hidden by Encrypted Client Hello behind a matching outer one, a second hello after a retry request, and an HTTP
// Host inside that is not the name outside: all three reach the address of the allowed host and what that host serves for others.

export type Hello =
  | { kind: "more" }
  | { kind: "hello"; serverName: string | null }
  | { kind: "not-tls" }
  | { kind: "malformed"; reason: string };

const HANDSHAKE = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const RECORD_HEADER = 5;
const MAX_RECORD = 1 << 14;
/** Post-quantum key shares and a long ticket fit several times over. */
const MAX_HELLO = 1 << 14;
/** With what records of one byte each would add. */
const MAX_BYTES = 1 << 16;

class Malformed extends Error {}

/** Big-endian fields, one after the other. Running out of bytes is malformed: the message was whole before it was read. */
function reader(bytes: Uint8Array) {
  let at = 0;
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new Malformed("a field is longer than what holds it");
    at += length;
    return bytes.subarray(at - length, at);
  };
  const number = (width: number) => take(width).reduce((value, byte) => value * 256 + byte, 0);
  return { take, number, vector: (width: number) => take(number(width)), done: () => at === bytes.length };
}

function readServerName(extension: Uint8Array): string {
  const list = reader(reader(extension).vector(2));
  if (list.number(1) !== HOST_NAME) throw new Malformed("a server name of a kind that nobody defined");
  const name = list.vector(2);
  if (!list.done() || name.length === 0) throw new Malformed("not exactly one server name");
  if (name.some((byte) => byte < 0x21 || byte > 0x7e)) throw new Malformed("a server name that is not ASCII");
  return new TextDecoder().decode(name);
}

function readHello(body: Uint8Array): string | null {
  const hello = reader(body);
  hello.take(2 + 32); // legacy version, random
  hello.vector(1); // session id
  hello.vector(2); // cipher suites
  hello.vector(1); // compression methods
  if (hello.done()) return null;
  const extensions = reader(hello.vector(2));
  if (!hello.done()) throw new Malformed("bytes after the extensions");
  const seen = new Set<number>();
  let serverName: string | null = null;
  while (!extensions.done()) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (seen.has(type)) throw new Malformed("an extension twice");
    seen.add(type);
    if (type === SERVER_NAME) serverName = readServerName(data);
  }
  return serverName;
}

/** The payload of the handshake records so far. `undefined`: the next record has not come whole. */
function readMessage(bytes: Uint8Array): Uint8Array | undefined {
  const message: number[] = [];
  for (let at = 0; ;) {
    if (message.length >= 4) {
      if (message[0] !== CLIENT_HELLO) throw new Malformed("a handshake that does not begin with a client hello");
      const length = message[1]! * 65_536 + message[2]! * 256 + message[3]!;
      if (length > MAX_HELLO) throw new Malformed("a client hello that is too long");
      if (message.length > 4 + length) throw new Malformed("a second message with the client hello");
      if (message.length === 4 + length) return Uint8Array.from(message.slice(4));
    }
    const header = bytes.subarray(at, at + RECORD_HEADER);
    if (header.length > 0 && header[0] !== HANDSHAKE) throw new Malformed("another record within the client hello");
    if (header.length > 1 && header[1] !== 3) throw new Malformed("a record of an unknown version");
    if (header.length < RECORD_HEADER) return undefined;
    const length = header[3]! * 256 + header[4]!;
    if (length === 0 || length > MAX_RECORD) throw new Malformed("a record of an impossible length");
    const fragment = bytes.subarray(at + RECORD_HEADER, at + RECORD_HEADER + length);
    if (fragment.length < length) return undefined;
    message.push(...fragment);
    at += RECORD_HEADER + length;
  }
}

/** What the client's first bytes say. `more`: not all of the hello is here yet. */
export function readClientHello(bytes: Uint8Array): Hello {
  if (bytes.length === 0) return { kind: "more" };
  if (bytes[0] !== HANDSHAKE) return { kind: "not-tls" };
  try {
    const message = readMessage(bytes);
    if (message === undefined) {
      if (bytes.length > MAX_BYTES) throw new Malformed("a client hello that is too long");
      return { kind: "more" };
    }
    return { kind: "hello", serverName: readHello(message) };
  } catch (error) {
    if (error instanceof Malformed) return { kind: "malformed", reason: error.message };
    throw error;
  }
}
