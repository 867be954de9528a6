// The daemon's thread for providers: a batch thread while many requests are in flight, else as any other.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench } from "#test/support/broke.ts";

const BATCH = 3;

/** Its policy (proc_pid_stat(5), field 41), by the name the runtime gives the thread. */
function policyOf(pid: number): number | undefined {
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${thread}/stat`, "utf8");
    const end = stat.lastIndexOf(")");
    if (stat.slice(stat.indexOf("(") + 1, end) === "HTTP Client") return Number(stat.slice(end + 2).split(" ")[38]);
  }
  return undefined;
}

async function becomes(pid: number, wanted: number): Promise<boolean> {
  for (const until = performance.now() + 10_000; performance.now() < until; await Bun.sleep(5))
    if (policyOf(pid) === wanted) return true;
  return false;
}

test("it is a batch thread under many requests, and as before when they are over", async () => {
  using bench = makeBench();
  let gate = Promise.withResolvers<void>();
  const answer = { type: "message", id: "m", role: "assistant", model: "m", content: [], stop_reason: "end_turn" };
  const upstream = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch() {
      await gate.promise;
      return Response.json({ ...answer, usage: { input_tokens: 1, output_tokens: 1 } });
    },
  });
  try {
    const url = `http://127.0.0.1:${upstream.port}`;
    await bench.broke(["backend", "add", "up", "--base-url", url, "--dialect", "anthropic", "--model", "m"]);
    await bench.broke(["swap", "sonnet=up"]);
    await bench.broke(["start", "--port=0"]);
    const { pid, port } = JSON.parse(readFileSync(join(bench.home, "run", "gateway.json"), "utf8"));
    const token = readFileSync(join(bench.home, "client-token"), "utf8").trim();
    const ask = async () => {
      const response = await fetch(`http://127.0.0.1:${port}/v1/messages`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ model: "sonnet", max_tokens: 1, messages: [{ role: "user", content: "x" }] }),
      });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await becomes(pid, 0)).toBe(true);
    for (let round = 0; round < 2; round++) {
      const asked = Array.from({ length: 12 }, ask);
      expect(await becomes(pid, BATCH)).toBe(true);
      gate.resolve();
      expect(await Promise.all(asked)).toEqual(asked.map(() => 200));
      expect(await becomes(pid, 0)).toBe(true);
      gate = Promise.withResolvers<void>();
    }
  } finally {
    await bench.broke(["stop"]);
    await upstream.stop(true);
  }
});
