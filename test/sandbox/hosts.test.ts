import { describe, expect, test } from "bun:test";
import { hostText, parseAuthority, parseHost } from "#sandbox/hosts.ts";

const read = (text: string) => {
  const host = parseHost(text);
  return host && `${host.kind} ${hostText(host)}`;
};

describe("one spelling for every way to write a host", () => {
  const cases: [string, string | undefined][] = [
    ["example.com", "name example.com"],
    ["EXAMPLE.Com.", "name example.com"],
    ["xn--bcher-kva.example", "name xn--bcher-kva.example"],
    ["_dmarc.example.com", "name _dmarc.example.com"],
    ["localhost", "name localhost"],
    ["1password.com", "name 1password.com"],
    ["127.0.0.1", "address 127.0.0.1"],
    ["127.0.0.1.", "address 127.0.0.1"],
    ["127.1", "address 127.0.0.1"],
    ["2130706433", "address 127.0.0.1"],
    ["0x7f000001", "address 127.0.0.1"],
    ["0X7F.1", "address 127.0.0.1"],
    ["0177.0.0.1", "address 127.0.0.1"],
    ["017700000001", "address 127.0.0.1"],
    ["127.0.0x0.1", "address 127.0.0.1"],
    ["0x.0x", "address 0.0.0.0"],
    ["[::1]", "address ::1"],
    ["[::FFFF:127.0.0.1]", "address 127.0.0.1"],
    ["[0:0:0:0:0:ffff:7f00:1]", "address 127.0.0.1"],
    ["[2001:DB8::1]", "address 2001:db8::1"],
    ...[
      ...["", ".", "..", "a..b", ".a", "a..", "-a.com", "a-.com", "a b", "a\tb", "a\0b", "a/b", "a@b", "a:b", "a%00b"],
      ...["bücher.example", "①②⑦.0.0.1", "１２７.0.0.1", "ex\u00adample.com", "a\u3002com", "\u212aelvin.com"],
      ...["256.1.1.1", "1.2.3.4.5", "a.0x7f", "1.2.3.256", "4294967296", "09.1.1.1"],
      ...["::1", "[::1", "[]", "[127.0.0.1]", "[fe80::1%eth0]", "[fe80::1%25eth0]", "[::1]x", "*.example.com"],
      ...[`${"a".repeat(64)}.com`, `${"a.".repeat(127)}com`],
    ].map((text): [string, undefined] => [text, undefined]),
  ];
  test.each(cases)("%p", (text, expected) => {
    expect(read(text)).toBe(expected);
  });
});

test("authorities", () => {
  const shown = (text: string) => {
    const found = parseAuthority(text);
    return found && `${hostText(found.host)} ${found.port}`;
  };
  const cases = {
    "example.com": "example.com null",
    "example.com:443": "example.com 443",
    "[::1]:8443": "::1 8443",
    "[2001:db8::1]": "2001:db8::1 null",
    "0x7f.1:80": "127.0.0.1 80",
  };
  expect(Object.fromEntries(Object.keys(cases).map((text) => [text, shown(text)]))).toEqual(cases);
  const wrong = ["example.com:", "example.com:0", "example.com:65536", "example.com:+80", "a:b:1", "::1:80", "[::1]80"];
  const more = ["u@example.com:80", "[::1]:", ":80", "example.com: 80", "example.com:0x50", "[example.com]:80"];
  expect([...wrong, ...more].filter((text) => parseAuthority(text) !== undefined)).toEqual([]);
});
