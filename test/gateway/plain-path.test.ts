// Paths are served as they were sent, not as what a URL makes of them: nothing is asked of a provider by a way around, and plain ones are as they were.

import { expect, test } from "bun:test";
import { connect } from "node:net";
import { question } from "#test/support/asks.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

/** The answer to a target written by hand, where an HTTP client would correct it. */
async function raw(url: string, method: string, target: string, body = ""): Promise<{ status: number; text: string }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let text = "";
  const head = [
    `${method} ${target} HTTP/1.1`,
    ...["Host: 127.0.0.1", `Authorization: Bearer ${TOKEN}`, "Content-Type: application/json", "Connection: close"],
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  const socket = connect(Number(new URL(url).port), "127.0.0.1", () =>
    socket.write(`${head.join("\r\n")}\r\n\r\n${body}`),
  );
  socket.on("data", (bytes) => (text += bytes.toString()));
  socket.on("close", () => resolve());
  await promise;
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), text };
}

const model = "sonnet:generateContent";
const plain: [method: string, target: string, status: number][] = [
  ["POST", "/v1/messages", 200],
  ["POST", "/v1/messages/", 200],
  ["POST", "/v1/messages?beta=true&at=/../x", 200],
  ["POST", "/responses", 200],
  ["POST", `/v1beta/models/${model}`, 200],
  ["POST", `/v1/models/${model}/`, 200],
  ["POST", "/v1beta/models/sonnet%3AgenerateContent", 200],
  ["GET", "/v1/models/?x", 200],
  ["GET", "/models/sonnet", 200],
  ["HEAD", "/", 200],
  ["OPTIONS", "/v1/messages", 204],
  ["PUT", "/v1/messages", 405],
  ["GET", "/v1//models", 404],
  ["GET", "/%761/models", 404],
  ["GET", "/health/liveliness/", 200],
  ["GET", "/swagger", 200],
];
const bodies: [start: string, client: keyof typeof question][] = [
  ["/v1/messages", "anthropic"],
  ["/responses", "openai-responses"],
];
const bodyFor = (target: string) =>
  JSON.stringify(question[bodies.find(([start]) => target.startsWith(start))?.[1] ?? "gemini"](false).body);

test.each(plain)("%s %s, plainly written: %d", async (method, target, status) => {
  await using upstream = await startUpstream(() => say("hi"));
  await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url }]);
  const reply = await raw(gateway.url, method, target, method === "POST" ? bodyFor(target) : "");
  expect({ status: reply.status, asked: upstream.asked().length }).toEqual({
    status,
    asked: method === "POST" && status === 200 ? 1 : 0,
  });
});

const crooked = [
  ...["/v1/../v1/messages", "/x/../v1/messages", "/v1/./messages", "/v1/%2e%2e/v1/messages", "/v1/.%2E/v1/messages"],
  ...["/v1\\messages", "/v1/x/..\\messages", "/x/../responses", `/v1beta/models/x/../${model}`, "/v1beta/models/.."],
  ...[`/v1beta/models/.\\${model}`, "/v1beta/models/..\\..\\v1\\messages", "/v1beta/models/%2e%2e/"],
  ...["/v1/models/.", "/v1/models/%2e", "/v1/models/%2E/", "/v1beta/models/./", "/models/%2e%2e"],
  ...["/v1/messages/../../responses", "/./v1/messages/"],
];
test.each(crooked)("%s is refused, whatever it would come to", async (target) => {
  await using upstream = await startUpstream(() => say("hi"));
  await using gateway = await startGateway([{ dialect: "anthropic", url: upstream.url }]);
  for (const method of ["POST", "GET", "HEAD"]) {
    const reply = await raw(gateway.url, method, target, method === "POST" ? bodyFor("/v1/messages") : "");
    expect({ method, status: reply.status }).toEqual({ method, status: 400 });
    expect(reply.text.toLowerCase()).toContain("connection: close");
    if (method !== "HEAD") expect(reply.text).toContain("the path is spelled in another way than it is served");
  }
  expect(upstream.asked()).toEqual([]);
});
