// `broke connect`: how a program asks this gateway. With --profile it binds a token, which is shown this once.

import { BrokeError } from "#src/core/errors.ts";
import { isoTime, systemClock } from "#src/core/clock.ts";
import { snippets } from "../connecting.ts";
import { expiryOf } from "../expiry.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";
import { DEFAULT_PORT } from "../port.ts";

export const verb: Verb = {
  description: "Print URL, token and snippets for the gateway; with --profile a token of its own, shown this once",
  args: {
    profile: { type: "string", description: "bind a token to this profile", valueHint: "name" },
    name: { type: "string", description: "what the token is called (default: the profile's name)" },
    token: { type: "string", description: "bind this one; - reads it from standard input, where nobody sees it" },
    expires: { type: "string", description: "how long it is good: 30d, 12h, 45m (default: until revoked)" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ values, flags }) {
    const [profile, name, given] = [values.profile?.[0], values.name?.[0], values.token?.[0]];
    const expiresMs = expiryOf(values.expires?.[0], systemClock());
    if (profile === undefined && (name !== undefined || given !== undefined || expiresMs !== null))
      throw new BrokeError("usage", "--name, --token and --expires are for a token of a profile", "add --profile NAME");
    const own = given === "-" ? (await Bun.stdin.text()).trim() : given;
    const { openState } = await import("../compose.ts");
    const { edited } = await import("../shared.ts");
    const { clientToken } = await import("#src/state/secrets.ts");
    const { readOwner } = await import("#src/gateway/ownership.ts");
    const { profileOf } = await import("#src/routing/presets.ts");
    const state = openState();
    const global = clientToken(state.home, state.env);
    if (own === global) throw new BrokeError("usage", "that is the client token already", "choose another");
    const url = `http://127.0.0.1:${readOwner(state.home)?.port ?? DEFAULT_PORT}`;
    const bind = (profile: string) =>
      edited(state, ({ db, generations, tokens }) =>
        db
          .transaction(() => {
            profileOf(generations.current(), profile);
            return tokens.issue({ name: name ?? null, profile, token: own ?? null, expiresMs });
          })
          .immediate(),
      );
    const bound = profile === undefined ? { name: null, token: global } : await bind(profile);
    const about = { url, profile: profile ?? null, ...bound, expires: expiresMs === null ? null : isoTime(expiresMs) };
    if (flags.has("json")) answerJson(about);
    else answer(snippets(about));
    return 0;
  },
};
