// A run's own gateway, served by its supervisor, is one of those that share the state: its requests count with all others', and its sandbox sees nothing
// of where the state is.

import { expect, test } from "bun:test";
import { PASSWORD } from "#test/support/redis.ts";
import { clientToken, startReplicas } from "#test/support/replicas.ts";

const script = `
body='{"model":"sonnet","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
for i in 1 2 3; do
  exec 3<>"/dev/tcp/127.0.0.1/\${ANTHROPIC_BASE_URL##*:}"
  printf 'POST /v1/messages HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\nx-api-key: %s\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n%s' \\
    "$ANTHROPIC_AUTH_TOKEN" "\${#body}" "$body" >&3
  read -r _ status _ <&3
  exec 3>&-
  printf '%s ' "$status"
done
env | grep -c -e BROKE_STATE -e ${PASSWORD} || true
`;

test("two requests a minute for all: the gateway served one, so the run's is served one; lost, none", async () => {
  await using all = await startReplicas(2, ["--rpm=2"]);
  await all.broke(1, "profile", "load", "app");
  const own = { token: clientToken(all.all[0]!.bench) };
  while ((await all.ask(0)).headers.get("x-broke-generation") !== "5") await Bun.sleep(5);
  expect(await all.status(0, own)).toBe(200);
  const run = () => all.all[1]!.bench.broke(["harness", "run", "--client", "exec", "--", "bash", "-c", script]);
  expect((await run()).stdout).toBe("200 429 429 0\n");
  await all.redis.kill();
  expect((await run()).stdout).toBe("503 503 503 0\n");
});
