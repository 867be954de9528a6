// A self-signed certificate for a test server, made by openssl in a moment.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { KeyObject } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Key and certificate, PEM, for one DNS name. */
export function makeCertificate(
  { privateKey }: { privateKey: KeyObject },
  name: string,
): { key: string; cert: string } {
  const dir = mkdtempSync(join(tmpdir(), "cert-"));
  try {
    const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    writeFileSync(join(dir, "key.pem"), key, { mode: 0o600 });
    const words = ["-subj", `/CN=${name}`, "-addext", `subjectAltName=DNS:${name}`, "-days", "2"];
    const made = Bun.spawnSync(["openssl", "req", "-x509", "-key", join(dir, "key.pem"), ...words], { stderr: "pipe" });
    if (made.exitCode !== 0) throw new Error(made.stderr.toString());
    return { key, cert: made.stdout.toString() };
  } finally {
    rmSync(dir, { recursive: true });
  }
}
