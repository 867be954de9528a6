// Names and ids that fit the other side: the same every time, never two for one, and back again.

import { describe, expect, test } from "bun:test";
import type { CanonicalRequest, Tool } from "#src/wire/canonical.ts";
import { fitCallId, makeAnswerNames, makeToolNames } from "#src/wire/names.ts";

const tool = (name: string, namespace?: string): Tool => ({
  kind: "function",
  name,
  schema: {},
  ...(namespace === undefined ? {} : { namespace }),
});

describe("call ids", () => {
  test("those that fit stay, others become ones that fit and stay themselves", () => {
    expect(fitCallId("toolu_01A-b")).toBe("toolu_01A-b");
    for (const id of ["functions.Bash:0", "x".repeat(41), "ä", ""]) {
      const fitted = fitCallId(id);
      expect(fitted).toMatch(/^[a-zA-Z0-9_-]{1,40}$/);
      expect(fitCallId(fitted)).toBe(fitted);
      expect(fitCallId(id)).toBe(fitted);
    }
    expect(fitCallId("a.b")).not.toBe(fitCallId("a:b"));
  });

  test("nine letters or digits where the provider wants that", () => {
    expect(fitCallId("aB3dE6gH9", "alnum9")).toBe("aB3dE6gH9");
    for (const id of ["toolu_01A", "short", "x".repeat(41), "functions.Bash:0"]) {
      const fitted = fitCallId(id, "alnum9");
      expect(fitted).toMatch(/^[a-zA-Z0-9]{9}$/);
      expect(fitCallId(fitted, "alnum9")).toBe(fitted);
    }
    expect(fitCallId("a.b", "alnum9")).not.toBe(fitCallId("a:b", "alnum9"));
  });
});

describe("tool names", () => {
  test("every name comes back, and no two share one", () => {
    const map = makeToolNames([], 20);
    const long = "mcp__server__a_very_long_tool";
    const squatter = map.out(long);
    const names = ["Read", "a.b", "a:b", `${long}_2`];
    expect(squatter.length).toBeLessThanOrEqual(20);
    // A client may well have a tool that is called what another one's name became.
    const moved = map.out(squatter);
    expect(moved).not.toBe(squatter);
    expect(names.map((name) => map.back(map.out(name)).name)).toEqual(names);
    expect([map.back(squatter).name, map.back(moved).name]).toEqual([long, squatter]);
    expect(map.back("never seen")).toEqual({ name: "never seen", callKind: "function" });
  });

  test("a namespace goes in front, and the tool behind it comes back with its kind", () => {
    const patch: Tool = { kind: "custom", name: "apply_patch" };
    const map = makeToolNames([tool("read"), tool("read", "files"), tool("files__read"), patch], 64);
    const sent = [map.out("read"), map.out("read", "files"), map.out("files__read"), map.out("apply_patch")];
    expect(sent.slice(0, 2)).toEqual(["read", "files__read"]);
    expect(new Set(sent).size).toBe(4);
    expect(sent.map(map.back)).toEqual([
      { name: "read", callKind: "function" },
      { name: "read", namespace: "files", callKind: "function" },
      { name: "files__read", callKind: "function" },
      { name: "apply_patch", callKind: "custom" },
    ]);
  });

  test("what the provider runs itself has no name here", () => {
    const search: Tool = { kind: "server", dialect: "anthropic", type: "web_search_1", name: "web_search", raw: {} };
    expect(makeToolNames([search, tool("web_search")], 64).out("web_search")).toBe("web_search");
  });
});

describe("an answer's call ids", () => {
  const call = (id: string) => ({ kind: "tool_call", id, name: "t", argsRaw: "{}", callKind: "function" }) as const;
  const request: CanonicalRequest = {
    dialect: "anthropic",
    model: "m",
    system: [],
    messages: [{ role: "assistant", blocks: [call("call_0")], path: "messages[0]" }],
    tools: [],
    stopSequences: [],
    stream: false,
    extra: {},
  };
  const answer = () => {
    let made = 0;
    return makeAnswerNames(request, makeToolNames([], 64), () => `new${++made}`);
  };

  test("are the provider's own where they fit, and new where it gave none or one the client has seen", () => {
    const { identify } = answer();
    expect(["call_1", "call_0", undefined, "call_1", "a.b"].map(identify)).toEqual([
      "call_1",
      "new1",
      "new2",
      "new3",
      fitCallId("a.b"),
    ]);
  });

  test("are random unless told how", () => {
    const { identify } = makeAnswerNames(request, makeToolNames([], 64));
    expect(identify(undefined)).toMatch(/^call_[0-9a-f]{32}$/);
    expect(identify(undefined)).not.toBe(identify(undefined));
  });
});
