// The roles of the harness as they stand: who each is over all runs, what answers for it, how it fared, and what it said last.

import * as v from "valibot";
import type { Clock } from "#src/core/clock.ts";
import { BrokeError } from "#src/core/errors.ts";
import type { Db } from "./database.ts";

export const roleNames = ["worker", "verifier", "adversary"] as const;
export type RoleName = (typeof roleNames)[number];

const rowSchema = v.object({
  role: v.picklist(roleNames),
  /** Its identity and its logical session: the same for as long as its contract has this version. */
  lane: v.string(),
  session: v.string(),
  slot: v.nullable(v.string()),
  backend: v.nullable(v.string()),
  health: v.picklist(["healthy", "degraded"]),
  /** Why it is degraded. */
  reason: v.nullable(v.string()),
  asked: v.number(),
  answered: v.number(),
  degraded: v.number(),
  /** The run it spoke on last, what it said, and the artifact of that run which holds it. */
  run: v.nullable(v.string()),
  verdict: v.nullable(v.string()),
  contribution: v.nullable(v.string()),
  updated_ms: v.number(),
});
export type RoleRow = v.InferOutput<typeof rowSchema>;

/** What came of asking a role once. `reason` null: it answered as it should. */
export type RoleTurn = Pick<RoleRow, "role" | "slot" | "backend" | "run" | "verdict" | "contribution" | "reason">;

export type RoleStore = {
  /** Every role, those never asked too. */
  list(): RoleRow[];
  /** Counts a turn of a role, in one statement: runs side by side lose none. */
  record(turn: RoleTurn): void;
};

const fresh = (role: RoleName): RoleRow => ({
  ...{ role, lane: `lane.${role}.v1`, session: `session.${role}.v1`, slot: null, backend: null },
  ...{ health: "healthy", reason: null, asked: 0, answered: 0, degraded: 0 },
  ...{ run: null, verdict: null, contribution: null, updated_ms: 0 },
});

/** The store on an open database. */
export function openRoles(db: Db, clock: Clock): RoleStore {
  const all = db.query("SELECT * FROM roles");
  const upsert = db.query(
    `INSERT INTO roles (role, lane, session, slot, backend, health, reason, asked, answered, degraded, run, verdict, contribution, updated_ms)
     VALUES ($role, $lane, $session, $slot, $backend, $health, $reason, 1, $answered, $degraded, $run, $verdict, $contribution, $now)
     ON CONFLICT (role) DO UPDATE SET slot = excluded.slot, backend = excluded.backend, health = excluded.health,
       reason = excluded.reason, asked = asked + 1, answered = answered + excluded.answered,
       degraded = degraded + excluded.degraded, run = excluded.run, verdict = excluded.verdict,
       contribution = excluded.contribution, updated_ms = excluded.updated_ms`,
  );
  return {
    list() {
      const parsed = v.safeParse(v.array(rowSchema), all.all());
      if (!parsed.success) throw new BrokeError("config", "the roles in broke.db are damaged", "move broke.db away");
      return roleNames.map((role) => parsed.output.find((row) => row.role === role) ?? fresh(role));
    },
    record({ role, reason, ...turn }) {
      const { lane, session } = fresh(role);
      const failed = reason === null ? 0 : 1;
      upsert.run({
        ...{ role, lane, session, ...turn, reason, health: failed ? "degraded" : "healthy" },
        ...{ answered: 1 - failed, degraded: failed, now: clock() },
      });
    },
  };
}
