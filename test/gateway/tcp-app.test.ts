// The TCP surface: who may ask, and what it says about itself.

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { LONGEST_MS } from "#src/state/moment.ts";
import { openHome } from "#src/state/paths.ts";
import { startGateway, TOKEN } from "#test/support/gateway.ts";

/** A request written by hand, where an HTTP client would correct it. */
async function raw(url: string, head: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = "";
  const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(head));
  socket.on("data", (bytes) => {
    text += bytes.toString();
    if (/^HTTP\/1\.1 \d+/.test(text)) socket.end();
  });
  socket.on("close", () => resolve(text));
  return promise;
}
const statusOf = (text: string) => Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]);

test("a token is needed, in any of the clients' headers, and only one", async () => {
  await using gateway = await startGateway([]);
  const ask = async (headers: Record<string, string>) => (await fetch(`${gateway.url}/v1/models`, { headers })).status;
  expect({
    none: await ask({}),
    wrong: await ask({ authorization: "Bearer nope" }),
    bearer: await ask({ authorization: `Bearer ${TOKEN}` }),
    key: await ask({ "x-api-key": TOKEN }),
    google: await ask({ "x-goog-api-key": TOKEN }),
    same: await ask({ "x-api-key": TOKEN, authorization: `Bearer ${TOKEN}` }),
    two: await ask({ "x-api-key": TOKEN, authorization: "Bearer other" }),
    basic: await ask({ authorization: `Basic ${btoa(`x:${TOKEN}`)}` }),
  }).toEqual({ none: 401, wrong: 401, bearer: 200, key: 200, google: 200, same: 200, two: 401, basic: 401 });
});

test("an answer to a missing token says that asking again is no use", async () => {
  await using gateway = await startGateway([]);
  const response = await fetch(`${gateway.url}/v1/messages`, { method: "POST", body: "{}" });
  expect({
    status: response.status,
    retry: response.headers.get("x-should-retry"),
    body: await response.json(),
  }).toEqual({
    status: 401,
    retry: "false",
    body: { type: "error", error: { type: "authentication_error", message: "missing or wrong client token" } },
  });
});

test("names that are not this machine, and other pages, are refused before anything else", async () => {
  await using gateway = await startGateway([]);
  const port = new URL(gateway.url).port;
  const ask = async (...headers: string[]) =>
    statusOf(
      await raw(gateway.url, `GET /health/liveliness HTTP/1.1\r\n${headers.join("\r\n")}\r\nConnection: close\r\n\r\n`),
    );
  expect({
    own: await ask(`Host: 127.0.0.1:${port}`),
    name: await ask(`Host: localhost:${port}`),
    rebound: await ask(`Host: evil.example:${port}`),
    short: await ask("Host: x"),
    suffix: await ask("Host: 127.0.0.1.evil.example"),
    page: await ask(`Host: 127.0.0.1:${port}`, "Origin: http://evil.example"),
    ours: await ask(`Host: 127.0.0.1:${port}`, `Origin: http://127.0.0.1:${port}`),
    nowhere: await ask(`Host: 127.0.0.1:${port}`, "Origin: null"),
  }).toEqual({ own: 200, name: 200, rebound: 403, short: 403, suffix: 403, page: 403, ours: 200, nowhere: 403 });
});

test("a path that only looks like one of ours is not", async () => {
  await using gateway = await startGateway([]);
  for (const path of ["/v1/messages/x", "/x/v1/models", "/v1//models", "/v1/models/../messages2", "/V1/models"]) {
    expect({ path, status: (await gateway.get(path)).status }).toEqual({ path, status: 404 });
  }
});

test("health, for whoever may reach the port", async () => {
  await using gateway = await startGateway([]);
  const get = async (path: string) => (await fetch(gateway.url + path)).json();
  expect([await get("/health/liveliness"), await get("/health/readiness")]).toEqual([
    { status: "alive" },
    { status: "ready", generation: 1 },
  ]);
  const keys = openHome({ BROKE_HOME: gateway.home }).env;
  writeFileSync(keys, "no name and no value\n", { mode: 0o600 });
  await Bun.sleep(2 * LONGEST_MS); // what others may have changed is looked for once a moment
  const unready = await fetch(`${gateway.url}/health/readiness`);
  expect([unready.status, await unready.text()]).toEqual([503, expect.stringContaining(`${keys} line 1 is not`)]);
  expect((await fetch(`${gateway.url}/health/liveliness`)).status).toBe(200);
});

test("the models are the slots that would be served now", async () => {
  await using gateway = await startGateway([{ dialect: "anthropic", url: "http://127.0.0.1:9" }]);
  const { data } = (await (await gateway.get("/v1/models")).json()) as { data: { id: string }[] };
  expect(data.map(({ id }) => id)).toEqual(["sonnet"]);
});

test("the documentation's page and files come from here, under a policy that lets nothing else in", async () => {
  await using gateway = await startGateway([]);
  const page = await fetch(`${gateway.url}/swagger`);
  const html = await page.text();
  expect(page.headers.get("content-security-policy")).toStartWith("default-src 'none'");
  expect(html.match(/(?:src|href)="[^"]*"/g)).toEqual(['src="/swagger/ui.js"']);
  const script = await fetch(`${gateway.url}/swagger/ui.js`);
  expect({ type: script.headers.get("content-type"), ui: (await script.text()).includes("SwaggerUIBundle") }).toEqual({
    type: "text/javascript; charset=utf-8",
    ui: true,
  });
  expect((await fetch(`${gateway.url}/swagger/ui.css`)).headers.get("content-type")).toStartWith("text/css");
});

test("what only this machine's callers find says which methods it takes", async () => {
  await using gateway = await startGateway([]);
  const allow = "GET, HEAD, OPTIONS";
  const swagger = ["/swagger", "/swagger/json", "/swagger/ui.js", "/swagger/ui.css"];
  for (const path of ["/health/liveliness", "/health/readiness", "/metrics", ...swagger]) {
    const ask = async (method: string) => {
      const { status, headers } = await fetch(gateway.url + path, {
        method,
        headers: { authorization: `Bearer ${TOKEN}` },
      });
      return [method, status, headers.get("allow")];
    };
    expect({ path, said: await Promise.all(["OPTIONS", "HEAD", "POST"].map(ask)) }).toEqual({
      path,
      said: [
        ["OPTIONS", 204, allow],
        ["HEAD", 200, null],
        ["POST", 405, allow],
      ],
    });
  }
});
