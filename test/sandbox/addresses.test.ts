import { describe, expect, test } from "bun:test";
import {
  classify,
  contains,
  covers,
  embeddedAddress,
  formatAddress,
  parseAddress,
  parseNetwork,
} from "#sandbox/addresses.ts";

describe("an address is read in its canonical spellings only", () => {
  const spellings: [string, string | undefined][] = [
    ["192.0.2.1", "192.0.2.1"],
    ["0.0.0.0", "0.0.0.0"],
    ["255.255.255.255", "255.255.255.255"],
    ["::", "::"],
    ["::1", "::1"],
    ["2001:DB8:0:0:0:0:0:1", "2001:db8::1"],
    ["2001:db8::192.0.2.1", "2001:db8::c000:201"],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"],
    ["::ffff:127.0.0.1", "127.0.0.1"],
    ["::ffff:7f00:1", "127.0.0.1"],
    ["0:0:0:0:0:ffff:a9fe:a9fe", "169.254.169.254"],
    ["64:ff9b::7f00:1", "64:ff9b::7f00:1"],
    ...["", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.01", "127.0.0.1.", "127.0.0.256", "1.2.3"].map(
      (text): [string, undefined] => [text, undefined],
    ),
    ...["fe80::1%eth0", "[::1]", ":::", "1::2::3", "12345::", "::ffff:127.0.0.01", "localhost", "127.0.0.1\n"].map(
      (text): [string, undefined] => [text, undefined],
    ),
  ];
  test.each(spellings)("%p", (text, canonical) => {
    const address = parseAddress(text);
    expect(address && formatAddress(address)).toBe(canonical);
  });
});

describe("what kind of address it is", () => {
  const kinds: Record<string, string[]> = {
    public: ["1.1.1.1", "8.8.8.8", "172.15.255.255", "172.32.0.0", "11.0.0.0", "100.63.255.255", "100.128.0.0"],
    "public, IPv6": ["2606:4700::1111", "2a00::1", "64:ff9b::808:808", "2002:808:808::1"],
    documentation: ["192.0.2.9", "198.51.100.1", "203.0.113.80", "198.18.0.1", "2001:db8::1", "3fff::1"],
    unspecified: ["0.0.0.0", "0.1.2.3", "::"],
    loopback: ["127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"],
    private: ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fc00::1", "fdff::1", "64:ff9b::a00:1"],
    shared: ["100.64.0.1", "100.127.255.255"],
    "link-local": ["169.254.0.1", "169.254.255.255", "fe80::1", "febf::1"],
    metadata: ["169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"],
    "metadata, IPv6": ["fd00:ec2::254", "fd20:ce::254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::ffff:a9fe:a9fe"],
    multicast: ["224.0.0.1", "239.255.255.250", "ff02::1"],
    reserved: ["240.0.0.1", "255.255.255.255", "192.0.0.1", "192.88.99.1", "::127.0.0.1", "2001::1", "100::1"],
    "reserved, IPv6": ["64:ff9b:1::7f00:1", "4000::1", "5f00::1"],
  };
  for (const [kind, addresses] of Object.entries(kinds)) {
    test.each(addresses)(`${kind}: %s`, (text) => {
      expect(classify(parseAddress(text)!).kind as string).toBe(kind.replace(", IPv6", ""));
    });
  }

  test("every IPv4 block begins and ends where the registry says", () => {
    const edges: [string, string, string, string][] = [
      ["9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"],
      ["100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"],
      ["126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"],
      ["169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"],
      ["172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"],
      ["192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"],
      ["198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"],
    ];
    const isPublic = edges.map((row) => row.map((text) => classify(parseAddress(text)!).kind === "public"));
    expect(isPublic).toEqual(edges.map(() => [true, false, false, true]));
  });
});

test("networks: what they hold and what they cover", () => {
  const ten = parseNetwork("10.1.2.3/8")!;
  expect(formatAddress(ten.base)).toBe("10.0.0.0");
  expect(["10.255.0.1", "11.0.0.1", "::1"].map((text) => contains(ten, parseAddress(text)!))).toEqual([
    true,
    false,
    false,
  ]);
  expect(["10.1.0.0/16", "0.0.0.0/0", "10.0.0.0/8"].map((text) => covers(ten, parseNetwork(text)!))).toEqual([
    true,
    false,
    true,
  ]);
  expect(["10.0.0.0/33", "10.0.0.0/", "10.0.0/8", "::/129", "10.0.0.0/8/8", "/8"].map(parseNetwork)).toEqual(
    Array(6).fill(undefined),
  );
});

test("the IPv4 address inside NAT64 and 6to4", () => {
  const inner = (text: string) => {
    const found = embeddedAddress(parseAddress(text)!);
    return found && formatAddress(found);
  };
  expect(["64:ff9b::c0a8:101", "2002:c0a8:101:5::9", "2001:db8::1", "192.168.1.1"].map(inner)).toEqual([
    "192.168.1.1",
    "192.168.1.1",
    undefined,
    undefined,
  ]);
});
