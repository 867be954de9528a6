// A program in a network of its own (`unshare --net`): gives loopback two addresses that are not of 127.0.0.0/8, so that who connects to them comes from
// elsewhere, plays a scene with the real gateway, and prints what came of it as JSON. Nothing of it can be reached from outside.

import { dlopen, FFIType, ptr } from "bun:ffi";
import { readFileSync } from "node:fs";
import { connect as dial } from "node:net";
import { join } from "node:path";
import { makeBench } from "./broke.ts";
import { readAnswer } from "./raw-http.ts";

const HERE = "127.0.0.1";
const [FIRST, SECOND] = ["10.9.9.1", "10.9.9.2"];

const { symbols: libc } = dlopen("libc.so.6", {
  socket: { args: [FFIType.i32, FFIType.i32, FFIType.i32], returns: FFIType.i32 },
  ioctl: { args: [FFIType.i32, FFIType.u64, FFIType.ptr], returns: FFIType.i32 },
});
const [AF_INET, SOCK_DGRAM, SIOCSIFADDR, SIOCSIFFLAGS, IFF_UP] = [2, 2, 0x8916, 0x8914, 1];

/** netdevice(7): an interface's address and that it is up. */
function bringUp(name: string, address: string): void {
  const fd = libc.socket(AF_INET, SOCK_DGRAM, 0);
  const request = Buffer.alloc(40);
  request.write(name, "latin1");
  request.writeUInt16LE(AF_INET, 16);
  Buffer.from(address.split(".").map(Number)).copy(request, 20);
  if (libc.ioctl(fd, SIOCSIFADDR, ptr(request)) !== 0) throw new Error(`no address for ${name}`);
  request.fill(0, 16);
  request.writeUInt16LE(IFF_UP, 16);
  if (libc.ioctl(fd, SIOCSIFFLAGS, ptr(request)) !== 0) throw new Error(`${name} stays down`);
}

bringUp("lo", HERE);
bringUp("lo:1", FIRST);
bringUp("lo:2", SECOND);

using bench = makeBench();
const said: Record<string, unknown> = {};
const refusal = async (env: Record<string, string>, ...words: string[]) => {
  const { code, stderr } = await bench.broke(["start", "--port=0", ...words], { env });
  return [code, stderr.split("\n").at(-2)];
};
said.nobody = await refusal({}, "--host=0.0.0.0");
said.unbound = await refusal({}, "--host=0.0.0.0", "--tokens=bound");
said.chosen = await refusal({ BROKE_CLIENT_TOKEN: "chosen-by-somebody" }, "--host=0.0.0.0", "--tokens=any");
said.word = (await refusal({}, "--host=0.0.0.0", "--tokens=all"))[0];
said.alone = (await refusal({}, "--tokens=any"))[0];

await bench.answerFrom("http://127.0.0.1:9");
for (const words of [
  ["team", "save", "t"],
  ["profile", "new", "app", "t", "--slots=sonnet"],
])
  await bench.broke(words);
const connect = async (name: string) =>
  (
    JSON.parse((await bench.broke(["connect", "--profile=app", `--name=${name}`, "--json"])).stdout) as {
      token: string;
    }
  ).token;
const bound = await connect("one");
const started = await bench.broke(["start", "--port=0", "--host=0.0.0.0", "--tokens=bound", "--name=broke.test"]);
said.started = started.stdout.replace(/:\d+ \(pid \d+\)/, "");
const client = readFileSync(join(bench.home, "client-token"), "utf8").trim();
const port = (JSON.parse(readFileSync(join(bench.home, "run", "gateway.json"), "utf8")) as { port: number }).port;

/** From that address, to one of the gateway's. */
const ask = (address: string, path: string, headers: Record<string, string> = {}, method = "GET", body = "") =>
  new Promise<number>((resolve, reject) => {
    const all = { host: `${address}:${port}`, connection: "close", "content-length": String(body.length), ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    const to = address === HERE ? HERE : FIRST;
    const socket = dial({ port, host: to, localAddress: address }, () =>
      socket.write(`${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${body}`),
    );
    const pieces: Buffer[] = [];
    socket.on("data", (piece: Buffer) => pieces.push(piece));
    socket.on("error", reject);
    socket.on("close", () => resolve(readAnswer(Buffer.concat(pieces)).status));
  });
const tokens: Record<string, string> = { bound, client, wrong: "wrong" };
const paths = [
  "/v1/models",
  "/metrics",
  "/swagger",
  "/swagger/json",
  "/health/liveliness",
  "/health/readiness",
  "/nothing",
];
const matrix: Record<string, number[]> = {};
for (const address of [FIRST, HERE])
  for (const [name, token] of Object.entries(tokens)) {
    matrix[`${address} ${name}`] = [];
    for (const path of paths) matrix[`${address} ${name}`]!.push(await ask(address, path, { "x-api-key": token }));
  }
said.matrix = matrix;
const key = { "x-api-key": bound };
said.withoutToken = [
  await ask(FIRST, "/", {}, "HEAD"),
  await ask(FIRST, "/v1/models", {}, "OPTIONS"),
  await ask(FIRST, "/health/liveliness"),
];
said.hosts = Object.fromEntries(
  await Promise.all(
    [
      "evil.example",
      "localhost",
      "127.0.0.1.evil.example",
      "broke.test",
      "BROKE.test:80",
      "10.9.9.9",
      "[::1]",
      "a@10.9.9.1",
      "",
    ].map(async (host) => [host, await ask(FIRST, "/v1/models", { ...key, host })] as const),
  ),
);
said.origins = [
  await ask(FIRST, "/v1/models", { ...key, origin: "http://evil.example" }),
  await ask(FIRST, "/v1/models", { ...key, origin: `http://${FIRST}:${port}` }),
  await ask(FIRST, "/v1/models", { ...key, origin: "null" }),
];
said.pretending = await ask(FIRST, "/metrics", {
  "x-api-key": client,
  "x-forwarded-for": HERE,
  forwarded: `for=${HERE}`,
});
const question = (model: string) =>
  JSON.stringify({ model, max_tokens: 9, messages: [{ role: "user", content: "hi" }] });
said.narrowed = [
  await ask(FIRST, "/v1/messages", key, "POST", question("opus")),
  await ask(FIRST, "/v1/messages", { ...key, "x-broke-profile": "other" }, "POST", question("sonnet")),
  await ask(FIRST, "/v1beta/models/opus:generateContent", { "x-goog-api-key": bound }, "POST", '{"contents":[]}'),
];

// A flood of guesses from one address.
const fresh = await connect("two");
const guesses: number[] = [];
for (let at = 0; at < 30; at++) guesses.push(await ask(SECOND, "/v1/models", { "x-api-key": `guess-${at}` }));
said.guesses = guesses;
said.meanwhile = {
  "a new token there": await ask(SECOND, "/v1/models", { "x-api-key": fresh }),
  "a new token elsewhere": await ask(FIRST, "/v1/models", { "x-api-key": fresh }),
  "the client token here": await ask(HERE, "/v1/models", { "x-api-key": client }),
};
await bench.broke(["token", "revoke", "one"]);
said.revoked = await ask(FIRST, "/v1/models", key);
said.restarted = (await bench.broke(["restart"])).stdout.replace(/:\d+ \(pid \d+\)/, "");
said.any = (await bench.broke(["restart", `--host=${FIRST}`, "--tokens=any"])).stdout.replace(/:\d+ \(pid \d+\)/, "");
said.anyMatrix = [
  await ask(FIRST, "/v1/models", { "x-api-key": client }),
  await ask(FIRST, "/metrics", { "x-api-key": client }),
  await ask(HERE, "/metrics", { "x-api-key": client }),
  await ask(SECOND, "/v1/models", { "x-api-key": client }).catch(() => 0),
];
said.doctor = /^warning +reach.*$/m.exec((await bench.broke(["doctor"])).stdout)?.[0].replace(/ +/g, " ");
await bench.broke(["stop"]);
console.log(JSON.stringify(said));
