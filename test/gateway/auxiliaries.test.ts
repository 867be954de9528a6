// What clients ask for beside the models: answered, or refused so that they go on without it. The refusals are in
// `test/cases/gateway/refusals/absent.json`.

import { describe, expect, test } from "bun:test";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";
import absent from "../cases/gateway/refusals/absent.json";

/** How each dialect's clients show themselves. */
const marks: Record<Dialect, Record<string, string>> = {
  anthropic: { authorization: `Bearer ${TOKEN}`, "anthropic-version": "2023-06-01" },
  "openai-chat": { authorization: `Bearer ${TOKEN}` },
  "openai-responses": { authorization: `Bearer ${TOKEN}` },
  gemini: { "x-goog-api-key": TOKEN },
};

function bodyOf(dialect: Dialect, message: string): object {
  if (dialect === "anthropic") return { type: "error", error: { type: "not_found_error", message } };
  if (dialect === "gemini") return { error: { code: 404, message, status: "NOT_FOUND" } };
  return { error: { message, type: "invalid_request_error", code: null, param: null } };
}

describe("what is not here: 404 in the client's own words, once and for all", () => {
  for (const { name, call, dialect, says } of absent as {
    name: string;
    call: string;
    dialect: Dialect;
    says?: string;
  }[]) {
    test(name, async () => {
      await using upstream = await startUpstream(() => say("never asked for"));
      await using gateway = await startGateway([{ dialect, url: upstream.url }]);
      const [method = "", path = ""] = call.split(" ");
      const body = method === "POST" ? { body: JSON.stringify({ model: "sonnet", input: "hi" }) } : {};
      const headers = { "content-type": "application/json", ...marks[dialect] };
      const response = await fetch(gateway.url + path, { method, headers, ...body });
      const message = expect.stringContaining(says ?? "no such endpoint") as unknown as string;
      expect({
        status: response.status,
        retry: response.headers.get("x-should-retry"),
        body: await response.json(),
        asked: upstream.seen.length,
      }).toEqual({ status: 404, retry: "false", body: bodyOf(dialect, message), asked: 0 });
    });
  }
});

describe("what Codex does instead", () => {
  for (const dialect of dialects) {
    test(`it compacts by an ordinary turn, over ${dialect}`, async () => {
      await using upstream = await startUpstream(() => say("A summary."));
      await using gateway = await startGateway([{ dialect, url: upstream.url }]);
      const words = "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary.";
      const message = (role: string, type: string, text: string) => ({
        type: "message",
        role,
        content: [{ type, text }],
      });
      const response = await gateway.post(
        "/v1/responses",
        {
          model: "sonnet",
          instructions: "You are Codex.",
          input: [
            message("user", "input_text", "fix it"),
            message("assistant", "output_text", "done"),
            message("user", "input_text", words),
          ],
          tools: [],
          tool_choice: "auto",
          parallel_tool_calls: false,
          store: false,
          stream: true,
          include: [],
          client_metadata: { request_kind: "compaction" },
        },
        { headers: { "x-codex-turn-metadata": '{"request_kind":"compaction"}' } },
      );
      const text = await response.text();
      expect([response.status, /event: response\.completed\n/.test(text)]).toEqual([200, true]);
      expect(text).toContain("A summary.");
      const { history } = upstream.asked()[0]!;
      expect(history.findLast(({ role }) => role === "user")?.text).toBe(words);
    });
  }

  test("it asks for the models with its version, and reads a list", async () => {
    await using gateway = await startGateway([{ dialect: "openai-responses", url: "http://127.0.0.1:9" }]);
    const response = await gateway.get("/v1/models?client_version=0.169.0");
    expect(((await response.json()) as { data: { id: string }[] }).data.map(({ id }) => id)).toEqual(["sonnet"]);
  });
});
