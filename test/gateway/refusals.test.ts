// Hostile requests at every door, sent by hand: each is refused at once, in the caller's own words, and nothing of it, nor what hides behind it on
// the same connection, reaches a provider. The cases are in `test/cases/gateway/refusals/`.

import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { startGateway, type TestGateway, TOKEN } from "#test/support/gateway.ts";
import { type Door, doors, errorBodyOf } from "#test/support/doors.ts";
import { sendRaw } from "#test/support/raw-http.ts";
import { startUpstream, type Upstream } from "#test/support/upstream.ts";
import { say } from "#test/support/upstream/script.ts";
import callers from "../cases/gateway/refusals/callers.json";
import content from "../cases/gateway/refusals/content.json";
import framing from "../cases/gateway/refusals/framing.json";
import methods from "../cases/gateway/refusals/methods.json";
import paths from "../cases/gateway/refusals/paths.json";

/**
 * One request, as it differs from a good one, and its answer. `early`: refused before its body is read, so the connection is closed; otherwise
 * the next request on it is answered. `form`: whose words the error is in (the door's unless told), `any` where no door is, `none` without a body.
 */
type Case = {
  name: string;
  status: number;
  method?: string;
  /** Templates: `{path}` and its parts. */
  path?: string;
  query?: string;
  /** Replaces a header, or takes it out. */
  headers?: Record<string, string | null>;
  /** Lines as they are. */
  add?: string[];
  body?: string;
  chunked?: boolean;
  merge?: object;
  model?: unknown;
  early?: boolean;
  form?: "none" | "any";
  allow?: string;
  says?: string;
  doors?: string;
};

let upstream: Upstream;
let gateway: TestGateway;
/** A minute passes before each test: wrong tokens of the others would shut the door. */
let now = Date.now();
beforeEach(() => {
  now += 60_000;
});
beforeAll(async () => {
  upstream = await startUpstream(() => say("never asked for"));
  gateway = await startGateway([{ dialect: "anthropic", url: upstream.url }], {}, { clock: () => now });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

function pathOf(door: Door, { path = "{path}", query, model }: Case): string {
  const asked = door.modelIn === "path" && model !== undefined ? door.path.replace("sonnet", String(model)) : door.path;
  const [named = "", own] = asked.split("?");
  const parts: Record<string, string> = {
    path: named,
    upper: named.toUpperCase(),
    relative: named.slice(1),
    rest: named.replace(/^\/v1(beta)?/, ""),
    tail: named.replace(/^\/v1(beta)?\//, ""),
  };
  const filled = path.replace(/\{(\w+)\}/g, (_all, part: string) => parts[part]!);
  const queries = path === "" || path === "*" ? [] : [own, query].filter((each) => each !== undefined);
  return queries.length === 0 ? filled : `${filled}?${queries.join("&")}`;
}

function bodyOf(door: Door, { body, chunked, merge, model }: Case): string {
  const named = model === undefined || door.modelIn === "path" ? {} : { model: model ?? undefined };
  const plain = body ?? JSON.stringify({ ...door.body, ...named, ...merge });
  return chunked ? `${Buffer.byteLength(plain).toString(16)}\r\n${plain}\r\n0\r\n\r\n` : plain;
}

/** What stands on the connection behind the request. It needs no token: should it be read, it is answered. */
const NEXT = "GET /health/liveliness HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

async function refused(door: Door, it: Case): Promise<void> {
  const body = it.method === undefined || it.method === "PUT" ? bodyOf(door, it) : "";
  const heads: Record<string, string | null> = {
    Host: "127.0.0.1:4000",
    Authorization: `Bearer ${TOKEN}`,
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
    ...it.headers,
  };
  const lines = Object.entries(heads).flatMap(([name, value]) =>
    value === null ? [] : [`${name}: ${value.replace("{token}", TOKEN)}`],
  );
  const head = [`${it.method ?? "POST"} ${pathOf(door, it)} HTTP/1.1`, ...lines, ...(it.add ?? [])].join("\r\n");
  const answer = await sendRaw(Number(new URL(gateway.url).port), `${head}\r\n\r\n${body}${NEXT}`);
  const { status, headers } = answer;
  const own = it.form === undefined;
  const statuses = [...answer.raw.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  const text = it.early ? answer.body : answer.body.split("HTTP/1.1")[0]!;
  expect({
    statuses,
    closes: headers["connection"] ?? null,
    retry: headers["x-should-retry"] ?? null,
    allow: headers["allow"] ?? null,
    body: own ? (JSON.parse(text) as unknown) : it.form === "none" ? text : null,
    asked: upstream.seen.splice(0).length,
  }).toEqual({
    statuses: it.early ? [it.status] : [it.status, 200],
    closes: it.early ? "close" : null,
    retry: it.form === "none" && it.method !== "HEAD" ? null : "false",
    allow: it.allow ?? null,
    body: own ? errorBodyOf(door.dialect, status) : it.form === "none" ? "" : null,
    asked: 0,
  });
  expect(text).toContain(it.says ?? "");
  expect(answer.raw).not.toContain(TOKEN);
}

const tables: Record<string, Case[]> = {
  "what is asked": content as Case[],
  "who asks": callers as Case[],
  "where it is asked": paths as Case[],
  "how it is asked": methods as Case[],
  "where a request ends": (framing as Omit<Case, "status">[]).map((it) => ({
    ...it,
    status: 400,
    early: true,
    form: "none",
  })),
};

for (const door of doors) {
  describe(`${door.path}`, () => {
    for (const [group, cases] of Object.entries(tables)) {
      describe(group, () => {
        for (const it of cases.filter((each) => [undefined, door.modelIn, door.path].includes(each.doors))) {
          test(it.name, () => refused(door, it));
        }
      });
    }

    test("with dot segments it is no door, whoever asks; with an absolute target's host it is the same door", async () => {
      for (const headers of [{}, { Authorization: null }])
        await refused(door, { name: "dots", path: "/x/..{path}", headers, status: 400, early: true });
      const path = "http://elsewhere.example{path}";
      await refused(door, { name: path, path, headers: { Authorization: null }, status: 401, early: true });
      await refused(door, { name: path, path, body: "[]", status: 400 });
    });
  });
}
