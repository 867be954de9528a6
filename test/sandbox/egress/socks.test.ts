import { describe, expect, test } from "bun:test";
import { readGreeting, readRequest, socksReply } from "#sandbox/egress/socks.ts";
import { hostText } from "#sandbox/hosts.ts";

const text = (value: string) => [...Buffer.from(value, "latin1")];
const name = (value: string) => [3, value.length, ...text(value)];

describe("the greeting", () => {
  const cases: [string, number[], ReturnType<typeof readGreeting>][] = [
    ["no authentication", [5, 1, 0], { kind: "greeting", bytes: 3 }],
    ["among others, and more behind", [5, 3, 2, 1, 0, 5, 1], { kind: "greeting", bytes: 5 }],
    ["a password only", [5, 1, 2], { kind: "refused" }],
    ["nothing offered", [5, 0], { kind: "refused" }],
    ["cut", [5, 2, 0], { kind: "more" }],
    ["one byte", [5], { kind: "more" }],
  ];
  test.each(cases)("%s", (_, bytes, expected) => {
    expect(readGreeting(Uint8Array.from(bytes))).toEqual(expected);
  });
});

describe("the request", () => {
  const shown = (bytes: number[]) => {
    const request = readRequest(Buffer.from(bytes));
    if (request.kind === "more") return "more";
    if (request.kind === "refused") return `${request.reply}: ${request.reason}`;
    return `${hostText(request.target.host)} ${request.target.port} rest=${request.rest.toString("latin1")}`;
  };
  const BAD = "failed: not a host and a port";
  const v6 = (hex: string) => [4, ...Buffer.from(hex, "hex")];
  const cases: [string, number[], string][] = [
    ["a name", [5, 1, 0, ...name("A.com"), 1, 187], "a.com 443 rest="],
    ["a name that is an address", [5, 1, 0, ...name("0x7f.1"), 0, 80], "127.0.0.1 80 rest="],
    ["IPv4", [5, 1, 0, 1, 127, 0, 0, 1, 0, 80], "127.0.0.1 80 rest="],
    ["IPv6", [5, 1, 0, ...v6("20010db8000000000000000000000001"), 1, 187, 22], "2001:db8::1 443 rest=\x16"],
    ["IPv4 mapped into IPv6", [5, 1, 0, ...v6("00000000000000000000ffff7f000001"), 1, 187], "127.0.0.1 443 rest="],
    ["a name with a NUL", [5, 1, 0, ...name("a.com\0.b"), 1, 187], BAD],
    ["a name that is not ASCII", [5, 1, 0, ...name("b\xfccher.de"), 1, 187], BAD],
    ["an empty name", [5, 1, 0, ...name(""), 1, 187], BAD],
    ["port 0", [5, 1, 0, ...name("a.com"), 0, 0], BAD],
    ["BIND", [5, 2, 0, ...name("a.com"), 1, 187], "command: only CONNECT is served"],
    ["UDP ASSOCIATE", [5, 3, 0, 1, 0, 0, 0, 0, 0, 0], "command: only CONNECT is served"],
    ["an unknown address type", [5, 1, 0, 9, 0, 0, 0], "addressType: an address of an unknown type"],
    ["another version", [4, 1, 0, 80, 127, 0, 0, 1, 0], "failed: not SOCKS 5"],
  ];
  test.each(cases)("%s", (_, bytes, expected) => {
    expect(shown(bytes)).toBe(expected);
    if (!expected.includes("rest=")) return;
    for (let cut = 0; cut < bytes.length - expected.split("rest=")[1]!.length; cut++) {
      expect(shown(bytes.slice(0, cut))).toBe("more");
    }
  });
});

test("replies are ten bytes", () => {
  expect([...socksReply("denied")]).toEqual([5, 2, 0, 1, 0, 0, 0, 0, 0, 0]);
});
