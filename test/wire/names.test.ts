import { expect, test } from "bun:test";
import { fitCallId, makeNameMap } from "#src/wire/names.ts";

test("call ids that fit stay, others become ones that fit and stay themselves", () => {
  expect(fitCallId("toolu_01A-b")).toBe("toolu_01A-b");
  for (const id of ["functions.Bash:0", "x".repeat(41), "ä", ""]) {
    const fitted = fitCallId(id);
    expect(fitted).toMatch(/^[a-zA-Z0-9_-]{1,40}$/);
    expect(fitCallId(fitted)).toBe(fitted);
    expect(fitCallId(id)).toBe(fitted);
  }
  expect(fitCallId("a.b")).not.toBe(fitCallId("a:b"));
});

test("every name comes back, and no two share one", () => {
  const map = makeNameMap(20);
  const long = "mcp__server__a_very_long_tool";
  const squatter = map.out(long);
  const names = ["Read", "a.b", "a:b", `${long}_2`];
  expect(squatter.length).toBeLessThanOrEqual(20);
  // A client may well have a tool that is called what another one's name became.
  const moved = map.out(squatter);
  expect(moved).not.toBe(squatter);
  expect(names.map((name) => map.back(map.out(name)))).toEqual(names);
  expect([map.back(squatter), map.back(moved)]).toEqual([long, squatter]);
  expect(map.back("never seen")).toBe("never seen");
});
