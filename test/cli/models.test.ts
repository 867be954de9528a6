// The catalogue by command: the providers' own lists asked for on request alone, kept with their date, and used.

import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, makeBench } from "#test/support/broke.ts";

type Answer = () => Response;
/** A server that answers each path by what stands here, and remembers who asked. */
function makeLists(answers: Record<string, Answer>) {
  const asked: { path: string; key: string | null }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch({ url, headers }) {
      const { pathname, search } = new URL(url);
      const key = headers.get("authorization") ?? headers.get("x-api-key") ?? headers.get("x-goog-api-key");
      asked.push({ path: `${pathname}${search}`, key });
      return answers[pathname]?.() ?? new Response("gone", { status: 404 });
    },
  });
  const url = `http://127.0.0.1:${server.port}`;
  return { url, asked, answers, [Symbol.dispose]: () => void server.stop(true) };
}

const KEY = "a-key-of-the-operator-0123456789";
const withKeys = (bench: Bench) => {
  mkdirSync(bench.home, { recursive: true, mode: 0o700 });
  writeFileSync(join(bench.home, ".env"), `MY_KEY=${KEY}\nMY_KEY_2=another-key-of-the-operator\n`, { mode: 0o600 });
};
const add = async (bench: Bench, label: string, url: string, dialect: string, model: string) => {
  const words = ["--base-url", url, "--dialect", dialect, "--model", model, "--key-env", "MY_KEY"];
  expect((await bench.broke(["backend", "add", label, ...words])).code).toBe(0);
};
type Row = { label: string; listed: string | null; listed_at: string | null; contextWindow: number | null };
const rowsOf = async (bench: Bench, ...words: string[]) => {
  const ran = await bench.broke(["models", ...words, "--json"]);
  return { ...ran, rows: JSON.parse(ran.stdout || "[]") as Row[] };
};

test("asked for on request alone, each with its key in its own header; facts and dates are shown, and what is listed no more is stale", async () => {
  using lists = makeLists({
    "/open/v1/models": () =>
      Response.json({
        object: "list",
        data: [
          {
            id: "qwen/one:free",
            context_length: 262144,
            architecture: { input_modalities: ["text", "image"] },
            pricing: { prompt: "0.00000015", completion: "0.0000006", input_cache_read: "0.00000002" },
          },
          { id: "two-latest", context_window: 8192 },
          { id: 7 },
          { id: "bad\u001b[2Jname" },
        ],
      }),
    "/v1beta/models": () =>
      Response.json({ models: [{ name: "models/gemini-x", inputTokenLimit: 1048576 }], nextPageToken: "more" }),
  });
  using bench = makeBench();
  withKeys(bench);
  await add(bench, "open", `${lists.url}/open/v1`, "openai-chat", "qwen/one:free");
  await add(bench, "old", `${lists.url}/open/v1`, "openai-chat", "gone-model");
  await add(bench, "gem", lists.url, "gemini", "not-on-this-page");
  for (const words of [["models"], ["list"], ["doctor"], ["validate"]]) await bench.broke(words);
  expect(lists.asked).toEqual([]);

  const { code, stderr, rows } = await rowsOf(bench, "--refresh");
  expect([code, stderr]).toEqual([0, ""]);
  expect(lists.asked.toSorted((a, b) => a.path.localeCompare(b.path))).toEqual([
    { path: "/open/v1/models", key: `Bearer ${KEY}` },
    { path: "/v1beta/models?pageSize=1000", key: KEY },
  ]);
  const seen = Object.fromEntries(rows.map((row) => [row.label, row]));
  expect(seen["open"]).toMatchObject({
    listed: "listed",
    contextWindow: 262144,
    modalities: ["text", "image"],
    price: { input: 0.15, output: 0.6, cached: 0.02 },
    pinned: null,
  });
  expect(Date.parse(seen["open"]!.listed_at!)).toBeGreaterThan(Date.now() - 60_000);
  // A first page of several does not say what is not served.
  expect([seen["old"]!.listed, seen["gem"]!.listed, seen["Groq/Compound"]!.listed]).toEqual(["stale", null, null]);
  expect((await bench.broke(["models"])).stdout).toMatch(/^old +- +gone-model .* stale, \d{4}-\d\d-\d\d$/m);
  expect((await rowsOf(bench, "open")).rows).toEqual([
    expect.objectContaining({ label: "open/qwen/one:free", pinned: null, contextWindow: 262144 }),
    expect.objectContaining({ label: "open/two-latest", pinned: false, contextWindow: 8192, price: null }),
  ] as unknown as Row[]);
  expect(lists.asked.length).toBe(2);
});

test("a listed model is a backend of the operator's as soon as it is used, in one edit; what is not listed is none", async () => {
  using lists = makeLists({ "/v1/models": () => Response.json({ data: [{ id: "fresh", context_window: 4096 }] }) });
  using bench = makeBench();
  withKeys(bench);
  await add(bench, "mine", lists.url, "openai-chat", "old");
  expect((await bench.broke(["swap", "sonnet=mine/fresh"])).code).toBe(2);
  await bench.broke(["models", "--refresh"]);
  expect((await bench.broke(["swap", "sonnet=mine/fresh"])).stdout).toBe("generation 2: sonnet → mine/fresh\n");
  const route = JSON.parse((await bench.broke(["route", "sonnet", "--json"])).stdout);
  expect(route.attempts.map(({ backend, model, key }: Record<string, string>) => [backend, model, key])).toEqual([
    ["mine/fresh", "fresh", "MY_KEY"],
    ["mine/fresh", "fresh", "MY_KEY_2"],
  ]);
  expect((await bench.broke(["fallback", "sonnet", "mine/none"])).code).toBe(2);
  expect((await bench.broke(["backend", "remove", "mine/fresh"])).code).toBe(4);
});

test("who does not answer with a list is named, without a word of his; the others are kept, and the last list stays", async () => {
  using lists = makeLists({
    "/good/v1/models": () => Response.json({ data: [{ id: "g" }] }),
    "/refused/v1/models": () => new Response(`bad key ${KEY}`, { status: 401 }),
    "/moved/v1/models": () => Response.redirect("http://127.0.0.1:9/steal"),
    "/html/v1/models": () => new Response("<html>"),
    "/odd/v1/models": () => Response.json({ data: "none", __proto__: 1 }),
    "/huge/v1/models": () => new Response(new Uint8Array(17 * 1024 * 1024)),
  });
  using bench = makeBench();
  withKeys(bench);
  for (const name of ["good", "refused", "moved", "html", "odd", "huge"])
    await add(bench, name, `${lists.url}/${name}/v1`, "openai-chat", "g");
  await add(bench, "dead", "http://127.0.0.1:1/v1", "openai-chat", "g");
  const { code, stderr, rows } = await rowsOf(bench, "--refresh");
  expect(code).toBe(3);
  expect(stderr.trimEnd().split("\n").sort()).toEqual(
    [
      `broke: ${lists.url}/html/v1: what it answered is no list of models`,
      `broke: ${lists.url}/huge/v1: its list is larger than 16 MiB`,
      `broke: ${lists.url}/moved/v1: it answered 302`,
      `broke: ${lists.url}/odd/v1: what it answered is no list of models`,
      `broke: ${lists.url}/refused/v1: it answered 401`,
      "broke: http://127.0.0.1:1/v1: it cannot be reached",
    ].sort(),
  );
  expect(rows.find(({ label }) => label === "good")?.listed).toBe("listed");
  lists.answers["/good/v1/models"] = () => new Response("", { status: 500 });
  expect((await rowsOf(bench, "--refresh")).rows.find(({ label }) => label === "good")?.listed).toBe("listed");
});

test("frozen, or with every key held back, nobody is asked", async () => {
  using lists = makeLists({ "/v1/models": () => Response.json({ data: [] }) });
  using bench = makeBench();
  expect((await bench.broke(["models", "--refresh"])).code).toBe(3);
  withKeys(bench);
  await add(bench, "mine", lists.url, "openai-chat", "old");
  await bench.broke(["key-state", "set", "MY_KEY", "blocked"]);
  expect((await bench.broke(["models", "--refresh"])).code).toBe(0);
  expect(lists.asked.map(({ key }) => key)).toEqual(["Bearer another-key-of-the-operator"]);
  await bench.broke(["key-state", "set", "MY_KEY_2", "blocked"]);
  expect((await bench.broke(["models", "--refresh"])).stderr).toBe(
    `broke: ${lists.url}: every key of it is held back\n`,
  );
  await bench.broke(["key-state", "set", "MY_KEY", "healthy"]);
  await bench.broke(["freeze", "on"]);
  expect((await bench.broke(["models", "--refresh"])).code).toBe(4);
  expect(lists.asked.length).toBe(1);
});
