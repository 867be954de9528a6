// A real browser that can reach nothing but this machine.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const CHROMIUM = "/usr/bin/chromium";

/** The page's DOM once its scripts have run. */
export async function render(url: string): Promise<string> {
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
