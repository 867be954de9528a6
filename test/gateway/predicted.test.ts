// What `broke route --json` prints is what the gateway then does: a long life of edits, failures, keys that come and go, clock steps and requests by
// chance, each request foretold from the files alone by another opening of the same home, and by a reference that shares no code with the product.
// BROKE_STEPS is the number of steps, BROKE_SEED the seed, printed with every failure.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gatewayDeps, openState } from "#src/cli/compose.ts";
import { admitHolder } from "#src/gateway/admission.ts";
import { guardedApp, makeDoorkeeper, modelApp } from "#src/gateway/app.ts";
import { describeRoute } from "#src/observe/routes.ts";
import { addBackend } from "#src/routing/edit.ts";
import { changeKeyPolicy, changeModelPolicy, setFallback } from "#src/routing/edit-policies.ts";
import type { FallbackScope } from "#src/routing/fallback.ts";
import type { Routing } from "#src/routing/generation.ts";
import { type Policy, policyModes } from "#src/routing/policy.ts";
import { openHealth } from "#src/state/health.ts";
import { GAP_MS } from "#src/state/moment.ts";
import { seeded } from "#test/support/random.ts";
import { type Call, type End, ReferenceRouter } from "#test/support/reference-router.ts";

const STEPS = Number(process.env.BROKE_STEPS ?? 1500);
const SEED = Number(process.env.BROKE_SEED ?? 20_261_127);
const TOKEN = "token-of-the-model-based-test";

const LABELS = ["a1", "a2", "b1", "n1"];
const SLOTS = ["sonnet", "opus", "haiku"];
const KEYS = ["A_KEY", "A_KEY_2", "A_KEY_3", "B_KEY", "B_KEY_2"];
const valueOf = (key: string) => `value-of-${key.replaceAll("_", "-")}`;

const statusOf: Record<Exclude<End, "ok">, { status: number; message: string; code?: string }> = {
  limit: { status: 429, message: "slow down" },
  refused: { status: 401, message: "who are you" },
  broke: { status: 402, message: "no credit" },
  down: { status: 500, message: "it broke" },
  "too long": { status: 400, message: "the context is too long", code: "context_length_exceeded" },
  wrong: { status: 400, message: "that is wrong" },
};

test(
  "the list that is printed is the list that is walked",
  async () => {
    const random = seeded(SEED);
    const dir = mkdtempSync(join(tmpdir(), "broke-predicted-"));
    const ends = new Map<string, End>();
    const made: Call[] = [];
    const worldOf = ({ label, key }: Call): End => ends.get(`${label} ${key}`) ?? "ok";
    using upstream = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const { model } = (await request.json()) as { model: string };
        const value = request.headers.get("authorization")?.slice("Bearer ".length);
        const call = { label: model, key: KEYS.find((key) => valueOf(key) === value) ?? null };
        const before = made.at(-1);
        // The same once more is the same attempt.
        if (before?.label !== call.label || before.key !== call.key) made.push(call);
        const end = worldOf(call);
        if (end !== "ok") {
          const { status, ...error } = statusOf[end];
          return Response.json({ error }, { status });
        }
        const message = { role: "assistant", content: "yes" };
        return Response.json({
          id: "c",
          object: "chat.completion",
          model,
          choices: [{ index: 0, message, finish_reason: "stop" }],
        });
      },
    });
    let now = 1_800_000_000_000;
    const clock = () => now;
    const here = openState({ BROKE_HOME: dir });
    const there = openState({ BROKE_HOME: dir });
    const health = openHealth(here.db, clock);
    const seen = openHealth(there.db, clock);
    const usual = gatewayDeps(here);
    const timing = { ...usual.timing, maxWaitMs: 0, backoffMs: 0 };
    const doorkeeper = makeDoorkeeper(
      clock,
      admitHolder(() => TOKEN),
    );
    const app = guardedApp().use(modelApp({ ...usual, health, clock, timing, onReport: () => {} }, doorkeeper));
    const reference = new ReferenceRouter();
    const writeKeys = (keys: string[]) => {
      reference.keys = keys;
      writeFileSync(join(dir, ".env"), keys.map((key) => `${key}=${valueOf(key)}\n`).join(""), { mode: 0o600 });
    };
    const edit = (change: (routing: Routing) => Routing) => void here.generations.commit("test", change);
    const base = {
      provider: null,
      baseUrl: `http://127.0.0.1:${upstream.port}/v1`,
      dialect: "openai-chat",
      price: null,
    } as const;
    const bases: Record<string, string | null> = { a1: "A_KEY", a2: "A_KEY", b1: "B_KEY", n1: null };
    writeKeys([...KEYS]);
    reference.slots = { sonnet: "a1", opus: "b1", haiku: "n1" };
    edit((routing) => {
      const added = LABELS.reduce(
        (next, label) => addBackend(next, { ...base, label, model: label, keyEnv: bases[label]! }),
        routing,
      );
      return { ...added, slots: { ...reference.slots } };
    });

    const some = (items: readonly string[]) => items.filter(() => random.chance(0.5)).sort(() => random.next() - 0.5);
    const policyOf = (members: readonly string[]): Policy => ({
      mode: random.pick(policyModes),
      order: some(members),
      weights: Object.fromEntries(some(members).map((member) => [member, random.below(4)])),
      cooldownMs: random.chance(0.3) ? random.below(60) * 1000 : null,
      retries: random.chance(0.3) ? 1 + random.below(3) : null,
    });
    const steps: [number, () => void][] = [
      [
        4,
        () => {
          const [slot, label] = [random.pick(SLOTS), random.pick(LABELS)];
          reference.slots = { ...reference.slots, [slot]: label };
          edit((routing) => ({ ...routing, slots: { ...routing.slots, [slot]: label } }));
        },
      ],
      [
        5,
        () => {
          const scope = random.pick<FallbackScope>(["direct", "lane", "backend", "slot"]);
          const slot = random.pick(SLOTS);
          const own = reference.slots[slot]!;
          const targets = random.chance(0.4)
            ? null
            : some((scope === "slot" ? SLOTS : LABELS).filter((name) => name !== slot && name !== own));
          const key = { direct: slot, lane: `${slot}|${own}`, backend: own, slot }[scope];
          if (targets === null) delete reference[scope][key];
          else reference[scope][key] = targets;
          edit((routing) => setFallback(routing, routing, { slot, scope, targets }));
        },
      ],
      [
        4,
        () => {
          const pool = random.pick(["A_KEY", "B_KEY"]);
          const policy = policyOf(KEYS.filter((key) => key.startsWith(pool)));
          reference.keyPolicies[pool] = policy;
          edit((routing) => changeKeyPolicy(routing, pool, policy));
        },
      ],
      [
        4,
        () => {
          const slot = random.pick(SLOTS);
          const policy = policyOf(LABELS);
          reference.modelPolicies[slot] = policy;
          edit((routing) => changeModelPolicy(routing, slot, policy));
        },
      ],
      [
        3,
        () => {
          reference.keyPolicies = {};
          reference.modelPolicies = {};
          edit((routing) => ({ ...routing, keyPolicies: {}, modelPolicies: {} }));
        },
      ],
      [
        2,
        () => {
          reference.allowed = random.chance(0.6) ? null : some(SLOTS);
          edit((routing) => ({ ...routing, access: { ...routing.access, slots: reference.allowed } }));
        },
      ],
      [
        12,
        () => {
          const label = random.pick(LABELS);
          const key = bases[label] === null ? null : random.pick(KEYS.filter((name) => name.startsWith(bases[label]!)));
          ends.set(
            `${label} ${key}`,
            random.pick<End>([
              "ok",
              "ok",
              "ok",
              "limit",
              "limit",
              "refused",
              "broke",
              "down",
              "down",
              "too long",
              "wrong",
            ]),
          );
        },
      ],
      [3, () => writeKeys(KEYS.filter(() => random.chance(0.75)))],
      [12, () => void (now += random.pick([1, 1000, 5000, 16_000, 31_000, 301_000]))],
      [
        3,
        () => {
          const key = random.pick(KEYS);
          const blocked = random.chance(0.4);
          if (blocked) {
            reference.held.set(key, { until: Infinity, strikes: 0 });
            health.set(`key ${key}`, "blocked", null);
          } else {
            for (const what of [...reference.held.keys()])
              if (what === key || what.startsWith(`${key} `)) reference.held.delete(what);
            health.lift(key);
          }
        },
      ],
      [
        3,
        () => {
          const label = random.pick(LABELS);
          for (const what of [...reference.held.keys()])
            if (what === label || what.startsWith(`${label} `)) reference.held.delete(what);
          health.lift(label);
        },
      ],
    ];
    const total = steps.reduce((sum, [weight]) => sum + weight, 0);
    let requests = 0;
    let calls = 0;
    try {
      for (let step = 0; step < STEPS; step++) {
        if (random.chance(0.5)) {
          let at = random.below(total);
          steps.find(([weight]) => (at -= weight) < 0)![1]();
          continue;
        }
        requests += 1;
        const slot = random.pick(SLOTS);
        const session = random.pick([null, "one", "two", "three"]);
        reference.now = now;
        // What changed is seen once the moment is over.
        for (const from = performance.now(); performance.now() - from <= GAP_MS;)
          await new Promise((resolve) => setImmediate(resolve));
        const known = {
          generation: there.generations.current(),
          keyNames: there.keys.names(),
          health: seen,
          rotation: there.rotation,
          nowMs: now,
          session,
        };
        const route = describeRoute(slot, known);
        const printed =
          route.kind === "refused" ? [] : route.attempts.map(({ backend, key }) => ({ label: backend, key }));
        const expected = reference.list(slot, session);
        const walked = reference.serve(slot, session, worldOf);
        made.length = 0;
        const headers = { "content-type": "application/json", host: "localhost", authorization: `Bearer ${TOKEN}` };
        const response = await app.handle(
          new Request("http://localhost/v1/chat/completions", {
            method: "POST",
            headers: { ...headers, ...(session === null ? {} : { "x-broke-session": session }) },
            body: JSON.stringify({ model: slot, messages: [{ role: "user", content: "yes?" }] }),
          }),
        );
        await response.arrayBuffer();
        calls += made.length;
        expect({ seed: SEED, step, printed, made }).toEqual({ seed: SEED, step, printed: expected, made: walked });
      }
      expect(requests).toBeGreaterThan(STEPS / 3);
      expect(calls).toBeGreaterThan(requests / 3);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  30 * 60_000,
);
