// What must not get through, either way: what a client tells about the person and the machine, and what a provider tells about our key.

import { describe, expect, test } from "bun:test";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import { doors } from "#test/support/doors.ts";
import { startGateway, TOKEN, withProfileOfAll } from "#test/support/gateway.ts";
import { startUpstream, type Upstream } from "#test/support/upstream.ts";
import { type Reply, say } from "#test/support/upstream/script.ts";

const MARK = "mark-of-the-machine-7f3a";
const KEY = "key-of-the-test-9b1c55";
const KEY_NAME = "NAME_OF_THE_KEY";

/** What the real clients were seen to send beside the request, and what others might. */
const telling: Record<string, string> = {
  "user-agent": `codex_exec/0.169.0 (${MARK})`,
  originator: `codex_exec ${MARK}`,
  "session-id": MARK,
  "thread-id": MARK,
  "x-client-request-id": MARK,
  "x-codex-turn-metadata": JSON.stringify({ installation_id: MARK, workspaces: { "/home/me": MARK } }),
  "x-codex-window-id": MARK,
  "x-codex-beta-features": MARK,
  "x-gemini-api-privileged-user-id": MARK,
  "x-goog-api-client": MARK,
  "x-goog-user-project": MARK,
  "x-stainless-os": MARK,
  "x-app": MARK,
  "x-claude-code-session-id": MARK,
  "openai-organization": MARK,
  "x-broke-profile": MARK,
  "x-broke-request-id": MARK,
  "x-broke-losses": MARK,
  cookie: `session=${MARK}`,
  referer: `http://127.0.0.1/${MARK}`,
  via: `1.1 ${MARK}`,
  forwarded: `for=${MARK}`,
  "x-forwarded-for": MARK,
  traceparent: MARK,
};

const models = doors.filter(({ path }) => !/count/i.test(path));

/** Header names a provider may see. */
const USUAL = ["accept", "accept-encoding", "connection", "content-length", "content-type", "host", "user-agent"];
const own: Record<Dialect, string[]> = {
  anthropic: ["anthropic-version", "x-api-key"],
  "openai-chat": ["authorization"],
  "openai-responses": ["authorization"],
  gemini: ["x-goog-api-key"],
};

async function behind(
  backend: Dialect,
  script: () => Reply,
  use: (gateway: Awaited<ReturnType<typeof startGateway>>, upstream: Upstream) => Promise<void>,
): Promise<void> {
  await using upstream = await startUpstream(script);
  await using gateway = await startGateway(
    [{ dialect: backend, url: upstream.url, keyEnv: KEY_NAME }],
    { [KEY_NAME]: KEY },
    { timing: { maxWaitMs: 0, backoffMs: 1 } },
  );
  // The profile that the clients' headers name.
  gateway.edit((routing) => withProfileOfAll(routing, MARK));
  await use(gateway, upstream);
}

/** A status, every header and the whole body as one text. */
const allOf = async (response: Response) =>
  `${response.status}\n${JSON.stringify([...response.headers])}\n${await response.text()}`;

for (const backend of dialects) {
  describe(`to ${backend}`, () => {
    for (const door of doors) {
      test(`nothing of the machine goes on from ${door.path}`, async () => {
        await behind(
          backend,
          () => say("ok"),
          async (gateway, upstream) => {
            const client = door.dialect === "openai-responses" ? { client_metadata: { installation_id: MARK } } : {};
            const path = `${door.path}${door.path.includes("?") ? "&" : "?"}key=${TOKEN}&tracking=${MARK}`;
            const response = await gateway.post(path, { ...door.body, ...client }, { headers: telling });
            expect(response.status).toBe(200);
            expect(await allOf(response)).not.toContain(MARK);
            for (const { headers, raw, query: asked, path: called } of upstream.seen) {
              expect(Object.keys(headers).sort()).toEqual([...USUAL, ...own[backend]].sort());
              expect([JSON.stringify(headers), raw.toString(), asked, called].join("\n")).not.toMatch(
                new RegExp(`${MARK}|${TOKEN}`),
              );
              expect(headers["user-agent"]).toBe("broke");
            }
          },
        );
      });
    }
  });

  describe(`from ${backend}`, () => {
    const echoes = {
      "set-cookie": "session=theirs",
      "x-broke-slot": "theirs",
      "x-broke-backend": "theirs",
      server: "theirs",
      "request-id": `req_${KEY}`,
      "x-request-id": KEY,
      "x-ratelimit-limit-requests": `7;key=${KEY}`,
      "anthropic-ratelimit-requests-limit": KEY,
      "x-api-key": KEY,
      authorization: `Bearer ${KEY}`,
      "www-authenticate": `Bearer realm="${KEY}"`,
    };
    const unsafe = new RegExp(`${KEY}|${KEY_NAME}|theirs`);

    for (const door of models) {
      const ask = (stream: boolean): [string, object] =>
        door.dialect === "gemini" ? [door.path, door.body] : [door.path, { ...door.body, stream }];

      test(`an answer's headers, to ${door.path}`, async () => {
        await using pattern = await startUpstream(() => say("ok"));
        let answer = "";
        await behind(
          backend,
          () => ({ kind: "raw", body: answer, headers: echoes }),
          async (gateway, upstream) => {
            const direct = models.find(({ dialect, path }) => dialect === backend && !path.includes("alt=sse"))!;
            for (const stream of [false, true]) {
              const streamed = door.dialect === "gemini" ? door.path.includes("alt=sse") : stream;
              const path = streamed
                ? direct.path.replace(":generateContent", ":streamGenerateContent?alt=sse")
                : direct.path;
              const asked = { ...direct.body, ...(backend === "gemini" ? {} : { stream: streamed }) };
              answer = await (await fetch(pattern.url + path, { method: "POST", body: JSON.stringify(asked) })).text();
              const response = await gateway.post(...ask(stream));
              expect(response.headers.get("x-broke-slot")).toBe("sonnet");
              const all = await allOf(response);
              expect(all).toStartWith("200\n");
              expect(all).not.toMatch(unsafe);
            }
            expect(upstream.seen).toHaveLength(2);
          },
        );
      });

      test(`every error, to ${door.path}`, async () => {
        const message = `Incorrect API key provided: ${KEY}. You sent "Authorization: Bearer ${KEY}" to https://u:${KEY}@host`;
        const replies: [string, Reply][] = [
          ...[400, 401, 402, 403, 404, 413, 422, 429, 500, 503, 529].map((status): [string, Reply] => [
            String(status),
            { kind: "refuse", status, message, headers: { ...echoes, "retry-after": `1;${KEY}` } },
          ]),
          ["a page", { kind: "raw", status: 502, headers: { ...echoes, "content-type": "text/html" }, body: message }],
          [
            "an error in a 200",
            { kind: "raw", body: JSON.stringify({ type: "error", error: { type: "x", message } }) },
          ],
          ["no JSON in a 200", { kind: "raw", headers: { "content-type": "application/json" }, body: `{${message}` }],
          ["an error frame", { ...say("never heard"), error: { after: 0, message } }],
          [
            "an error frame in the middle",
            { ...say("one two three four five six"), pieces: 6, error: { after: 6, message } },
          ],
          [
            "a redirect",
            { kind: "raw", status: 302, headers: { location: `http://127.0.0.1:9/?key=${KEY}` }, body: KEY },
          ],
        ];
        await behind(
          backend,
          () => say("unasked"),
          async (gateway, upstream) => {
            for (const [name, reply] of replies) {
              for (const stream of [false, true]) {
                for (const held of ["backend-0", KEY_NAME]) gateway.health.lift(held);
                upstream.play(() => reply);
                const all = await allOf(await gateway.post(...ask(stream)));
                expect({ name, stream, all: unsafe.test(all) ? all : "" }).toEqual({ name, stream, all: "" });
              }
            }
            expect(upstream.asked().length).toBeGreaterThanOrEqual(2 * replies.length);
          },
        );
      });

      test(`our own refusals, at ${door.path}`, async () => {
        const message = "limited";
        for (const status of [429, 402, 401]) {
          await behind(
            backend,
            () => ({ kind: "refuse", status, message }),
            async (gateway) => {
              const first = await allOf(await gateway.post(...ask(false)));
              const second = await allOf(await gateway.post(...ask(false)));
              expect([first, second].filter((all) => unsafe.test(all))).toEqual([]);
            },
          );
        }
        await using gateway = await startGateway([{ dialect: backend, url: "http://127.0.0.1:9", keyEnv: KEY_NAME }]);
        const all = await allOf(await gateway.post(...ask(false)));
        expect(all).toStartWith("400\n");
        expect(all).not.toMatch(unsafe);
      });
    }
  });
}
