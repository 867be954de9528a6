// Requests spoilt by chance: bodies, heads, framing, paths.

import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";
import { TOKEN } from "./gateway.ts";
import { mutateBytes, mutateJson } from "./mutate.ts";
import type { Random } from "./random.ts";
import { sound } from "./sound-requests.ts";

/** `unfinished`: what was announced does not come. */
export type Shot = { bytes: Buffer; what: string; unfinished: boolean };

function headsFor(random: Random, path: string, body: Buffer): { head: string; body: Buffer; unfinished?: boolean } {
  const lines = [
    `Host: 127.0.0.1:4000`,
    `Authorization: Bearer ${TOKEN}`,
    "Content-Type: application/json",
    "Connection: close",
  ];
  const sized = [...lines, `Content-Length: ${body.length}`];
  const chunk = (piece: Buffer) =>
    Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from("\r\n")]);
  const chunked = (...pieces: Buffer[]) =>
    Buffer.concat([...pieces.filter(({ length }) => length > 0).map(chunk), Buffer.from("0\r\n\r\n")]);
  const cut = random.below(body.length + 1);
  const make = (line: string, heads: string[], sent: Buffer) => ({
    head: `${line}\r\n${heads.join("\r\n")}\r\n\r\n`,
    body: sent,
  });
  const post = `POST ${path} HTTP/1.1`;
  switch (random.below(24)) {
    case 0:
      return make(post, [...lines, "Transfer-Encoding: chunked"], chunked(body.subarray(0, cut), body.subarray(cut)));
    case 1:
      return make(post, [...sized, "Transfer-Encoding: chunked"], body);
    case 2:
      return {
        ...make(post, [...lines, `Content-Length: ${body.length + 1 + random.below(100)}`], body),
        unfinished: true,
      };
    case 3:
      return make(post, [...lines, `Content-Length: ${cut}`], body);
    case 4:
      return make(
        post,
        [...lines, `Content-Length: ${random.pick(["-1", "x", "", "1e3", "99999999999999999999", "0x10", "+5"])}`],
        body,
      );
    case 5:
      return {
        ...make(
          post,
          [...lines, "Transfer-Encoding: chunked"],
          Buffer.from(
            random.pick(["zz\r\nabc\r\n0\r\n\r\n", "-1\r\n\r\n", "5\r\nab", "ffffffffffffffff\r\n", "0\r\n"]),
          ),
        ),
        unfinished: true,
      };
    case 6:
      return make(
        post,
        sized.with(
          2,
          `Content-Type: ${random.pick(["text/plain", "", "application/xml", "multipart/form-data; boundary=x", "application/json; charset=utf-16"])}`,
        ),
        body,
      );
    case 7:
      return make(
        post,
        sized.with(
          0,
          `Host: ${random.pick(["x", "evil.example", "", "127.0.0.1.evil.example", "[::1", "localhost:99999999"])}`,
        ),
        body,
      );
    case 8:
      return make(
        `${random.pick(["GET", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD", "BREW", "CONNECT"])} ${path} HTTP/1.1`,
        sized,
        body,
      );
    case 9:
      return make(
        `POST ${random.pick([`/${path}`, `${path}/`, `${path}/..`, `/x/..${path}`, path.replace("/v1", "/v1/."), path.replaceAll("/", "%2f"), path.toUpperCase(), `http://127.0.0.1:1${path}`, `${path}?key=${TOKEN}x`, `${path}%00`, "*", ""])} HTTP/1.1`,
        sized,
        body,
      );
    case 10:
      return make(post, [...sized, `X-Pad: ${"y".repeat(random.pick([100, 9_000, 70_000]))}`], body);
    case 11:
      return make(
        post,
        sized.with(
          1,
          random.pick([
            "X: y",
            "Authorization: Bearer nope",
            "Authorization: Basic eA==",
            `Authorization: bearer\t${TOKEN}`,
            `x-api-key: ${TOKEN}`,
          ]),
        ),
        body,
      );
    case 12:
      return make(post, [...sized, `Content-Encoding: ${random.pick(["gzip", "br", "identity", "x"])}`], body);
    case 13:
      return make(post, [...sized, "Origin: https://evil.example"], body);
    default:
      return make(post, sized, body);
  }
}

/** One request of that dialect. */
export function shoot(random: Random, dialect: Dialect): Shot {
  const { path, body } = sound[dialect];
  const json = random.chance(0.2)
    ? body
    : random.chance(0.9)
      ? mutateJson(body, random)
      : random.pick<Json>([[], [body], null, 7, "text", {}]);
  const plain = Buffer.from(JSON.stringify(json));
  const bytes = random.chance(0.25) ? mutateBytes(plain, random) : plain;
  const { head, body: sent, unfinished = false } = headsFor(random, path, Buffer.from(bytes));
  return {
    bytes: Buffer.concat([Buffer.from(head), sent]),
    unfinished,
    what: `${head.split("\r\n")[0]} ${plain.toString().slice(0, 600)}`,
  };
}
