// A network from inside, with the programs people use: curl, openssl, npm, git and the clients, through the real launcher and the system's
// own resolver.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:tls";
import { join } from "node:path";
import { type Bench, makeBench, type Ran, runIdOf } from "#test/support/broke.ts";
import { makeCertificate } from "#test/support/certificate.ts";
import { startUpstream } from "#test/support/upstream.ts";
import { type Part, say, task, tool } from "#test/support/upstream/script.ts";

const { key, cert } = makeCertificate(generateKeyPairSync("rsa", { modulusLength: 2048 }), "localhost");
let server: Server;
let port: number;

beforeAll(async () => {
  server = createServer({ key, cert }, (socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"));
  });
  server.on("tlsClientError", () => {});
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  port = (server.address() as { port: number }).port;
});
afterAll(() => void server.close());

type Attempt = {
  by: string;
  host: string;
  port: number;
  address: string | null;
  verdict: string;
  reason: string | null;
};

/** Runs a shell command in the sandbox with these flags. */
async function inside(bench: Bench, flags: string[], script: string): Promise<Ran> {
  writeFileSync(join(bench.workspace, "ca.pem"), cert);
  return bench.broke(["harness", "run", "--client", "exec", ...flags, "--", "bash", "-c", script]);
}

async function records(bench: Bench, ran: Ran, event: string): Promise<Record<string, unknown>[]> {
  const text = readFileSync(join(bench.home, "runs", runIdOf(ran), "ledger.jsonl"), "utf8");
  expect((await bench.broke(["harness", "verify", runIdOf(ran)])).code).toBe(0);
  const all = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  return all.filter((record) => record.event === event).map(({ data }) => data);
}

const attempts = async (bench: Bench, ran: Ran) =>
  ((await records(bench, ran, "egress.attempt")) as Attempt[]).map(
    ({ by, host, port: at, address, verdict, reason }) => `${by} ${host}:${at} ${address} ${verdict} ${reason}`,
  );

describe("strict with --allow-net", () => {
  const named = () => [`--allow-net=localhost:${port}`, `--allow-net=127.0.0.1:${port}`];

  test("curl reaches an allowed TLS server by CONNECT and by SOCKS, and the certificate is checked inside", async () => {
    using bench = makeBench();
    const script = `set -e; U=https://localhost:${port}/; curl -sS --noproxy "" --cacert ca.pem $U; echo
      curl -sS --noproxy "" --proxy $ALL_PROXY --cacert ca.pem $U; echo; curl -sS --noproxy "" $U 2>&1 | head -1`;
    const ran = await inside(bench, named(), script);
    expect({ code: ran.code, lines: ran.stdout.split("\n").slice(0, 2) }).toEqual({
      code: 0,
      lines: ["hello", "hello"],
    });
    expect(ran.stdout).toContain("curl: (60)");
    const seen = await attempts(bench, ran);
    expect(seen.slice(0, 2)).toEqual([
      `connect localhost:${port} 127.0.0.1 allowed null`,
      `socks localhost:${port} 127.0.0.1 allowed null`,
    ]);
    // A client that does not like the certificate may close, or break off while there is more to come, and with it the run may end first.
    expect(seen.slice(2)).toEqual([
      expect.stringMatching(
        new RegExp(`^connect localhost:${port} 127.0.0.1 allowed (null|the client broke off|the run ended)$`),
      ),
    ]);
    const [planned] = await records(bench, ran, "sandbox.planned");
    expect(planned).toMatchObject({
      network: "egress proxy",
      net: { any_public: false, allow: [`localhost:${port}`, `127.0.0.1:${port}`], deny: [] },
    });
  });

  test("another server name than the one asked for is refused by an alert, and recorded", async () => {
    using bench = makeBench();
    const script = `openssl s_client -proxy 127.0.0.1:\${HTTPS_PROXY##*:} -connect localhost:${port} -servername other.example </dev/null 2>&1`;
    const ran = await inside(bench, named(), script);
    expect(ran.stdout).toContain("alert access denied");
    expect(await attempts(bench, ran)).toEqual([
      `connect localhost:${port} 127.0.0.1 denied the TLS hello names another server than the one asked for`,
    ]);
  });

  test("a host that no rule names is refused in words, whichever way it is asked for", async () => {
    using bench = makeBench();
    const script = `curl -sS https://denied.example/; curl -sS http://denied.example/; curl -sSv https://denied.example/ 2>&1 | grep -i proxy-status
      curl -sS --proxy $ALL_PROXY https://denied.example/; git ls-remote https://denied.example/x.git; exit 0`;
    const ran = await inside(bench, ["--allow-net=allowed.example"], script);
    expect(ran.stdout).toContain("broke: denied.example:80: no rule allows this host\n");
    expect(ran.stdout).toContain('error=http_request_denied; details="denied.example:443: no rule allows this host"');
    expect(ran.stderr).toContain("CONNECT tunnel failed, response 403");
    expect(await attempts(bench, ran)).toEqual(
      [
        ...["connect denied.example:443", "http denied.example:80", "connect denied.example:443"],
        ...["socks denied.example:443", "connect denied.example:443"],
      ].map((text) => `${text} null denied no rule allows this host`),
    );
  });

  test("beside the proxy nothing is reached", async () => {
    using bench = makeBench();
    const script = `for a in 127.0.0.1 192.0.2.1; do (exec 3<>/dev/tcp/$a/${port}) 2>/dev/null && echo "reached $a"; done
      curl -sS --noproxy "*" --max-time 3 https://localhost:${port}/ 2>&1 | head -1; getent hosts example.com; ip -o link 2>/dev/null | grep -v lo; exit 0`;
    const ran = await inside(bench, named(), script);
    expect(ran.stdout).toMatch(/^curl: \(7\) .*\n$/);
    expect(await attempts(bench, ran)).toEqual([]);
  });
});

describe("by profile", () => {
  const script = "env | grep -ic _proxy; (exec 3<>/dev/tcp/127.0.0.1/4001) 2>/dev/null && echo open || echo closed";

  test("strict has none by itself", async () => {
    using bench = makeBench();
    const ran = await inside(bench, [], script);
    expect(ran.stdout).toBe("0\nclosed\n");
    expect((await records(bench, ran, "sandbox.planned"))[0]).toMatchObject({ network: "run socket only" });
  });

  test("hardened has the proxy: any public host, narrowed by either flag, none with a bare --deny-net", async () => {
    using bench = makeBench();
    const policy = async (...flags: string[]) => {
      const ran = await inside(bench, ["--sandbox", "hardened", ...flags], script);
      const [{ network, net } = {}] = await records(bench, ran, "sandbox.planned");
      return { stdout: ran.stdout, network, net };
    };
    const open = { stdout: "9\nopen\n", network: "egress proxy" };
    expect(await policy()).toEqual({ ...open, net: { any_public: true, allow: [], deny: [] } });
    expect(await policy("--deny-net=a.com")).toEqual({
      ...open,
      net: { any_public: true, allow: [], deny: ["a.com"] },
    });
    expect(await policy("--allow-net=b.com")).toEqual({
      ...open,
      net: { any_public: false, allow: ["b.com"], deny: [] },
    });
    expect(await policy("--deny-net")).toEqual({ stdout: "0\nclosed\n", network: "run socket only", net: undefined });
  });
});

describe("the clients reach their gateway as ever, and the world only by rule", () => {
  const clients: [string, string[], Part][] = [
    ["claude", ["-p", "go"], tool("Bash", { command: "curl -s https://denied.example; echo $? > code" })],
    [
      "codex",
      ["exec", "--skip-git-repo-check", "go"],
      tool("exec_command", { cmd: "curl -s https://denied.example; echo $? > code" }),
    ],
    [
      "gemini",
      ["-p", "go"],
      tool("run_shell_command", { command: "curl -s https://denied.example; echo $? > code", description: "d" }),
    ],
  ];
  test.each(clients)("%s", async (client, args, shell) => {
    using bench = makeBench();
    await using upstream = await startUpstream(task([say("Looking.", shell), say("Finished.")]));
    await bench.answerFrom(upstream.url);
    const ran = await bench.broke(["harness", "run", "--client", client, "--allow-net=allowed.example", "--", ...args]);
    expect({ code: ran.code, said: ran.stdout.includes("Finished.") }).toEqual({ code: 0, said: true });
    expect(readFileSync(join(bench.workspace, "code"), "utf8")).toBe("56\n");
    expect(await attempts(bench, ran)).toEqual(["connect denied.example:443 null denied no rule allows this host"]);
    const statuses = (await records(bench, ran, "model.request")).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
  });
});

/** The registry this machine's npm is set up for; asked at run time and written nowhere. */
function registry(): URL {
  const asked = Bun.spawnSync(["npm", "config", "get", "registry"], { stderr: "ignore" });
  return new URL(asked.stdout.toString().trim());
}

describe("npm, from the registry configured on this machine", () => {
  test("npm install with --allow-net for it, and not without", async () => {
    using bench = makeBench();
    const { host, href } = registry();
    writeFileSync(
      join(bench.workspace, "package.json"),
      JSON.stringify({ name: "x", version: "1.0.0", private: true }),
    );
    const ca = "/etc/ssl/certs/ca-certificates.crt";
    const words = `npm_config_registry='${href}' npm_config_cafile=${existsSync(ca) ? ca : ""} npm install --no-audit --no-fund is-number@7.0.0`;
    const without = await inside(bench, ["--allow-net=allowed.example"], `npm_config_fetch_retries=0 ${words}`);
    expect(without.code).not.toBe(0);
    expect(existsSync(join(bench.workspace, "node_modules", "is-number"))).toBe(false);
    const ran = await inside(bench, [`--allow-net=${host}`], `${words} && node -p 'require("is-number")(5)'`);
    expect({ code: ran.code, last: ran.stdout.trim().split("\n").at(-1) }).toEqual({ code: 0, last: "true" });
    const seen = (await records(bench, ran, "egress.attempt")) as Attempt[];
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter(({ verdict }) => verdict !== "allowed")).toEqual([]);
  });
});
