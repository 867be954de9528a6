// What may be written for a limit and what it means; what each profile allows of itself; the words for what was reached.

import { describe, expect, test } from "bun:test";
import { amountWords, type LimitName, limitsOf, parseLimits, parseTimeout, type RunLimits } from "#sandbox/limits.ts";
import { profileOf, withLimits } from "#sandbox/profile.ts";

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

describe("--limit", () => {
  const read: [string, Partial<RunLimits>][] = [
    ["memory=4g", { memoryBytes: 4 * GIB }],
    ["memory=134217728", { memoryBytes: 128 * MIB }],
    ["memory=300M", { memoryBytes: 300 * MIB }],
    ["cpu=0.5", { cpus: 0.5 }],
    [
      "memory=4g,pids=400,cpu=2,output=64m,growth=2g,tmp=512m,files=4096,filesize=2g",
      {
        ...{ memoryBytes: 4 * GIB, processes: 400, cpus: 2, outputBytes: 64 * MIB, growthBytes: 2 * GIB },
        ...{ tmpBytes: 512 * MIB, openFiles: 4096, fileBytes: 2 * GIB },
      },
    ],
  ];
  for (const [text, limits] of read) test(text, () => expect(parseLimits(text)).toEqual(limits));

  const refused: [string, string, string?][] = [
    ["", "unknown limit", "use any of: memory, pids, cpu, output, growth, tmp, files, filesize"],
    ["memroy=4g", "unknown limit", "did you mean memory?"],
    ["Memory=4g", "unknown limit", "did you mean memory?"],
    ["memory=4g,", "unknown limit"],
    [" memory=4g", "unknown limit"],
    ["toString=1", "unknown limit"],
    ["memory", "a limit is name=value"],
    ["memory=1g=2g", "a limit is name=value"],
    ["memory=1g,memory=2g", "memory is given twice"],
    ["memory=", "memory takes 128m to 1024t"],
    ["memory=none", "memory takes 128m to 1024t"],
    ["memory=127m", "memory takes 128m to 1024t"],
    ["memory=1025t", "memory takes 128m to 1024t"],
    ["memory=-4g", "memory takes 128m to 1024t"],
    ["memory=1.5g", "memory takes 128m to 1024t"],
    ["memory=4gb", "memory takes 128m to 1024t"],
    ["memory=0x4000000000", "memory takes 128m to 1024t"],
    ["memory=99999999999999999999", "memory takes 128m to 1024t"],
    ["pids=31", "pids takes 32 to 4194304"],
    ["pids=1k", "pids takes 32 to 4194304"],
    ["pids=100.5", "pids takes 32 to 4194304"],
    ["cpu=0", "cpu takes 0.1 to 4096"],
    ["cpu=1e3", "cpu takes 0.1 to 4096"],
    ["files=10", "files takes 64 to 1048576"],
    ["filesize=1k", "filesize takes 1m to 1024t"],
    ["timeout=5", "unknown limit"],
  ];
  for (const [text, message, hint] of refused) {
    test(`${JSON.stringify(text)}: ${message}`, () => {
      expect(() => parseLimits(text)).toThrow(
        expect.objectContaining({ kind: "usage", message, ...(hint === undefined ? {} : { hint }) }),
      );
    });
  }
});

describe("--timeout", () => {
  const read: [string, number][] = [
    ["1s", 1000],
    ["90s", 90_000],
    ["10m", 600_000],
    ["2h", 7_200_000],
    ["7d", 604_800_000],
  ];
  for (const [text, ms] of read) test(text, () => expect(parseTimeout(text)).toBe(ms));
  for (const text of ["", "0s", "10", "8d", "1.5h", "-1s", "1 s", "5S", "1h30m", "s", "9999999d"]) {
    test(`${JSON.stringify(text)} is refused`, () => {
      expect(() => parseTimeout(text)).toThrow(
        expect.objectContaining({ kind: "usage", message: "--timeout takes 1s to 7d" }),
      );
    });
  }
});

describe("a run's limits", () => {
  const large = { memoryBytes: 64 * GIB, terminal: false };
  const strict: RunLimits = {
    ...{ timeoutMs: null, idleMs: null, memoryBytes: 8 * GIB, processes: 400, cpus: null, outputBytes: 256 * MIB },
    ...{ growthBytes: 4 * GIB, tmpBytes: 512 * MIB, openFiles: 4096, fileBytes: 2 * GIB },
  };

  test("the profile's own", () => {
    expect(limitsOf("strict", {}, large)).toEqual(strict);
    expect(limitsOf("hardened", {}, large)).toEqual(strict);
    expect(Object.values(limitsOf("normal", {}, large)).every((value) => value === null)).toBe(true);
  });

  test("three quarters of a small machine; no bound on what somebody reads", () => {
    const small = limitsOf("strict", {}, { memoryBytes: 4 * GIB, terminal: true });
    expect(small).toEqual({ ...strict, memoryBytes: 3 * GIB, outputBytes: null });
  });

  test("what was asked for takes their place, in every profile", () => {
    const asked = { memoryBytes: 100 * GIB, outputBytes: 5, timeoutMs: 1000 };
    expect(limitsOf("strict", asked, { ...large, terminal: true })).toEqual({ ...strict, ...asked });
    expect(limitsOf("normal", asked, large)).toMatchObject({ ...asked, processes: null });
    expect(() => limitsOf("normal", { tmpBytes: MIB }, large)).toThrow("normal has no /tmp of its own to limit");
  });

  test("reach the sandbox: what each process gets, and the size of /tmp", () => {
    const own = profileOf("strict");
    expect(withLimits(own, strict)).toEqual(own);
    expect(withLimits(own, { ...strict, processes: 50, openFiles: null, fileBytes: MIB, tmpBytes: 3 * MIB })).toEqual({
      ...own,
      limits: { processes: 50, fileBytes: MIB, dataBytes: 16 * GIB },
      tmpBytes: 3 * MIB,
    });
    expect(withLimits(profileOf("normal"), { ...limitsOf("normal", {}, large), processes: 50 }).limits).toEqual({
      processes: 50,
    });
  });
});

describe("in words", () => {
  const cases: [LimitName, number, string][] = [
    ["timeout", 90_000, "90 s"],
    ["pids", 400, "400 processes and threads"],
    ["memory", 8 * GIB, "8 GiB"],
    ["growth", 1.5 * GIB, "1.5 GiB"],
    ["output", 1024, "1 KiB"],
    ["tmp", 512 * MIB, "512 MiB"],
    ["shm", 1, "1 bytes"],
    ["shm", 0, "0 bytes"],
  ];
  for (const [which, value, words] of cases) test(words, () => expect(amountWords(which, value)).toBe(words));
});
