// `--host`: in a network of its own, with callers whose addresses are not this machine's loopback. What they get is the model routes, with a token that
// counts from elsewhere, and nothing else, whatever they say of themselves.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { ROOT } from "#test/support/broke.ts";

test("who comes from elsewhere is let in by the token policy alone, to model routes alone; nothing starts without one", async () => {
  const words = [
    "--user",
    "--map-root-user",
    "--net",
    process.execPath,
    join(ROOT, "test", "support", "remote-scene.ts"),
  ];
  const child = Bun.spawn(["unshare", ...words], { stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  expect({ stderr, code: await child.exited }).toEqual({ stderr: "", code: 0 });
  const guesses = (count: number, status: number) => Array.from({ length: count }, () => status);
  expect(JSON.parse(stdout)).toEqual({
    nobody: [4, "broke: --tokens bound: who has a token of a profile; --tokens any: who has the client token too"],
    unbound: [4, "broke: `broke connect --profile NAME` makes one"],
    chosen: [4, "broke: unset BROKE_CLIENT_TOKEN, or use --tokens bound"],
    word: 2,
    alone: 2,
    started: "gateway started on http://127.0.0.1, and on 0.0.0.0 for who has a token of a profile\n",
    // /v1/models, /metrics, /swagger, /swagger/json, /health/liveliness, /health/readiness, /nothing
    matrix: {
      "10.9.9.1 bound": [200, 403, 403, 403, 403, 403, 403],
      "10.9.9.1 client": guesses(7, 401),
      "10.9.9.1 wrong": guesses(7, 401),
      "127.0.0.1 bound": [200, 403, 200, 200, 200, 200, 404],
      "127.0.0.1 client": [200, 200, 200, 200, 200, 200, 404],
      "127.0.0.1 wrong": [401, 401, 200, 200, 200, 200, 404],
    },
    withoutToken: [401, 401, 401],
    hosts: {
      ...{ "evil.example": 403, localhost: 403, "127.0.0.1.evil.example": 403, "a@10.9.9.1": 403, "": 403 },
      ...{ "broke.test": 200, "BROKE.test:80": 200, "10.9.9.9": 200, "[::1]": 200 },
    },
    origins: [403, 200, 403],
    pretending: 401,
    narrowed: [403, 401, 403],
    guesses: [...guesses(20, 401), ...guesses(10, 429)],
    meanwhile: { "a new token there": 429, "a new token elsewhere": 200, "the client token here": 200 },
    revoked: 401,
    restarted: "gateway started on http://127.0.0.1, and on 0.0.0.0 for who has a token of a profile\n",
    any: "gateway started on http://127.0.0.1, and on 10.9.9.1 for who has any token\n",
    anyMatrix: [200, 403, 200, 200],
    doctor: "warning reach the gateway listens on 127.0.0.1, and on 10.9.9.1 for who has any token",
  });
});
