// Who is let in as whom, and what a profile may ask for: over real connections, in the words of every dialect.

import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { openState } from "#src/cli/compose.ts";
import { openAccess } from "#src/routing/access.ts";
import type { Routing } from "#src/routing/generation.ts";
import { question } from "#test/support/asks.ts";
import { letAnswer, startGateway, type TestGateway, TOKEN } from "#test/support/gateway.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";

/** A team of two slots, and the profile `app` that may ask for one of them. */
export function withProfile(routing: Routing, access: Partial<Routing["access"]> = {}): Routing {
  const live = letAnswer(letAnswer(routing, "gpt54", "backend-0"), "opus", "backend-0");
  const { slots, fallbacks } = live;
  return {
    ...live,
    teams: { work: { mode: "cli", slots, fallbacks, access: openAccess } },
    profiles: { app: { team: "work", description: "", access: { ...openAccess, ...access } } },
  };
}

async function world(access: Partial<Routing["access"]> = {}, script = say("hi")) {
  const upstream = await startUpstream(() => script);
  const gateway = await startGateway([{ dialect: "anthropic", url: upstream.url, model: "raw-model" }]);
  gateway.edit((routing) => withProfile(routing, access));
  const bind = (token: string | null = null, expiresMs: number | null = null) =>
    gateway.tokens.issue({ name: null, profile: "app", token, expiresMs });
  return {
    ...{ upstream, gateway, bind },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const chat = (model: string) => ({ model, messages: [{ role: "user", content: "hi" }] });
const ask = (gateway: TestGateway, headers: Record<string, string>, model = "gpt54") =>
  gateway.post("/v1/chat/completions", chat(model), { headers });

describe("tokens", () => {
  test("a bound token is its profile, in every header that clients use; nobody else's is anybody", async () => {
    await using all = await world();
    const { gateway, bind } = all;
    const { token, name } = bind();
    expect(name).toBe("app");
    for (const headers of [
      bearer(token),
      { authorization: "", "x-api-key": token },
      { authorization: "", "x-goog-api-key": token },
    ]) {
      expect((await ask(gateway, headers)).status).toBe(200);
    }
    expect((await ask(gateway, bearer(`${token}x`))).status).toBe(401);
    expect((await ask(gateway, bearer(token.slice(0, -1)))).status).toBe(401);
    expect((await ask(gateway, { "x-api-key": token })).status).toBe(401);
  });

  test("with the client token X-Broke-Profile chooses the profile; a bound one has its own and no other", async () => {
    await using all = await world({ slots: ["gpt54"] });
    const { gateway, bind } = all;
    const { token } = bind();
    const statuses = async (headers: Record<string, string>) =>
      [(await ask(gateway, headers, "opus")).status, (await ask(gateway, headers)).status] as const;
    expect(await statuses({})).toEqual([200, 200]);
    expect(await statuses({ "x-broke-profile": "app" })).toEqual([403, 200]);
    expect(await statuses(bearer(token))).toEqual([403, 200]);
    expect(await statuses({ ...bearer(token), "x-broke-profile": "app" })).toEqual([403, 200]);
    for (const [headers, status, word] of [
      [{ ...bearer(token), "x-broke-profile": "other" }, 401, "bound_token_profile_mismatch"],
      [{ "x-broke-profile": "other" }, 400, "unknown_profile"],
      [{ "x-broke-profile": "" }, 400, "unknown_profile"],
      [{ "x-broke-profile": "__proto__" }, 400, "unknown_profile"],
      [{ "x-broke-profile": "app, other" }, 400, "unknown_profile"],
    ] as [Record<string, string>, number, string][]) {
      for (const { path, body } of Object.values(question).map((make) => make(false))) {
        const reply = await gateway.post(path, body, { headers });
        const text = await reply.text();
        expect({ path, status: reply.status, named: text.includes(word) }).toEqual({ path, status, named: true });
        expect(text).not.toContain("__proto__");
      }
    }
  });

  test("revoked by another process, expired, or of a profile that is gone: refused with the next request", async () => {
    await using all = await world();
    const { gateway, bind } = all;
    const other = openState({ BROKE_HOME: gateway.home });
    const first = bind();
    const second = bind(null, Date.now() + 86_400_000);
    expect([first.name, second.name]).toEqual(["app", "app-2"]);
    expect((await ask(gateway, bearer(first.token))).status).toBe(200);
    other.tokens.revoke("app");
    const revoked = await ask(gateway, bearer(first.token));
    expect([revoked.status, await revoked.text()]).toEqual([401, expect.stringContaining("revoked") as string]);
    expect((await ask(gateway, bearer(second.token))).status).toBe(200);
    other.db.run("UPDATE tokens SET expires_ms = 1 WHERE name = 'app-2'");
    expect((await ask(gateway, bearer(second.token))).status).toBe(401);
    const third = bind();
    other.generations.commit("test", (routing) => ({ ...routing, profiles: {} }));
    expect((await ask(gateway, bearer(third.token))).status).toBe(401);
    expect(() => bind(first.token)).toThrow("that token was bound before");
  });

  test("what is kept of one is its hash: in no file of the home, no error and no answer is the token itself", async () => {
    await using all = await world();
    const { gateway, bind } = all;
    const { token } = bind();
    const own = bind("chosen-token-of-mine");
    const replies = [
      await ask(gateway, bearer(token)),
      await ask(gateway, bearer(token), "no-such-model"),
      await ask(gateway, { ...bearer(token), "x-broke-profile": token }),
    ];
    for (const reply of replies) {
      expect((await reply.text()) + JSON.stringify([...reply.headers])).not.toContain(token);
    }
    const files = readdirSync(gateway.home, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    for (const file of files) {
      const text = readFileSync(join(file.parentPath, file.name), "latin1");
      expect({ name: file.name, found: text.includes(token) || text.includes(own.token) }).toEqual({
        ...{ name: file.name, found: false },
      });
    }
    expect(all.upstream.seen.length).toBeGreaterThan(0);
    expect(JSON.stringify(all.upstream.seen)).not.toContain(token);
    for (const bad of [
      "short",
      "fifteen-letters",
      "with a space in it it is",
      "x".repeat(257),
      "nul\0nul\0nul\0nul\0nul",
    ])
      expect(() => bind(bad)).toThrow();
  });

  test("its last use is known to the minute, and written once", async () => {
    await using all = await world();
    const { gateway, bind } = all;
    const { token } = bind();
    expect(gateway.tokens.list()).toMatchObject([{ name: "app", usedMs: null, state: "live" }]);
    const other = openState({ BROKE_HOME: gateway.home });
    for (let count = 0; count < 3; count++) expect((await ask(gateway, bearer(token))).status).toBe(200);
    const used = other.tokens.list()[0]!.usedMs!;
    expect(Math.abs(Date.now() - used)).toBeLessThan(60_000);
    await ask(gateway, bearer(token));
    expect(other.tokens.list()[0]!.usedMs).toBe(used);
  });

  test("during a flood of guesses what was made here and let in before goes on, on new connections too; the rest is not looked at", async () => {
    await using all = await world();
    const { gateway, bind } = all;
    const { token } = bind();
    const fresh = bind();
    const chosen = bind("chosen-token-of-mine");
    const once = (value: string) =>
      fetch(`${gateway.url}/v1/models`, { headers: bearer(value), keepalive: false }).then(({ status }) => status);
    expect([await once(token), await once(chosen.token)]).toEqual([200, 200]);
    for (let count = 0; count < 20; count++)
      expect(await once(`brokeapp_${String(count).padStart(43, "x")}`)).toBe(401);
    expect(await once(token)).toBe(200);
    expect([await once(fresh.token), await once(chosen.token), await once(TOKEN)]).toEqual([429, 429, 429]);
    gateway.tokens.revoke("app");
    expect(await once(token)).toBe(401);
  });

  test("a token that has ended is no guess: it locks nobody out", async () => {
    await using all = await world();
    const { gateway, bind } = all;
    const { token } = bind();
    gateway.tokens.revoke("app");
    const once = (value: string) =>
      fetch(`${gateway.url}/v1/models`, { headers: bearer(value), keepalive: false }).then(({ status }) => status);
    for (let count = 0; count < 25; count++) expect(await once(token)).toBe(401);
    expect(await once(TOKEN)).toBe(200);
  });
});

describe("a profile that may ask for one slot", () => {
  test("gets no other by any name: label, raw id, alias, a Gemini path, a count; and the list shows only its own", async () => {
    await using all = await world({ slots: ["gpt54"] });
    const { gateway, bind, upstream } = all;
    gateway.edit((routing) => {
      const backends = {
        ...routing.backends,
        other: { ...routing.backends["backend-0"]!, label: "other", model: "other-model" },
      };
      const slots = { ...routing.slots, opus: "other", sonnet: "other" };
      return { ...routing, backends, slots, teams: { work: { ...routing.teams["work"]!, slots } } };
    });
    const headers = bearer(bind().token);
    const names = ["opus", "sonnet", "claude-opus-4-8", "claude-sonnet-5", "other", "other-model", "OPUS", "opus[1m]"];
    for (const model of names) {
      expect([403, 404]).toContain((await ask(gateway, headers, model)).status);
      const messages = { model, max_tokens: 5, messages: [{ role: "user", content: "hi" }] };
      for (const path of ["/v1/messages", "/v1/messages/count_tokens"])
        expect((await gateway.post(path, messages, { headers })).status).not.toBe(200);
      expect((await gateway.post("/v1/responses", { model, input: "hi" }, { headers })).status).not.toBe(200);
      for (const method of ["generateContent", "streamGenerateContent", "countTokens"]) {
        const path = `/v1beta/models/${encodeURIComponent(model)}:${method}`;
        const contents = [{ role: "user", parts: [{ text: "hi" }] }];
        expect((await gateway.post(path, { contents }, { headers })).status).not.toBe(200);
        const quoted = path.replace("opus", "%6Fpus");
        expect((await gateway.post(quoted, { contents }, { headers })).status).not.toBe(200);
      }
    }
    expect(upstream.asked()).toEqual([]);
    for (const type of ["text/plain", "application/x-www-form-urlencoded"])
      expect(
        (await gateway.post("/v1/chat/completions", chat("opus"), { headers: { ...headers, "content-type": type } }))
          .status,
      ).toBe(415);
    for (const model of ["gpt54", "gpt-5.4", "backend-0", "raw-model"])
      expect({ model, status: (await ask(gateway, headers, model)).status }).toEqual({ model, status: 200 });
    const list = (await (await gateway.get("/v1/models", headers)).json()) as { data: { id: string }[] };
    expect(list.data.map(({ id }) => id)).toEqual(["gpt54"]);
    expect((await gateway.get("/v1/models/gpt54", headers)).status).toBe(200);
    expect((await gateway.get("/v1/models/opus", headers)).status).toBe(404);
    expect((await (await gateway.get("/v1/models")).json()) as object).toMatchObject({
      data: expect.arrayContaining([expect.objectContaining({ id: "opus" })]) as object[],
    });
  });
});

describe("hostile", () => {
  /** Sends bytes as they are; everything that comes back until the other end closes, or says nothing for a while. */
  function exchange(url: string, text: string): Promise<{ text: string; closed: boolean }> {
    const { promise, resolve } = Promise.withResolvers<{ text: string; closed: boolean }>();
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
    let got = "";
    socket.setTimeout(2_000, () => {
      resolve({ text: got, closed: false });
      socket.destroy();
    });
    socket.on("data", (bytes) => void (got += bytes.toString("latin1")));
    socket.on("close", () => resolve({ text: got, closed: true }));
    socket.on("error", () => resolve({ text: got, closed: true }));
    return promise;
  }
  const statuses = (text: string) => [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
  const head = (path: string, port: string, ...more: string[]) =>
    [`POST ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, "Content-Type: application/json", ...more].join("\r\n");

  test("a bad token with more behind it gets one answer and a closed connection; the rest is not read", async () => {
    await using all = await world();
    const { gateway, upstream } = all;
    const { port } = new URL(gateway.url);
    const body = JSON.stringify(chat("gpt54"));
    const length = `Content-Length: ${body.length}`;
    const good = `${head("/v1/chat/completions", port, `Authorization: Bearer ${TOKEN}`, length)}\r\n\r\n${body}`;
    for (const bad of [
      `${head("/v1/chat/completions", port, "Authorization: Bearer wrong", length)}\r\n\r\n${body}`,
      `${head("/v1/chat/completions", port, "Authorization: Bearer wrong", "Content-Length: 0")}\r\n\r\n`,
      `${head("/v1/chat/completions", port, `Authorization: Bearer ${TOKEN}`, "X-Api-Key: other", length)}\r\n\r\n${body}`,
    ]) {
      const got = await exchange(gateway.url, bad + good);
      expect({ statuses: statuses(got.text), closed: got.closed }).toEqual({ statuses: [401], closed: true });
    }
    expect(upstream.asked()).toEqual([]);
  });

  test("another page, another host, a path that climbs: refused before the token is looked at", async () => {
    await using all = await world();
    const { gateway } = all;
    for (const headers of [
      { origin: "http://evil.example" },
      { origin: "null" },
      { host: "evil.example" },
      { host: "127.0.0.1.evil.example" },
    ] as Record<string, string>[]) {
      expect((await ask(gateway, headers)).status).toBe(403);
    }
    for (const path of ["/v1/models/../../metrics", "/v1/models/%2e%2e%2fmetrics", "/v1/models/..%2f..%2fbroke.db"])
      expect(await (await gateway.get(path)).text()).not.toContain("SQLite");
  });

  test("names and sessions of any form do no harm: no header of theirs is a profile, a line of the log, or another's session", async () => {
    await using all = await world();
    const { gateway, bind } = all;
    const { token } = bind();
    for (const value of [
      "x".repeat(10_000),
      "'; DROP TABLE tokens; --",
      "\u00e9\u00ff",
      "%00",
      "../../etc/passwd",
      "constructor",
    ]) {
      expect((await ask(gateway, { "x-broke-profile": value })).status).toBe(400);
      expect((await ask(gateway, { ...bearer(token), "x-broke-session": value })).status).toBe(200);
      expect((await ask(gateway, bearer(`x${encodeURIComponent(value).slice(0, 200)}`))).status).toBe(401);
    }
    expect(gateway.tokens.list().length).toBe(1);
  });
});
