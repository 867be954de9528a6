// The hostile probes in a run that was given a network: beside the proxy there is still no way out, and through it only what a rule names.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chownSync, cpSync, readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { LAUNCHER } from "#test/support/broke.ts";
import { type Origin, startOrigin } from "#test/support/egress.ts";
import { type Bait, layBait } from "./bait.ts";
import { probeIds } from "./controls.ts";

const PLAIN_UID = 54_321;
const root = process.getuid!() === 0;
const identities = root
  ? [
      { name: "root", uid: 0, as: [] as string[] },
      {
        name: "a plain user",
        uid: PLAIN_UID,
        as: ["setpriv", `--reuid=${PLAIN_UID}`, `--regid=${PLAIN_UID}`, "--clear-groups"],
      },
    ]
  : [{ name: "a plain user", uid: process.getuid!(), as: [] as string[] }];

const beside = probeIds.filter((id) => /^(net|service|family|gateway|secret)\//.test(id));

const ownAddress = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === "IPv4" && !internal)?.address;

type Probed = { code: number; stderr: string; results: Map<string, string> };

async function runProbes(
  bait: Bait,
  origin: Origin,
  { as, script, flags, only = [] }: { as: string[]; script: string; flags: string[]; only?: string[] },
): Promise<Probed> {
  const told = {
    ONLY: only.join(" "),
    ...bait.told,
    OPEN_PORT: String(origin.port),
    OWN_ADDRESS: ownAddress ?? "",
  };
  const exports = Object.entries(told).map(([key, value]) => `${key}='${value}'`);
  const words = ["harness", "run", "--client", "exec", ...flags, "--", "bash", "-c"];
  const child = Bun.spawn([...as, LAUNCHER, ...words, `export ${exports.join(" ")}; . ./${script}`], {
    cwd: bait.workspace,
    env: bait.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  const results = new Map<string, string>();
  for (const line of out.split("\n").filter((text) => text !== "")) {
    const [id, verdict, found] = line.split("\t");
    results.set(id!, verdict === "ok" ? "ok" : `${verdict}: ${found}`);
  }
  return { code: await child.exited, stderr, results };
}

async function bring(uid: number): Promise<{ bait: Bait; origin: Origin }> {
  const bait = await layBait(uid);
  const file = join(bait.workspace, "egress-probes.sh");
  cpSync(join(import.meta.dir, "egress-probes.sh"), file);
  chownSync(file, uid, uid);
  const origin = await startOrigin((socket) => {
    socket.on("data", () => socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"));
    socket.on("end", () => socket.end());
  });
  return { bait, origin };
}

const breaches = ({ results }: Probed) => Object.fromEntries([...results].filter(([, verdict]) => verdict !== "ok"));

for (const { name, uid, as } of identities) {
  describe(`with a network, launched by ${name}`, () => {
    let bait: Bait;
    let origin: Origin;
    beforeAll(async () => void ({ bait, origin } = await bring(uid)));
    afterAll(async () => {
      await origin[Symbol.asyncDispose]();
      await bait[Symbol.asyncDispose]();
    });

    test.each([
      ["strict, any public host and one named", ["--allow-net", `--allow-net=127.0.0.1:`]],
      ["hardened, one named", ["--sandbox", "hardened", `--allow-net=*.localhost,127.0.0.1:`]],
    ])("%s: nothing but the named port is reached through the proxy", async (_, flags) => {
      const given = flags.map((flag) => flag.replace(/127\.0\.0\.1:$/, `127.0.0.1:${origin.port}`));
      const probed = await runProbes(bait, origin, { as, script: "egress-probes.sh", flags: given });
      expect({ code: probed.code, breaches: breaches(probed) }).toEqual({ code: 0, breaches: {} });
      expect(probed.results.size).toBeGreaterThan(75);
      const [run] = readdirSync(join(bait.brokeHome, "runs")).sort().slice(-1);
      const ledger = readFileSync(join(bait.brokeHome, "runs", run!, "ledger.jsonl"), "utf8")
        .trim()
        .split("\n");
      const attempts = ledger.map((line) => JSON.parse(line)).filter(({ event }) => event === "egress.attempt");
      expect(attempts.length).toBeGreaterThan(150);
      const allowed = attempts.filter(({ data }) => data.verdict === "allowed");
      expect([...new Set(allowed.map(({ data }) => `${data.address}:${data.port}`))]).toEqual([
        `127.0.0.1:${origin.port}`,
      ]);
    });

    test("what is tried beside the proxy holds as in a run without a network", async () => {
      const flags = ["--allow-net", `--allow-net=127.0.0.1:${origin.port}`];
      const probed = await runProbes(bait, origin, { as, script: "probes.sh", flags, only: beside });
      expect({ code: probed.code, breaches: breaches(probed) }).toEqual({ code: 0, breaches: {} });
      expect([...probed.results.keys()].sort()).toEqual(beside);
    });
  });
}

test("the probes have teeth: what a rule names they reach, in every spelling", async () => {
  const { bait, origin } = await bring(identities[0]!.uid);
  const port = bait.told.HOST_PORT!;
  const flags = [`--allow-net=127.0.0.1:${origin.port},127.0.0.1:${port},localhost:${port}`];
  const probed = await runProbes(bait, origin, { as: [], script: "egress-probes.sh", flags });
  expect(Object.keys(breaches(probed))).toEqual(
    expect.arrayContaining(
      ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::ffff:7f00:1]"].map(
        (host) => `egress/host/${host}`,
      ),
    ),
  );
  await origin[Symbol.asyncDispose]();
  await bait[Symbol.asyncDispose]();
});
