// HTTP by hand, where a client library would correct what is to be sent. One connection a request; the answer is read to its end.

import { connect } from "node:net";

export type RawAnswer = {
  /** 0 when the connection was closed without an answer. */
  status: number;
  headers: Record<string, string>;
  body: string;
  /** Everything that came, should there be more than one answer. */
  raw: string;
};

const HEAD_END = "\r\n\r\n";

function bodyOf(text: string, headers: Record<string, string>): string {
  if (headers["transfer-encoding"] !== "chunked") return text;
  let out = "";
  for (let at = 0; at < text.length;) {
    const line = text.indexOf("\r\n", at);
    const size = Number.parseInt(text.slice(at, line), 16);
    if (line < 0 || !(size > 0)) break;
    out += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
  }
  return out;
}

/** What a server's bytes say. Chunks are cut by bytes, so the text is taken as Latin-1 until they are joined. */
export function readAnswer(raw: Buffer): RawAnswer {
  const text = raw.toString("latin1");
  const end = text.indexOf(HEAD_END);
  const [first = "", ...lines] = text.slice(0, Math.max(0, end)).split("\r\n");
  const headers = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]),
  );
  const body = end < 0 ? "" : bodyOf(text.slice(end + HEAD_END.length), headers);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3})/.exec(first)?.[1] ?? 0),
    headers,
    body: Buffer.from(body, "latin1").toString(),
    raw: text,
  };
}

/**
 * Sends the bytes and waits until the server closes; `unfinished` half-closes behind them, as one does who has no more to say. Rejects when the
 * server has not closed within `patienceMs`: it must not wait for what cannot come.
 */
export function sendRaw(
  port: number,
  bytes: Uint8Array | string,
  { unfinished = false, patienceMs = 10_000 } = {},
): Promise<RawAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<RawAnswer>();
  const pieces: Buffer[] = [];
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true }, () => {
    if (unfinished) socket.end(bytes);
    else socket.write(bytes);
  });
  const timer = setTimeout(() => {
    socket.destroy();
    reject(
      new Error(`no end after ${patienceMs} ms; so far: ${Buffer.concat(pieces).toString("latin1").slice(0, 300)}`),
    );
  }, patienceMs);
  socket.on("data", (piece: Buffer) => void pieces.push(piece));
  // A server that refuses early resets what it did not read.
  socket.on("error", () => {});
  socket.on("end", () => socket.end());
  socket.on("close", () => {
    clearTimeout(timer);
    resolve(readAnswer(Buffer.concat(pieces)));
  });
  return promise;
}
