// Hostile and broken input, by chance but repeatable: bodies, heads, framing, paths from clients, and streams from providers. The upstream's log is
// the oracle: it always answers well, so a 5xx is ours, and a request that was refused must never have reached it.
// BROKE_FUZZ is the number of requests (100 000 in `test:long`), BROKE_SEED the seed, printed with every failure.

import { expect, test } from "bun:test";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { mutateBytes } from "#test/support/mutate.ts";
import { seeded } from "#test/support/random.ts";
import { sendRaw } from "#test/support/raw-http.ts";
import { shoot } from "#test/support/shots.ts";
import { sound } from "#test/support/sound-requests.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, tool } from "#test/support/upstream/script.ts";

const ROUNDS = Number(process.env.BROKE_FUZZ ?? 1_500);
const SEED = Number(process.env.BROKE_SEED ?? 20_261_126);

test(`${ROUNDS} requests: no crash, no hang, no 5xx of ours, no call for what is refused (seed ${SEED})`, async () => {
  const random = seeded(SEED);
  for (const backend of dialects) {
    await using upstream = await startUpstream(() => say("ok", tool("weather", { city: "x" }, "call_9")));
    await using gateway = await startGateway([{ dialect: backend, url: upstream.url }]);
    const port = Number(new URL(gateway.url).port);
    const statuses: Record<number, number> = {};
    for (let round = 0; round < ROUNDS / dialects.length; round++) {
      const dialect = random.pick(dialects);
      const shot = shoot(random, dialect);
      const before = upstream.seen.length;
      const answer = await sendRaw(port, shot.bytes, { unfinished: shot.unfinished });
      const called = upstream.seen.length - before;
      statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
      const found = {
        seed: SEED,
        round,
        backend,
        dialect,
        status: answer.status,
        called,
        what: shot.what,
        body: answer.body.slice(0, 300),
      };
      // The upstream never fails, so neither may we. A connection that is closed without an answer was not HTTP.
      expect(answer.status >= 500 ? found : null).toBeNull();
      expect(answer.status >= 400 && called > 0 ? found : null).toBeNull();
      expect(answer.raw.includes(TOKEN) ? found : null).toBeNull();
      upstream.seen.length = 0;
    }
    // Neither all refused nor all let through, or the shots hit nothing.
    const share = (status: number) => (statuses[status] ?? 0) / (ROUNDS / dialects.length);
    expect({ statuses, served: share(200) > 0.1, refused: share(400) > 0.1, dropped: share(0) < 0.2 }).toMatchObject({
      served: true,
      refused: true,
      dropped: true,
    });
    // Still there, and still well.
    expect((await gateway.post(sound.anthropic.path, sound.anthropic.body)).status).toBe(200);
  }
}, 1_800_000);

const ends: Record<Dialect, RegExp> = {
  anthropic: /(?:event: ?|"type":")message_stop/,
  // Some providers leave [DONE] out; the reason is what their clients go by.
  "openai-chat": /data: ?\[DONE\]|"finish_reason":"/,
  "openai-responses": /(?:event: ?|"type":")response\.(completed|incomplete)/,
  gemini: /"finishReason"/,
};
const fails: Record<Dialect, RegExp> = {
  anthropic: /event: error\n/,
  "openai-chat": /data: \{"error":/,
  "openai-responses": /event: response\.failed\n/,
  gemini: /data: \{"error":/,
};

test(`${ROUNDS} answers of broken providers: every client's stream ends in its own way (seed ${SEED})`, async () => {
  const random = seeded(SEED + 1);
  const good = {
    ...say({ kind: "thinking", text: "hm", signature: "c2ln" }, "some text", tool("weather", { city: "x" }, "call_9")),
    pieces: 3,
  };
  for (const backend of dialects) {
    let spoilt: Uint8Array = new Uint8Array();
    await using pattern = await startUpstream(() => good);
    const straight = await fetch(pattern.url + sound[backend].path, {
      method: "POST",
      body: JSON.stringify(sound[backend].body),
    });
    const frames = (await straight.text())
      .split("\n\n")
      .filter((frame) => frame !== "")
      .map((frame) => `${frame}\n\n`);
    await using upstream = await startUpstream(() => ({
      kind: "raw",
      body: spoilt,
      ...(random.chance(0.2) ? { cut: { bytes: random.below(spoilt.length + 1) } } : {}),
      ...(random.chance(0.2) ? { split: 1 + random.below(50) } : {}),
    }));
    await using gateway = await startGateway(
      [{ dialect: backend, url: upstream.url }],
      {},
      { settings: { silenceMs: 5_000 }, timing: { backoffMs: 1 } },
    );
    for (let round = 0; round < ROUNDS / dialects.length; round++) {
      const kept = frames.filter(() => random.chance(0.93));
      if (random.chance(0.2) && kept.length > 1) kept.splice(random.below(kept.length), 0, random.pick(kept));
      const text = Buffer.from(kept.join(random.chance(0.1) ? ": comment\n\n" : ""));
      const ended = random.chance(0.1) ? Buffer.from(text.toString().replaceAll("\n", "\r\n")) : text;
      spoilt = random.chance(0.6) ? mutateBytes(ended, random) : ended;
      // Nobody is held back by what the rounds before did.
      gateway.health.lift("backend-0");
      const dialect = random.pick(dialects);
      const stream = random.chance(0.9);
      const { path, body } = sound[dialect];
      const asked = dialect === "gemini" ? body : { ...body, stream };
      const response = await gateway.post(
        dialect === "gemini" && !stream ? "/v1beta/models/sonnet:generateContent" : path,
        asked,
      );
      const heard = await response.text();
      const found = {
        seed: SEED,
        round,
        backend,
        dialect,
        status: response.status,
        spoilt: Buffer.from(spoilt).toString().slice(0, 2000),
        heard: heard.slice(-600),
      };
      if (response.status === 200 && stream)
        expect(ends[dialect].test(heard) || fails[dialect].test(heard) ? null : found).toBeNull();
      else expect(heard.includes("internal error") || !heard.startsWith("{") ? found : null).toBeNull();
    }
  }
}, 1_800_000);
