// The proxy beside a client: there as long as the client lives, every attempt handed on, and no run that could not keep them passes.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { budgets } from "#harness/budget.ts";
import { recordAttempts, superviseEgress } from "#harness/egress.ts";
import type { SandboxEnd } from "#sandbox/launch.ts";
import type { EgressAttempt } from "#sandbox/egress/proxy.ts";
import { parseNetPermission } from "#sandbox/net-permission.ts";
import { noListFlags } from "#sandbox/permission-flags.ts";
import { dialUnix, readAll } from "#test/support/egress.ts";

const permission = parseNetPermission({ ...noListFlags, allow: ["a.com"] }, "none");
const ended: { end: SandboxEnd } = { end: { kind: "exited", code: 0, signal: null } };

function folder(): Disposable & { path: string; socket: string } {
  const path = mkdtempSync(join(tmpdir(), "run-egress-"));
  return { path, socket: join(path, "egress.sock"), [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

async function tryToLeave(socket: string): Promise<string> {
  const client = await dialUnix(socket);
  const all = readAll(client);
  client.write("CONNECT b.com:443 HTTP/1.1\r\n\r\n");
  return all;
}

describe("superviseEgress", () => {
  test("an attempt is handed on; the socket is there with the client and gone after it", async () => {
    using dir = folder();
    const attempts: EgressAttempt[] = [];
    const end = await superviseEgress(
      permission,
      dir.path,
      (attempt) => attempts.push({ ...attempt, ms: 0 }),
      async () => {
        expect(await tryToLeave(dir.socket)).toStartWith("HTTP/1.1 403 ");
        return ended;
      },
    );
    expect(end).toEqual(ended);
    expect(existsSync(dir.socket)).toBe(false);
    const where = { by: "connect", host: "b.com", port: 443, address: null };
    const what = { verdict: "denied", rule: null, reason: "no rule allows this host", up: 0, down: 0, ms: 0 };
    expect(attempts).toEqual([{ ...where, ...what }] as EgressAttempt[]);
  });

  test("an attempt that cannot be kept: the run ends as unobserved, whatever the client says", async () => {
    using dir = folder();
    const record = () => {
      throw new Error("ENOSPC");
    };
    const end = await superviseEgress(permission, dir.path, record, async () => {
      expect(await tryToLeave(dir.socket)).toBe("");
      return ended;
    });
    expect(end).toEqual({ end: { kind: "unobserved", reason: "an attempt to get out could not be recorded" } });
  });

  test("a supervision that fails takes the proxy with it", async () => {
    using dir = folder();
    const record = () => {
      throw new Error("never asked");
    };
    const failing = superviseEgress(permission, dir.path, record, () => Promise.reject(new Error("lost")));
    expect(failing).rejects.toThrow("lost");
    await failing.catch(() => {});
    expect(existsSync(dir.socket)).toBe(false);
  });

  test("without a permission there is no proxy", async () => {
    using dir = folder();
    const record = () => {
      throw new Error("never asked");
    };
    await superviseEgress(undefined, dir.path, record, async () => {
      expect(existsSync(dir.socket)).toBe(false);
      return ended;
    });
  });
});

describe("recordAttempts", () => {
  const attempt: EgressAttempt = {
    ...{ by: "connect", host: "b.com", port: 443, address: null, verdict: "denied", rule: null, reason: null },
    ...{ up: 0, down: 0, ms: 1 },
  };

  test("an attempt is an event of the ledger", () => {
    const events: unknown[] = [];
    recordAttempts({ append: (...event) => events.push(event), failed: () => false })(attempt);
    expect(events).toEqual([["egress.attempt", attempt]]);
  });

  test("a ledger that cannot be written, or has no room left for attempts: it throws", () => {
    expect(() => recordAttempts({ append() {}, failed: () => true })(attempt)).toThrow("not on record");
    const record = recordAttempts({ append() {}, failed: () => false });
    record(attempt);
    const long = { ...attempt, reason: "x".repeat(budgets.attempts) };
    expect(() => record(long)).toThrow("not on record");
    expect(() => record(attempt)).toThrow("not on record");
  });
});
