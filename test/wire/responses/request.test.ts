// A canonical request as a Responses backend gets it: one case a file.

import { describe, expect, test } from "bun:test";
import type { CanonicalRequest } from "#src/wire/canonical.ts";
import type { Quirks } from "#src/wire/quirks.ts";
import { responsesInbound, responsesOutbound } from "#src/wire/responses/codec.ts";
import { loadCases, type Members, SCOPE } from "../cases.ts";
import { callFor } from "./cases.ts";

type RequestCase = { request: Partial<CanonicalRequest>; quirks?: Partial<Quirks>; body: Members; losses: string[] };

describe("a canonical request becomes a Responses request", () => {
  for (const { name, request, quirks, body, losses } of loadCases<RequestCase>("responses/request")) {
    test(name, () => {
      const call = callFor(request, quirks);
      expect({ body: call.body, losses: call.losses.map(({ path, what }) => `${path}: ${what}`) }).toEqual({
        body,
        losses,
      });
    });
  }

  test("says stream when streaming", () => {
    expect(callFor({}, {}, true).body).toEqual({ model: "upstream-model", input: [], store: false, stream: true });
  });

  test("the path", () => {
    expect(responsesOutbound.path({ model: "m", stream: true })).toBe("/responses");
  });
});

describe("reasoning that OpenAI encrypted comes back to it as it was", () => {
  const reasoning = {
    type: "reasoning",
    id: "rs_1",
    summary: [{ type: "summary_text", text: "hm" }],
    encrypted_content: "gA:A.A",
  };
  const said = { type: "message", role: "assistant", content: [{ type: "output_text", text: "ok" }] };
  const ask = { type: "message", role: "user", content: [{ type: "input_text", text: "on" }] };
  const itemsFor = (input: Members[], scope: string) => {
    const { request } = responsesInbound.decodeRequest({ model: "m", input }, { model: "m", stream: false });
    const { body } = responsesOutbound.encodeRequest(request, { model: "m", stream: false, scope });
    return (body as Members)["input"];
  };

  test("from a client of its own dialect", () => {
    expect(itemsFor([reasoning, said, ask], SCOPE)).toEqual([reasoning, said, ask]);
  });

  test("from a client that kept our seal, and to no other account", () => {
    const response = callFor().decodeResponse({ status: "completed", output: [reasoning] });
    const block = response.blocks[0];
    const sealed = block?.kind === "thinking" ? (block.signature ?? "") : "";
    const kept = { ...reasoning, id: "rs_req_1_0", encrypted_content: sealed };
    expect(itemsFor([kept, said, ask], SCOPE)).toEqual([reasoning, said, ask]);
    expect(itemsFor([kept, said, ask], "ffffffffffffffff")).toEqual([said, ask]);
  });
});
