// Sandbox profiles as data: what each one takes away. An unknown word is an error, never "unrestricted".
// Does not stop: see sandbox/README.md, which says for each profile what it leaves open.

import { BrokeError } from "#src/core/errors.ts";
import type { Limits } from "./chain.ts";
import { type RunLimits, TMP_BYTES } from "./limits.ts";

export const profileNames = ["strict", "hardened", "normal"] as const;
export type ProfileName = (typeof profileNames)[number];

export type Profile = {
  name: ProfileName;
  /** Only an allow-listed file system, or the host's with `BROKE_HOME` hidden. */
  root: "allowlist" | "host";
  /** Own, empty network namespace: the bridge is the only way out. */
  ownNetwork: boolean;
  /** What the client may reach without being told: nothing, any public host by the egress proxy, or what the host can. */
  net: "none" | "public" | "host";
  /** AF_UNIX closed to the client and its tools. */
  closeUnix: boolean;
  umask: number;
  limits: Limits;
  /** Size of /tmp where the run has its own. */
  tmpBytes: number;
};

const GIB = 1024 ** 3;
// Bun reserves 6 GiB of writable memory at start (measured, 1.4.5) and cannot start a thread below that.
const limits: Limits = { processes: 400, openFiles: 4096, fileBytes: 2 * GIB, dataBytes: 16 * GIB };
const tmpBytes = TMP_BYTES;

const profiles: Record<ProfileName, Profile> = {
  strict: {
    name: "strict",
    root: "allowlist",
    ownNetwork: true,
    net: "none",
    closeUnix: true,
    umask: 0o022,
    limits,
    tmpBytes,
  },
  hardened: {
    name: "hardened",
    root: "allowlist",
    ownNetwork: true,
    net: "public",
    closeUnix: true,
    umask: 0o077,
    limits,
    tmpBytes,
  },
  normal: {
    name: "normal",
    root: "host",
    ownNetwork: false,
    net: "host",
    closeUnix: false,
    umask: 0o022,
    limits: {},
    tmpBytes,
  },
};

/** The profile of that name. Throws `usage` for any other word. */
export function profileOf(name: string): Profile {
  const found = profileNames.find((known) => known === name);
  if (found === undefined) {
    throw new BrokeError("usage", "unknown sandbox profile", `use one of: ${profileNames.join(", ")}`);
  }
  return profiles[found];
}

/** The profile with a run's own limits. */
export function withLimits(profile: Profile, { processes, openFiles, fileBytes, tmpBytes }: RunLimits): Profile {
  const { dataBytes } = profile.limits;
  const limits: Limits = {
    ...(processes === null ? {} : { processes }),
    ...(openFiles === null ? {} : { openFiles }),
    ...(fileBytes === null ? {} : { fileBytes }),
    ...(dataBytes === undefined ? {} : { dataBytes }),
  };
  return { ...profile, limits, tmpBytes: tmpBytes ?? profile.tmpBytes };
}
