import { describe, expect, test } from "bun:test";
import { readHead, type Target } from "#sandbox/egress/http-head.ts";
import { hostText, parseHost } from "#sandbox/hosts.ts";

const target = (host: string, port: number): Target => ({ host: parseHost(host)!, port });

/** One line a fact, so that a case is a line too. */
function shown(text: string, tunnel?: Target): string {
  const head = readHead(Buffer.from(text, "latin1"), tunnel);
  if (head.kind === "more") return "more";
  if (head.kind === "refused") return `${head.status} ${head.reason}`;
  const where = `${hostText(head.target.host)} ${head.target.port}`;
  const rest = head.rest.toString("latin1");
  if (head.kind === "connect") return `connect ${where} rest=${rest}`;
  return `request ${where} body=${head.bodyBytes} rest=${rest}\n${head.head.toString("latin1").replaceAll("\r\n", "\n").trim()}`;
}

const NOT_HTTP = "400 not an HTTP/1.1 request";
const FIELD = "400 a header that is not one";
const CONNECT = "400 CONNECT takes host:port";
const TARGET = "400 not a request for a host by http";
const HOST = "400 the Host header is not the host that is asked for";
const LENGTH = "400 not exactly one length";

describe("CONNECT", () => {
  const cases: [string, string][] = [
    ["CONNECT a.com:443 HTTP/1.1\r\nHost: a.com:443\r\n\r\n", "connect a.com 443 rest="],
    ["CONNECT A.com.:443 HTTP/1.0\r\n\r\n", "connect a.com 443 rest="],
    ["CONNECT [::1]:8080 HTTP/1.1\r\n\r\nearly", "connect ::1 8080 rest=early"],
    ["CONNECT 0x7f.1:80 HTTP/1.1\r\n\r\n", "connect 127.0.0.1 80 rest="],
    ["CONNECT a.com HTTP/1.1\r\n\r\n", CONNECT],
    ["CONNECT a.com:0 HTTP/1.1\r\n\r\n", CONNECT],
    ["CONNECT u@a.com:443 HTTP/1.1\r\n\r\n", CONNECT],
    ["CONNECT http://a.com:443 HTTP/1.1\r\n\r\n", CONNECT],
    ["CONNECT a.com:443/ HTTP/1.1\r\n\r\n", CONNECT],
    ["CONNECT a.com:443,b.com:443 HTTP/1.1\r\n\r\n", CONNECT],
    ["CONNECT b\xfccher.de:443 HTTP/1.1\r\n\r\n", NOT_HTTP],
    ["CONNECT  a.com:443 HTTP/1.1\r\n\r\n", NOT_HTTP],
    ["CONNECT a.com:443 HTTP/2\r\n\r\n", NOT_HTTP],
    ["CONNECT a.com:443\r\n\r\n", NOT_HTTP],
    ["CONNECT a.com:443 HTTP/1.1\n\n\r\n\r\n", NOT_HTTP],
    ["\r\nCONNECT a.com:443 HTTP/1.1\r\n\r\n", NOT_HTTP],
    ["connect a.com:443 HTTP/1.1\r\n\r\n", TARGET],
    ["CONNECT a.com:443 HTTP/1.1\r\n", "more"],
    ["", "more"],
  ];
  test.each(cases)("%j", (text, expected) => {
    expect(shown(text)).toBe(expected);
  });
});

describe("a request to a proxy", () => {
  const get = (url: string, ...fields: string[]) =>
    `GET ${url} HTTP/1.1\r\n${fields.map((line) => `${line}\r\n`).join("")}\r\n`;
  const cases: [string, string][] = [
    [
      get("http://a.com/x?y=1", "Host: a.com"),
      "request a.com 80 body=0 rest=\nGET /x?y=1 HTTP/1.1\nHost: a.com\nConnection: close",
    ],
    [
      get("HTTP://A.com.:80", "hOsT: a.COM"),
      "request a.com 80 body=0 rest=\nGET / HTTP/1.1\nhOsT: a.COM\nConnection: close",
    ],
    [
      get("http://a.com?q", "Host: a.com:80"),
      "request a.com 80 body=0 rest=\nGET /?q HTTP/1.1\nHost: a.com:80\nConnection: close",
    ],
    [
      get("http://a.com:8080/", "Host: a.com:8080"),
      "request a.com 8080 body=0 rest=\nGET / HTTP/1.1\nHost: a.com:8080\nConnection: close",
    ],
    [
      get("http://[::1]:81/", "Host: [::1]:81"),
      "request ::1 81 body=0 rest=\nGET / HTTP/1.1\nHost: [::1]:81\nConnection: close",
    ],
    [
      get(
        "http://a.com/",
        "Host: a.com",
        "Connection: X-One, keep-alive, host",
        "X-One: 1",
        "X-Two: \t2 ",
        "Proxy-Authorization: Basic eA==",
        "Upgrade: h2c",
        "TE: trailers",
      ),
      "request a.com 80 body=0 rest=\nGET / HTTP/1.1\nHost: a.com\nX-Two: 2\nConnection: close",
    ],
    [
      `POST http://a.com/ HTTP/1.1\r\nHost: a.com\r\nContent-Length: 3\r\n\r\nabcdef`,
      "request a.com 80 body=3 rest=abcdef\nPOST / HTTP/1.1\nHost: a.com\nContent-Length: 3\nConnection: close",
    ],
    [get("http://a.com/"), HOST],
    [get("http://a.com/", "Host: b.com"), HOST],
    [get("http://a.com/", "Host: a.com", "Host: a.com"), HOST],
    [get("http://a.com/", "Host: a.com", "host: b.com"), HOST],
    [get("http://a.com/", "Host: a.com:81"), HOST],
    [get("http://a.com/", "Host: a.com, b.com"), HOST],
    [get("http://a.com/", "Host:"), HOST],
    [get("http://127.0.0.1/", "Host: localhost"), HOST],
    [get("http://u:p@a.com/", "Host: a.com"), TARGET],
    [get("http://a.com\\@b.com/", "Host: a.com"), TARGET],
    [get("http:///x", "Host: a.com"), TARGET],
    [get("http://a.com:0/", "Host: a.com"), TARGET],
    [get("http://a.com/#f", "Host: a.com"), TARGET],
    [get("https://a.com/", "Host: a.com"), TARGET],
    [get("ftp://a.com/", "Host: a.com"), TARGET],
    [get("/x", "Host: a.com"), TARGET],
    [get("*", "Host: a.com"), TARGET],
    [get("http://a.com/", "Host : a.com"), FIELD],
    [get("http://a.com/", "Host: a.com", " folded"), FIELD],
    [get("http://a.com/", "Host: a.com", "X: a\nHost: b.com"), FIELD],
    [get("http://a.com/", "Host: a.com", "X: a\rY: b"), FIELD],
    [get("http://a.com/", "Host: a.com", "X: a\0b"), FIELD],
    [get("http://a.com/", "Host: a.com", "no colon"), FIELD],
    [get("http://a.com/", "Host: a.com", "Content-Length: 1", "Content-Length: 1"), LENGTH],
    [get("http://a.com/", "Host: a.com", "Content-Length: +1"), LENGTH],
    [get("http://a.com/", "Host: a.com", "Content-Length: 1, 1"), LENGTH],
    [get("http://a.com/", "Host: a.com", "Content-Length: 0x1"), LENGTH],
    [
      get("http://a.com/", "Host: a.com", "Content-Length: 1", "Transfer-Encoding: chunked"),
      "400 a length and a transfer encoding",
    ],
    [get("http://a.com/", "Host: a.com", "Transfer-Encoding: chunked"), "411 over plain HTTP a body needs a length"],
    [get("http://a.com/", "Host: a.com", `X: ${"x".repeat(40_000)}`), "431 the head is too long"],
    ["x".repeat(40_000), "431 the head is too long"],
  ];
  test.each(cases.map(([text, expected]) => [text.slice(0, 90), text, expected] as const))(
    "%j",
    (_, text, expected) => {
      expect(shown(text)).toBe(expected);
    },
  );
});

describe("a request within a tunnel", () => {
  const tunnel = target("a.com", 80);
  const cases: [string, string][] = [
    [
      "GET /x HTTP/1.1\r\nHost: a.com\r\n\r\n",
      "request a.com 80 body=0 rest=\nGET /x HTTP/1.1\nHost: a.com\nConnection: close",
    ],
    [
      "OPTIONS * HTTP/1.1\r\nHost: a.com\r\n\r\n",
      "request a.com 80 body=0 rest=\nOPTIONS * HTTP/1.1\nHost: a.com\nConnection: close",
    ],
    [
      "GET http://a.com/x HTTP/1.1\r\nHost: a.com\r\n\r\n",
      "request a.com 80 body=0 rest=\nGET /x HTTP/1.1\nHost: a.com\nConnection: close",
    ],
    ["GET http://b.com/x HTTP/1.1\r\nHost: b.com\r\n\r\n", TARGET],
    ["GET http://a.com:81/ HTTP/1.1\r\nHost: a.com:81\r\n\r\n", TARGET],
    ["GET /x HTTP/1.1\r\nHost: b.com\r\n\r\n", HOST],
    ["GET /x HTTP/1.1\r\n\r\n", HOST],
    ["CONNECT a.com:443 HTTP/1.1\r\n\r\n", CONNECT],
    ["\x16\x03\x01\x00\x05hello\r\n\r\n", NOT_HTTP],
    ["SSH-2.0-x\r\n\r\n", NOT_HTTP],
  ];
  test.each(cases)("%j", (text, expected) => {
    expect(shown(text, tunnel)).toBe(expected);
  });
});
