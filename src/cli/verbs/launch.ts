// `broke claude`, `broke launch codex`, `broke g`: a client in the stored sandbox; every word after its name is the client's. A permission among them, which
// no client knows, is refused before anything is launched.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { launchClient } from "../launch.ts";
import { newView } from "../overlay.ts";
import { permissionArgs } from "../permission-args.ts";

const permissions: ReadonlySet<string> = new Set([
  ...[...Object.keys(permissionArgs), "permission-set"].map((name) => `--${name}`),
  ...["-A", "-P"],
]);

/** Throws `usage` on a permission before any `--`. */
function requireNoPermission(client: string, words: readonly string[]): void {
  const end = words.indexOf("--");
  for (const word of end === -1 ? words : words.slice(0, end)) {
    const name = word.replace(/=.*$/s, "");
    if (permissions.has(name))
      throw new BrokeError(
        "usage",
        `\`broke ${client}\` takes no permissions: every word after it is the client's`,
        `broke harness run --client ${client} ${name} … -- <words for ${client}>`,
      );
  }
}

/** The verb that launches this client. */
export const launchOf = (client: string): Verb => ({
  description: `Run ${client} in the configured sandbox`,
  args: {},
  whole: true,
  view: async () => newView(undefined),
  async run({ rest = [], view }) {
    requireNoPermission(client, rest);
    return launchClient(
      ({ sandbox }) => ({
        ...{ client, profile: undefined, fallback: sandbox, home: undefined, args: rest },
        held: { contract: undefined, document: {} },
      }),
      undefined,
      view,
    );
  },
});
