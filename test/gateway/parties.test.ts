// Requests that a provider answers with 5xx hold its backend back from whoever sends them, and from nobody else, until another's fail there too.

import { expect, test } from "bun:test";
import { describeRoute } from "#src/observe/routes.ts";
import { knownNow, openState } from "#src/cli/compose.ts";
import { startGateway, withProfileOfAll } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse, say } from "#test/support/upstream/script.ts";

async function world() {
  let down = false;
  const upstream = await startUpstream((seen) =>
    down || JSON.stringify(seen.body).includes("poison") ? refuse(500, "it broke") : say("hi"),
  );
  const gateway = await startGateway([{ dialect: "anthropic", url: upstream.url }], {}, { timing: { backoffMs: 1 } });
  gateway.edit((routing) => withProfileOfAll(withProfileOfAll(routing, "app"), "web"));
  const ask = async (profile: string | null, content: string) => {
    const headers: Record<string, string> = profile === null ? {} : { "x-broke-profile": profile };
    const body = { model: "sonnet", max_tokens: 9, messages: [{ role: "user", content }] };
    const answer = await gateway.post("/v1/messages", body, { headers });
    await answer.text();
    return answer.status;
  };
  return {
    ...{ upstream, gateway, ask },
    break: () => void (down = true),
    route: (profile: string | null) =>
      describeRoute("sonnet", { ...knownNow(openState({ BROKE_HOME: gateway.home })), profile }).kind,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("three of one profile, whatever their bodies: held back from it alone, and `route` says so for each", async () => {
  await using all = await world();
  for (let at = 0; at < 3; at++) expect(await all.ask("app", `poison ${at}`)).toBe(500);
  expect([await all.ask("app", "hi"), all.route("app")]).toEqual([429, "refused"]);
  expect([all.route("web"), all.route(null)]).toEqual(["attempts", "attempts"]);
  expect(all.gateway.health.all()).toMatchObject([
    { subject: "backend backend-0", state: "cooldown", party: "profile app" },
  ]);
  // An answer to somebody else shows whose fault it was.
  expect([await all.ask("web", "hi"), all.gateway.health.all(), await all.ask("app", "hi")]).toEqual([200, [], 200]);
});

test("another's failure there makes it everybody's", async () => {
  await using all = await world();
  all.break();
  for (let at = 0; at < 3; at++) await all.ask("app", "hi");
  expect(await all.ask("web", "hi")).toBe(500);
  expect([await all.ask(null, "hi"), await all.ask("web", "hi"), await all.ask("app", "hi")]).toEqual([429, 429, 429]);
  expect(all.gateway.health.all()).toMatchObject([{ state: "cooldown", party: null }]);
});

test("who has no profile is one party, as all of it was before", async () => {
  await using all = await world();
  all.break();
  for (let at = 0; at < 3; at++) expect(await all.ask(null, `hi ${at}`)).toBe(500);
  expect([await all.ask(null, "hi"), all.route(null), all.route("app")]).toEqual([429, "refused", "attempts"]);
});

test("one party after the other, each less than three: what they broke together holds for all", async () => {
  await using all = await world();
  all.break();
  expect([await all.ask("app", "hi"), await all.ask("web", "hi"), await all.ask("app", "hi")]).toEqual([500, 500, 500]);
  expect(await all.ask(null, "hi")).toBe(429);
});
