// Two failing providers with two keys each, and clients that want an answer: every request ends in the whole answer or in the SDK's own error with
// the true status, in bounded time. Nothing is shortened, made up, or ended as if it were whole.
// BROKE_CHAOS is the number of requests of each SDK, BROKE_SEED the seed, printed with every failure.

import { expect, test } from "bun:test";
import { dialects } from "#src/core/dialects.ts";
import { type Aimock, type Fault, startAimock } from "#test/support/aimock.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { seeded } from "#test/support/random.ts";
import { type Said, type Sdk, sdks } from "#test/support/sdk.ts";

const ROUNDS = Number(process.env.BROKE_CHAOS ?? 24);
const SEED = Number(process.env.BROKE_SEED ?? 20_261_127);
const SILENCE_MS = 400;
const PATIENCE_MS = 10_000;

const TALE = "Once upon a time a fox asked eight models for a tale, and every one of them told it whole. Ende.";
/** How the first provider tells it when it is streamed; the second always tells it whole. */
const tales = {
  whole: "A tale, please.",
  torn: "The torn tale, please.",
  "torn at once": "The tale torn at once, please.",
};
type Tale = keyof typeof tales;

/** `silent` says nothing for longer than is waited for; the others come after a moment. */
type Trouble = Fault | "silent";
const troubles: Trouble[] = ["none", "none", "none", "rate limit", "server error", "malformed", "disconnect", "silent"];

/** The status of a provider that gave nothing, and how often it was asked: each of two keys, once more after a failure, never after silence. */
const costs: Record<Exclude<Trouble, "none">, { status: number; attempts: number }> = {
  "rate limit": { status: 429, attempts: 2 },
  "server error": { status: 500, attempts: 2 },
  malformed: { status: 502, attempts: 2 },
  disconnect: { status: 502, attempts: 2 },
  silent: { status: 504, attempts: 1 },
};

type Round = { troubles: [Trouble, Trouble]; tale: Tale; stream: boolean; firstIsGemini: boolean };
type End = { status: number; attempts: number };

/**
 * What may become of a round in which nothing is held against anybody. A torn stream has several ends: its first words may be lost with the
 * connection, and then another attempt follows.
 */
function expected({ troubles: [first, second], tale, stream, firstIsGemini }: Round): End[] {
  const then = (attempts: number): End =>
    second === "none"
      ? { status: 200, attempts: attempts + 1 }
      : { status: costs[second].status, attempts: attempts + costs[second].attempts };
  if (first !== "none") return [then(costs[first].attempts)];
  if (!stream || tale === "whole") return [{ status: 200, attempts: 1 }];
  // Gemini's first event is content already.
  if (tale === "torn at once" && !firstIsGemini) return [then(2)];
  return [{ status: 502, attempts: 1 }, { status: 502, attempts: 2 }, then(2)];
}

const suffer = (aimock: Aimock, trouble: Trouble, latencyMs: number) =>
  trouble === "silent" ? aimock.suffer("none", 10 * SILENCE_MS) : aimock.suffer(trouble, latencyMs);

type Heard = { said: Said } | { error: { status?: number; message: string } };

async function listen(sdk: Sdk, url: string, tale: Tale, stream: boolean): Promise<Heard & { pieces: string }> {
  let pieces = "";
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no end after ${PATIENCE_MS} ms`)), PATIENCE_MS);
  const asking = sdk
    .talk(url, TOKEN)
    .say(tales[tale], { stream, onText: (text) => void (pieces += text) })
    .then(
      (said): Heard => ({ said }),
      (error: { status?: number; message: string }): Heard => ({ error }),
    );
  const heard = await Promise.race([asking, late]);
  clearTimeout(timer);
  return { ...heard, pieces };
}

for (const [index, sdk] of sdks.entries()) {
  test(`${sdk.name}: ${ROUNDS} requests of failing providers (seed ${SEED})`, async () => {
    const random = seeded(SEED + index);
    await using first = await startAimock("tales");
    await using second = await startAimock("tales");
    for (const dialect of dialects) {
      await using gateway = await startGateway(
        [
          { dialect, url: first.url, keyEnv: "FIRST_KEY" },
          { dialect: random.pick(dialects), url: second.url, keyEnv: "SECOND_KEY" },
        ],
        {
          FIRST_KEY: "first-key-1",
          FIRST_KEY_2: "first-key-2",
          SECOND_KEY: "second-key-1",
          SECOND_KEY_2: "second-key-2",
        },
        { timing: { maxWaitMs: 0, backoffMs: 2 }, settings: { silenceMs: SILENCE_MS } },
      );
      for (let number = 0; number < ROUNDS / dialects.length; number++) {
        const round: Round = {
          troubles: [random.pick(troubles), random.pick(troubles)],
          tale: random.pick(Object.keys(tales) as Tale[]),
          stream: random.chance(0.7),
          firstIsGemini: dialect === "gemini",
        };
        const held = gateway.health.all().length > 0 && random.chance(0.3);
        if (!held) for (const { subject } of gateway.health.all()) gateway.health.lift(subject.split(" ")[1]!);
        await suffer(first, round.troubles[0], random.below(20));
        await suffer(second, round.troubles[1], random.below(20));
        const heard = await listen(sdk, gateway.url, round.tale, round.stream);
        await gateway.reported(number + 1);
        const { status, attempts } = gateway.reports[number]!;
        const found = { seed: SEED, dialect, number, ...round, held, status, attempts, heard };
        if (!held)
          expect({ ...found, ends: expected(round) }).toEqual({
            ...found,
            ends: expect.arrayContaining([{ status, attempts }]),
          });
        if ("said" in heard) {
          expect({ ...found, text: heard.said.text, stop: heard.said.stop, status }).toEqual({
            ...found,
            text: TALE,
            stop: sdk.stops.end,
            status: 200,
          });
        } else {
          // What broke off after its first words has no status any more: it went out as 200.
          expect({ ...found, told: heard.error.status }).toEqual({
            ...found,
            told: heard.pieces === "" ? status : heard.error.status,
          });
          expect(found.status >= 400 && heard.error.message !== "" ? null : found).toBeNull();
        }
        expect(TALE.startsWith(heard.pieces) ? null : found).toBeNull();
      }
    }
  }, 600_000);
}
