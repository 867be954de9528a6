// The documentation's page in a real browser that can reach nothing but the gateway.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway } from "#test/support/gateway.ts";

const CHROMIUM = "/usr/bin/chromium";

/** The page's DOM once its scripts have run. */
async function render(url: string): Promise<string> {
  const profile = mkdtempSync(join(tmpdir(), "broke-chromium-"));
  const child = Bun.spawn(
    [
      CHROMIUM,
      ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-extensions"],
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
      `--user-data-dir=${profile}`,
      ...["--virtual-time-budget=20000", "--dump-dom", url],
    ],
    { env: { PATH: "/usr/bin:/bin", HOME: profile }, stdio: ["ignore", "pipe", "ignore"] },
  );
  const dom = await new Response(child.stdout).text();
  await child.exited;
  rmSync(profile, { recursive: true, force: true });
  return dom;
}

test("/swagger shows every route, with its summary, from this machine alone", async () => {
  await using gateway = await startGateway([]);
  const dom = await render(`${gateway.url}/swagger`);
  const shown = [...dom.matchAll(/data-path="([^"]+)"/g)].map((match) => match[1]!.replaceAll("&#8203;", ""));
  const document = (await (await fetch(`${gateway.url}/swagger/json`)).json()) as { paths: Record<string, object> };
  expect([...new Set(shown)].sort()).toEqual(Object.keys(document.paths).sort());
  for (const name of ["Anthropic Messages", "OpenAI Responses", "OpenAI Chat Completions", "Gemini generateContent"]) {
    expect(dom).toContain(name);
  }
  expect(dom).toContain("broke gateway");
  expect(dom).not.toMatch(/Failed to load|No API definition/);
});
