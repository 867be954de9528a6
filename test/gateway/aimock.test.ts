// The official SDKs through the gateway, in front of a model server none of us wrote.

import { describe, expect, test } from "bun:test";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import { type Aimock, startAimock } from "#test/support/aimock.ts";
import { startGateway, type TestGateway, TOKEN } from "#test/support/gateway.ts";
import { type Sdk, sdks } from "#test/support/sdk.ts";
import { conversations, scenes, type Stage } from "#test/support/suite.ts";

/**
 * Where aimock ends an answer as no real provider does: Gemini's calls with a word Google does not have, an incomplete response without its reason.
 * To the client it stays a reason nobody knows, never a clean end.
 */
const oddEnds: Partial<Record<Dialect, { stop: keyof Sdk["stops"]; heard: Record<string, string> }>> = {
  gemini: {
    stop: "tools",
    heard: {
      "@anthropic-ai/sdk": "FUNCTION_CALL",
      "openai, Chat": "FUNCTION_CALL",
      "openai, Responses": "incomplete FUNCTION_CALL",
      "@google/genai": "FUNCTION_CALL",
    },
  },
  "openai-responses": {
    stop: "limit",
    heard: {
      "@anthropic-ai/sdk": "incomplete",
      "openai, Chat": "incomplete",
      "openai, Responses": "incomplete",
      "@google/genai": "OTHER",
    },
  },
};

async function behind(dialect: Dialect, use: (gateway: TestGateway, aimock: Aimock) => Promise<void>) {
  await using aimock = await startAimock("conversations");
  await using gateway = await startGateway([{ dialect, url: aimock.url, keyEnv: "TEST_KEY" }], {
    TEST_KEY: "key-of-the-test",
  });
  await use(gateway, aimock);
}

for (const sdk of sdks) {
  for (const dialect of dialects) {
    const odd = oddEnds[dialect];
    // aimock pairs Gemini's results by name and place. What we write is in the order of the calls; what passes is as the SDK wrote it.
    const pairsByPlace = dialect === "gemini" && sdk.name === "@google/genai";
    const stage: Stage = {
      pairsByPlace,
      play: (_scene, _options, act) =>
        behind(dialect, ({ url }, { asked }) => act({ ask: sdk.talk(url, TOKEN), asked })),
      ...(odd === undefined ? {} : { stops: { [odd.stop]: odd.heard[sdk.name]! } }),
    };
    describe(`${sdk.name} over aimock's ${dialect}`, () => conversations(sdk, stage));
  }
}

describe("what aimock does not do", () => {
  test("it counts no tokens: the estimate answers", async () => {
    const messages = [{ role: "user", content: scenes.text.words }];
    const contents = [{ role: "user", parts: [{ text: scenes.text.words }] }];
    const counts: [Dialect, string, object, string][] = [
      ["anthropic", "/v1/messages/count_tokens", { model: "sonnet", messages }, "input_tokens"],
      ["gemini", "/v1beta/models/sonnet:countTokens", { contents }, "totalTokens"],
    ];
    for (const [dialect, path, body, member] of counts) {
      await behind(dialect, async (gateway) => {
        const response = await gateway.post(path, body);
        const { [member]: tokens } = (await response.json()) as { [name: string]: number };
        expect({ path, counted: response.headers.get("x-broke-count"), tokens: tokens! > 0 }).toEqual({
          path,
          counted: "estimate",
          tokens: true,
        });
        expect(gateway.health.all()).toEqual([]);
      });
    }
  });

  test("it says that answers cost nothing: so does the report, and the answer is whole", async () => {
    for (const dialect of ["anthropic", "openai-responses", "gemini"] as const) {
      await behind(dialect, async (gateway) => {
        const body = { model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: "Say too much." }] };
        expect(await (await gateway.post("/v1/messages", body)).text()).toContain(scenes.limit.first);
        expect(gateway.reports).toMatchObject([{ status: 200, inputTokens: 0, outputTokens: 0 }]);
      });
    }
  });
});
