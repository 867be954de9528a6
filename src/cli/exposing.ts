// `--host`, `--tokens` and `--name`: who else than this machine may come to the gateway, as flags and as they are shown.

import { type Check, ok, warning } from "#src/core/checks.ts";
import type { Owner } from "#src/gateway/ownership.ts";

export const hostArgs = {
  host: {
    type: "string",
    description: "listen for other machines too, at this address; needs --tokens",
    valueHint: "address",
  },
  tokens: { type: "string", description: "whose: of a profile, or the client token too", valueHint: "bound|any" },
  name: { type: "string", description: "a name others reach it by; may be given again", valueHint: "host" },
} as const;

/** What was asked for, unchecked. */
export type Asked = { host: string | undefined; tokens: string | undefined; names: readonly string[] };

export const askedHost = (values: Record<string, string[]>): Asked => ({
  ...{ host: values.host?.[0], tokens: values.tokens?.[0], names: values.name ?? [] },
});

/** The same words for a process of its own. */
export const hostWords = ({ host, tokens, names }: Asked): string[] => [
  ...(host === undefined ? [] : [`--host=${host}`]),
  ...(tokens === undefined ? [] : [`--tokens=${tokens}`]),
  ...names.map((name) => `--name=${name}`),
];

/** As it runs now, asked for again. */
export const askedAgain = (owner: Owner | undefined): Asked => ({
  ...{ host: owner?.exposure?.host, tokens: owner?.exposure?.tokens, names: owner?.exposure?.names ?? [] },
});

/** For people; empty where nobody else can come. */
export const describeExposure = ({ exposure }: Pick<Owner, "exposure">): string =>
  exposure === null
    ? ""
    : `, and on ${exposure.host} for who has ${exposure.tokens === "bound" ? "a token of a profile" : "any token"}`;

/** Who can reach the gateway that runs, if any, for `doctor`. */
export const exposureCheck = (owner: () => Owner | undefined): Check => ({
  id: "reach",
  run() {
    const now = owner();
    if (now === undefined || now.exposure === null) return ok("nobody but this machine reaches the gateway");
    const hint = "it speaks HTTP without TLS: only on a network you trust, or behind what speaks TLS";
    return warning(`the gateway listens on 127.0.0.1${describeExposure(now)}`, hint);
  },
});
