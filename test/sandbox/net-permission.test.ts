import { parseHost } from "#sandbox/hosts.ts";
import { describe, expect, test } from "bun:test";
import { BrokeError } from "#src/core/errors.ts";
import { parseAddress } from "#sandbox/addresses.ts";
import { parseAuthority } from "#sandbox/hosts.ts";
import {
  ANY_RULE,
  decideAddress,
  decideHost,
  parseNetPermission,
  parseNetRule,
  type NetPermission,
} from "#sandbox/net-permission.ts";
import { type ListFlags, noListFlags } from "#sandbox/permission-flags.ts";

const flags = (changes: Partial<ListFlags>): ListFlags => ({ ...noListFlags, ...changes });
const allowing = (...allow: string[]) => parseNetPermission(flags({ allow }), "none")!;
const message = (make: () => unknown): string => {
  try {
    make();
    return "understood";
  } catch (error) {
    return error instanceof BrokeError ? `${error.kind}: ${error.message}` : "not ours";
  }
};

describe("the words of a list, as Deno reads them", () => {
  const words: [string, string, number | null][] = [
    ["example.com", "name example.com", null],
    ["EXAMPLE.com.", "name example.com", null],
    ["example.com:8443", "name example.com:8443", 8443],
    ["localhost:3000", "name localhost:3000", 3000],
    ["*.example.com", "below *.example.com", null],
    ["*.Example.com:443", "below *.example.com:443", 443],
    ["bücher.example", "name xn--bcher-kva.example", null],
    ["*.bücher.example", "below *.xn--bcher-kva.example", null],
    ["192.0.2.1", "network 192.0.2.1", null],
    ["192.0.2.1:22", "network 192.0.2.1:22", 22],
    ["[2001:DB8::1]", "network [2001:db8::1]", null],
    ["[::1]:8080", "network [::1]:8080", 8080],
    ["192.0.2.77/24", "network 192.0.2.0/24", null],
    ["10.0.0.0/8:5432", "network 10.0.0.0/8:5432", 5432],
    ["0.0.0.0/0", "network 0.0.0.0/0", null],
  ];
  test.each(words)("%p", (word, text, port) => {
    const rule = parseNetRule("--allow-net", word);
    expect({ text: `${rule.kind} ${rule.text}`, port: rule.port }).toEqual({ text, port });
  });

  const NOT_A_HOST = "is not a host";
  const PORT = "has a port that is not a number from 1 to 65535";
  const BRACKETS = "looks like an IPv6 address, which is written in brackets";
  const URL_WORDS = "is a URL; only a host and a port are named";
  const wrong: [string, string][] = [
    ["https://example.com", URL_WORDS],
    ["vsock:1:2", "is not a network a sandbox can be given"],
    ["::1", BRACKETS],
    ["2001:db8::/32", BRACKETS],
    ["[2001:db8::]/32", NOT_A_HOST],
    ["[2001:db8::/32]", "is not an IPv4 network"],
    ["[::1", NOT_A_HOST],
    ["[fe80::1%eth0]", NOT_A_HOST],
    ["[::ffff:127.0.0.1]", NOT_A_HOST],
    ["example.com:", PORT],
    ["example.com:0", PORT],
    ["example.com:65536", PORT],
    ["example.com:http", PORT],
    ["example.com:+80", PORT],
    ["*", NOT_A_HOST],
    ["*.", NOT_A_HOST],
    ["*.*.com", NOT_A_HOST],
    ["a.*.com", NOT_A_HOST],
    ["*example.com", NOT_A_HOST],
    ["*.192.0.2.1", NOT_A_HOST],
    ["*.127.1", NOT_A_HOST],
    ["127.1", NOT_A_HOST],
    ["0x7f000001", NOT_A_HOST],
    ["2130706433", NOT_A_HOST],
    ["127.0.0.1.", NOT_A_HOST],
    ["①②⑦.0.0.1", NOT_A_HOST],
    ["10.0.0.0/33", "is not an IPv4 network"],
    ["10.0.0/8", "is not an IPv4 network"],
    ["example.com/path", "is not an IPv4 network"],
    ["..", NOT_A_HOST],
  ];
  test.each(wrong)("%p is a usage error that names it", (word, why) => {
    expect(message(() => parseNetRule("--deny-net", word))).toBe(`usage: --deny-net: "${word}" ${why}`);
  });

  test("a word that may hold a credential is not repeated", () => {
    expect(message(() => parseNetRule("--allow-net", "https://user:pass@example.com"))).toBe(
      `usage: --allow-net: ${URL_WORDS}`,
    );
    expect(message(() => parseNetRule("--allow-net", "user:pass@example.com"))).toBe(`usage: --allow-net: ${PORT}`);
    expect(message(() => parseNetRule("--allow-net", "a b"))).toBe(`usage: --allow-net: ${NOT_A_HOST}`);
  });
});

describe("the flags together", () => {
  const texts = (permission: NetPermission | undefined) =>
    permission && {
      any: permission.any,
      allow: permission.allow.map(({ text }) => text),
      deny: permission.deny.map(({ text }) => text),
    };
  const cases: [string, Partial<ListFlags>, "none" | "public", ReturnType<typeof texts>][] = [
    ["nothing", {}, "none", undefined],
    ["nothing, in a profile that has a network", {}, "public", { any: true, allow: [], deny: [] }],
    ["bare", { any: true }, "none", { any: true, allow: [], deny: [] }],
    [
      "lists add up",
      { allow: ["a.com,b.com", "c.com:1"] },
      "none",
      { any: false, allow: ["a.com", "b.com", "c.com:1"], deny: [] },
    ],
    ["bare and a list: both", { any: true, allow: ["a.com:22"] }, "none", { any: true, allow: ["a.com:22"], deny: [] }],
    ["a list narrows the profile", { allow: ["a.com"] }, "public", { any: false, allow: ["a.com"], deny: [] }],
    ["deny narrows the profile", { deny: ["a.com"] }, "public", { any: true, allow: [], deny: ["a.com"] }],
    ["deny alone allows nothing", { deny: ["a.com"] }, "none", undefined],
    ["deny everything", { denyAll: true }, "public", undefined],
    ["deny everything where nothing is allowed", { denyAll: true }, "none", undefined],
  ];
  test.each(cases)("%s", (_, given, base, expected) => {
    expect(texts(parseNetPermission(flags(given), base))).toEqual(expected);
  });

  const contradictions: [string, Partial<ListFlags>, string][] = [
    [
      "the same host",
      { allow: ["a.com"], deny: ["b.com,A.com."] },
      'usage: --deny-net: "a.com" is both allowed and denied',
    ],
    [
      "everything denied and some allowed",
      { denyAll: true, allow: ["a.com"] },
      "usage: --deny-net without a host denies every host",
    ],
    [
      "everything denied and allowed",
      { denyAll: true, any: true },
      "usage: --deny-net without a host denies every host",
    ],
    ["an empty piece", { allow: ["a.com,,b.com"] }, "usage: --allow-net: a host is missing"],
    ["an empty list", { deny: [""] }, "usage: --deny-net: a host is missing"],
  ];
  test.each(contradictions)("%s", (_, given, expected) => {
    expect(message(() => parseNetPermission(flags(given), "none"))).toBe(expected);
  });
});

describe("which host and port is allowed, by which rule", () => {
  const NO_HOST = "no rule allows this host";
  const NO_PORT = "no rule allows this port";
  const NO_ADDRESS = "no rule names this address";
  const DENIED = "a rule denies it";
  /** allow, deny, asked, the rule or the reason */
  const cases: [string, string, string, string][] = [
    ["a.com", "", "a.com:443", "+a.com"],
    ["a.com", "", "a.com:80", "+a.com"],
    ["a.com", "", "A.COM.:443", "+a.com"],
    ["a.com", "", "a.com:8443", NO_PORT],
    ["a.com", "", "a.com:22", NO_PORT],
    ["a.com:22", "", "a.com:22", "+a.com:22"],
    ["a.com:22", "", "a.com:443", NO_PORT],
    ["a.com:22,a.com", "", "a.com:443", "+a.com"],
    ["a.com", "", "b.a.com:443", NO_HOST],
    ["a.com", "", "xa.com:443", NO_HOST],
    ["a.com", "", "a.com.evil.org:443", NO_HOST],
    ["*.a.com", "", "b.a.com:443", "+*.a.com"],
    ["*.a.com", "", "c.b.a.com:443", "+*.a.com"],
    ["*.a.com", "", "a.com:443", "+*.a.com"],
    ["*.a.com", "", "xa.com:443", NO_HOST],
    ["*.a.com", "b.a.com", "b.a.com:443", `b.a.com ${DENIED}`],
    ["*.a.com", "b.a.com:80", "b.a.com:443", "+*.a.com"],
    ["*.a.com", "b.a.com:80", "b.a.com:80", `b.a.com:80 ${DENIED}`],
    ["b.a.com", "*.a.com", "b.a.com:443", `*.a.com ${DENIED}`],
    ["any", "", "a.com:443", `+${ANY_RULE}`],
    ["any", "", "a.com:80", `+${ANY_RULE}`],
    ["any", "", "a.com:8080", NO_PORT],
    ["any", "", "1.1.1.1:443", NO_ADDRESS],
    ["any", "", "[2606:4700::1111]:443", NO_ADDRESS],
    ["any", "", "0x01010101:443", NO_ADDRESS],
    ["any", "a.com", "a.com:443", `a.com ${DENIED}`],
    ["any", "a.com:1", "a.com:443", `+${ANY_RULE}`],
    ["1.1.1.1", "", "1.1.1.1:443", "+1.1.1.1"],
    ["1.1.1.1", "", "16843009:443", "+1.1.1.1"],
    ["1.1.1.1", "", "[::ffff:1.1.1.1]:443", "+1.1.1.1"],
    ["1.1.1.1", "", "1.1.1.1:22", NO_PORT],
    ["1.1.1.1", "", "one.one:443", NO_HOST],
    ["1.1.1.0/24", "", "1.1.1.9:443", "+1.1.1.0/24"],
    ["1.1.1.0/24", "1.1.1.9", "1.1.1.9:443", `1.1.1.9 ${DENIED}`],
    ["1.1.1.0/24:853", "", "1.1.1.9:853", "+1.1.1.0/24:853"],
    ["[2606:4700::1111]", "", "[2606:4700:0::1111]:443", "+[2606:4700::1111]"],
    ["bücher.example", "", "xn--bcher-kva.example:443", "+xn--bcher-kva.example"],
  ];
  test.each(cases)("allow %p deny %p: %p", (allow, deny, asked, expected) => {
    const permission = parseNetPermission(
      flags({ any: allow === "any", allow: allow === "any" ? [] : [allow], deny: deny === "" ? [] : [deny] }),
      "none",
    )!;
    const { host, port } = parseAuthority(asked)!;
    const decision = decideHost(permission, host, port!);
    const shown = decision.allowed ? `+${decision.rule}` : [decision.rule, decision.reason].filter(Boolean).join(" ");
    expect(shown).toBe(expected);
  });
});

describe("which of a host's addresses may be dialled", () => {
  const decide = (permission: NetPermission, address: string, { rule = "a.com", own = false, port = 443 } = {}) => {
    const decision = decideAddress(permission, parseAddress(address)!, port, { rule, own });
    return decision.allowed ? `+${decision.rule}` : [decision.rule, decision.reason].filter(Boolean).join(" ");
  };

  test("public ones by the host's own rule, no others", () => {
    const permission = allowing("a.com");
    const addresses = ["1.1.1.1", "2606:4700::1111", "10.0.0.1", "127.0.0.1", "::1", "169.254.169.254", "100.64.0.1"];
    expect(addresses.map((text) => decide(permission, text))).toEqual([
      "+a.com",
      "+a.com",
      "a private address that no rule names",
      "a loopback address that no rule names",
      "a loopback address that no rule names",
      "a metadata address that no rule names",
      "a shared address that no rule names",
    ]);
    const odd = ["::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1", "fe80::1", "ff02::1", "0.0.0.0", "240.0.0.1"];
    expect(odd.filter((text) => decide(permission, text).startsWith("+"))).toEqual([]);
  });

  test("a named address by the rule that names it, at its port", () => {
    const permission = allowing("a.com", "10.0.0.0/8", "127.0.0.1:8080", "[fd00::1]");
    expect(decide(permission, "10.9.9.9")).toBe("+10.0.0.0/8");
    expect(decide(permission, "fd00::1")).toBe("+[fd00::1]");
    expect(decide(permission, "127.0.0.1", { port: 8080 })).toBe("+127.0.0.1:8080");
    expect(decide(permission, "127.0.0.1")).toBe("a loopback address that no rule names");
    expect(decide(permission, "127.0.0.2", { port: 8080 })).toBe("a loopback address that no rule names");
  });

  test("a network names special addresses only when all of it is such", () => {
    expect(decide(allowing("0.0.0.0/0"), "10.0.0.1")).toBe("a private address that no rule names");
    expect(decide(allowing("0.0.0.0/0"), "127.0.0.1")).toBe("a loopback address that no rule names");
    expect(decide(allowing("169.254.0.0/16"), "169.254.1.1")).toBe("+169.254.0.0/16");
    expect(decide(allowing("169.254.0.0/16"), "169.254.169.254")).toBe("a metadata address that no rule names");
    expect(decide(allowing("169.254.169.254"), "169.254.169.254")).toBe("+169.254.169.254");
  });

  test("documentation ranges for a host that was named, not for any", () => {
    expect(decide(allowing("a.com"), "203.0.113.80")).toBe("+a.com");
    expect(decide(allowing("a.com"), "203.0.113.80", { rule: ANY_RULE })).toBe(
      "a documentation address that no rule names",
    );
  });

  test("this machine's own addresses, public or not, only where each is named", () => {
    expect(decide(allowing("a.com"), "1.2.3.4", { own: true })).toBe("an address of this machine that no rule names");
    expect(decide(allowing("1.2.3.0/24"), "1.2.3.4", { own: true })).toBe(
      "an address of this machine that no rule names",
    );
    expect(decide(allowing("1.2.3.4"), "1.2.3.4", { own: true })).toBe("+1.2.3.4");
    expect(decide(allowing("127.0.0.0/8"), "127.0.0.1", { own: true })).toBe("+127.0.0.0/8");
  });

  test("a denied address is not dialled under any name or form", () => {
    const permission = parseNetPermission(
      flags({ any: true, allow: ["10.0.0.0/8"], deny: ["1.1.1.1,10.0.0.5"] }),
      "none",
    )!;
    const denied = ["1.1.1.1", "::ffff:1.1.1.1", "64:ff9b::101:101", "2002:101:101::1"];
    expect(denied.map((text) => decide(permission, text))).toEqual(denied.map(() => "1.1.1.1 a rule denies it"));
    expect(decide(permission, "10.0.0.5")).toBe("10.0.0.5 a rule denies it");
    expect(decide(permission, "10.0.0.6")).toBe("+10.0.0.0/8");
  });
});

describe("one permission within another, where one of them asks", () => {
  const parse = (changes: Partial<ListFlags>, asks: string[] = []) =>
    parseNetPermission(flags(changes), "none", { any: false, list: asks })!;
  const say = (own: ReturnType<typeof parse>, within: ReturnType<typeof parse>) => {
    const decision = decideHost({ ...own, within }, parseHost("a.com")!, 443);
    return decision.allowed ? "allowed" : decision.ask === true ? "asked" : "denied";
  };
  const [allows, asks, denies] = [parse({ allow: ["a.com"] }), parse({}, ["a.com"]), parse({ allow: ["b.com"] })];
  test.each([
    [allows, allows, "allowed"],
    [allows, asks, "asked"],
    [asks, allows, "asked"],
    [asks, asks, "asked"],
    [allows, denies, "denied"],
    [denies, allows, "denied"],
    [asks, denies, "denied"],
    [denies, asks, "denied"],
  ])("%#", (own, within, said) => expect(say(own, within)).toBe(said));
});
