// A backend that says which member of a request it does not take comes last for requests that have it, for a while; it is never out, and nobody can make it
// so for others.

import { describe, expect, test } from "bun:test";
import { describeRoute } from "#src/observe/routes.ts";
import { knownNow, openState } from "#src/cli/compose.ts";
import { startGateway, withProfileOfAll } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say, type Script } from "#test/support/upstream/script.ts";

const refusing =
  (error: object): Script =>
  (seen) =>
    seen.model === "model-0" && Object.hasOwn(seen.body as object, "temperature")
      ? {
          kind: "raw",
          status: 400,
          body: JSON.stringify({ error: { message: "it does not take it", type: "invalid_request_error", ...error } }),
        }
      : say("hi");

const named = { code: "unsupported_parameter", param: "temperature" };

async function world(script: Script, dialect: "openai-chat" | "openai-responses" = "openai-chat", count = 2) {
  const upstream = await startUpstream(script);
  const backends = Array.from({ length: count }, () => ({ dialect, url: upstream.url }) as const);
  const gateway = await startGateway(backends);
  gateway.edit((routing) => withProfileOfAll(withProfileOfAll(routing, "app"), "web"));
  const ask = async (more: object, profile: string | null = null, path = "/v1/chat/completions") => {
    const body = { model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: "hi" }], ...more };
    const headers: Record<string, string> = profile === null ? {} : { "x-broke-profile": profile };
    const before = upstream.asked().length;
    const answer = await gateway.post(path, body, { headers });
    await answer.text();
    return [
      answer.status,
      ...upstream
        .asked()
        .slice(before)
        .map(({ model }) => model),
    ];
  };
  return {
    ...{ upstream, gateway, ask },
    order: (members: string[], profile: string | null = null) => {
      const known = {
        ...knownNow(openState({ BROKE_HOME: gateway.home })),
        profile,
        asks: { dialect: null, members: () => members },
      };
      const route = describeRoute("sonnet", known);
      return route.kind === "attempts" ? route.attempts.map(({ model }) => model) : [];
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

test("once it has said so it comes last for requests with that member, and first for all others, as `route` foretells", async () => {
  await using all = await world(refusing(named));
  expect(await all.ask({ temperature: 1 })).toEqual([200, "model-0", "model-1"]);
  expect([await all.ask({ temperature: 1 }), all.order(["temperature"])]).toEqual([
    [200, "model-1"],
    ["model-1", "model-0"],
  ]);
  expect([await all.ask({}), all.order([])]).toEqual([
    [200, "model-0"],
    ["model-0", "model-1"],
  ]);
  expect(all.gateway.health.all()).toMatchObject([
    {
      subject: "backend backend-0 taking temperature",
      state: "incompatible",
      reason: "unsupported_parameter",
      party: "live",
    },
  ]);
  expect(all.gateway.health.transitions(1)).toMatchObject([
    { was: "healthy", state: "incompatible", reason: "unsupported_parameter" },
  ]);
  // Another dialect's request is translated: what the client wrote is not what was refused.
  expect(await all.ask({ temperature: 1 }, null, "/v1/messages")).toEqual([200, "model-0", "model-1"]);
  expect([all.gateway.health.lift("backend-0"), all.order(["temperature"])]).toEqual([1, ["model-0", "model-1"]]);
});

describe("what one client says does not count for others", () => {
  test("it is his alone until another is told the same", async () => {
    await using all = await world(refusing(named));
    await all.ask({ temperature: 1 }, "app");
    expect([all.order(["temperature"], "app")[0], all.order(["temperature"], "web")[0]]).toEqual([
      "model-1",
      "model-0",
    ]);
    await all.ask({ temperature: 1 }, "web");
    expect([all.order(["temperature"], null)[0], all.gateway.health.all()[0]!.party]).toEqual(["model-1", null]);
  });

  const forged: [string, object][] = [
    [
      "in the words alone, which may be the client's",
      { message: "Unsupported parameter: 'temperature' is not supported" },
    ],
    ["a value that is not taken", { code: "unsupported_value", param: "temperature" }],
    ["a member nobody sent", { code: "unsupported_parameter", param: "messages[0].content" }],
    ["a member the client did not send", { code: "unsupported_parameter", param: "top_p" }],
    ["no name", { code: "unsupported_parameter", param: null }],
  ];
  test.each(forged)("%s: nothing is held", async (_, error) => {
    await using all = await world(refusing(error));
    await all.ask({ temperature: 1 });
    expect([all.gateway.health.all(), all.order(["temperature"])]).toEqual([[], ["model-0", "model-1"]]);
  });

  test("the only backend is asked all the same, and its own refusal is the answer", async () => {
    await using all = await world(refusing(named), "openai-chat", 1);
    for (let at = 0; at < 3; at++) expect(await all.ask({ temperature: 1 })).toEqual([400, "model-0"]);
    expect(await all.ask({})).toEqual([200, "model-0"]);
  });
});
