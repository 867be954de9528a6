// Snapshots restored and tokens revoked by real commands, again and again, while two gateways of one home are asked all the time: no answer fails, each
// comes whole from the generation it says it is of, and the day and minute's limits are those of both.

import { expect, test } from "bun:test";
import { openState } from "#src/cli/compose.ts";
import { letAnswer, serveTwin, startGateway, TOKEN, withProfileOfAll } from "#test/support/gateway.ts";
import { ROOT } from "#test/support/broke.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

const body = JSON.stringify({
  model: "sonnet",
  max_tokens: 9,
  stream: true,
  messages: [{ role: "user", content: "hi" }],
});
const ask = (url: string, token = TOKEN) =>
  fetch(`${url}/v1/messages`, {
    method: "POST",
    headers: { "x-api-key": token, "content-type": "application/json" },
    body,
  });

async function world(rpm = 0) {
  const upstream = await startUpstream((seen) => ({ ...say(`from ${seen.model}`), pieces: 3 }));
  const two = [0, 1].map(() => ({ dialect: "anthropic", url: upstream.url }) as const);
  const gateway = await startGateway(two);
  gateway.edit((routing) => {
    const made = withProfileOfAll(letAnswer(routing, "sonnet", "backend-0"), "app");
    return { ...made, profiles: { app: { ...made.profiles.app!, access: { ...made.profiles.app!.access, rpm } } } };
  });
  const twin = serveTwin(gateway.home);
  const broke = async (...words: string[]) => {
    const env = { PATH: process.env.PATH ?? "", HOME: gateway.home, BROKE_HOME: gateway.home };
    const child = Bun.spawn([`${ROOT}/shims/broke`, ...words], { env, stdout: "pipe", stderr: "pipe" });
    const said = await new Response(child.stderr).text();
    if ((await child.exited) !== 0) throw new Error(said);
  };
  return {
    ...{ gateway, broke, urls: [gateway.url, twin.url] },
    async [Symbol.asyncDispose]() {
      await twin[Symbol.asyncDispose]();
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("restoring two snapshots in turn under load: every answer is of the routing whose generation it names", async () => {
  await using all = await world();
  await all.broke("snapshot", "save", "zero");
  await all.broke("swap", "sonnet=backend-1");
  await all.broke("snapshot", "save", "one");
  let over = false;
  const answers: { generation: number; text: string; status: number }[] = [];
  const client = async (url: string) => {
    while (!over) {
      const answer = await ask(url);
      const generation = Number(answer.headers.get("x-broke-generation"));
      answers.push({ generation, status: answer.status, text: await answer.text() });
    }
  };
  const clients = [...all.urls, ...all.urls].map(client);
  for (let round = 0; round < 8; round++) await all.broke("snapshot", "restore", round % 2 === 0 ? "zero" : "one");
  over = true;
  await Promise.all(clients);
  const rows = openState({ BROKE_HOME: all.gateway.home }).db.query<{ id: number; body: string }, []>(
    "SELECT id, body FROM generations",
  );
  const modelAt = new Map(
    rows.all().map(({ id, body: kept }) => {
      const { slots } = JSON.parse(kept) as { slots: { sonnet: string } };
      return [id, slots.sonnet.replace("backend", "model")];
    }),
  );
  const wrong = answers.filter(
    ({ status, text, generation }) =>
      status !== 200 || !text.includes("message_stop") || !text.includes(`"model":"${modelAt.get(generation)}"`),
  );
  expect(wrong).toEqual([]);
  expect(new Set(answers.map(({ generation }) => generation)).size).toBeGreaterThan(4);
});

test("two gateways of one home: one window, and a token that is revoked in the middle is refused by both with the next request", async () => {
  await using all = await world(10);
  const { token } = all.gateway.tokens.issue({ name: "ci", profile: "app", token: null, expiresMs: null });
  const statuses = await Promise.all(
    Array.from({ length: 40 }, async (_, at) => {
      const answer = await ask(all.urls[at % 2]!, token);
      await answer.text();
      return answer.status;
    }),
  );
  expect(statuses.filter((status) => status === 200).length).toBe(10);
  let revoked = false;
  const late: number[] = [];
  const asking = all.urls.map(async (url) => {
    for (let after = 0; after < 5;) {
      const known = revoked;
      const { status } = await ask(url, token);
      if (!known) continue;
      after += 1;
      late.push(status);
    }
  });
  await all.broke("token", "revoke", "ci");
  revoked = true;
  await Promise.all(asking);
  expect(late).toEqual(late.map(() => 401));
});
