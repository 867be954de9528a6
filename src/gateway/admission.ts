// Who a request comes from, by the token it brings: a run by its nonce, anybody else by the client token or by one bound to a profile. What a caller
// may then ask for is the resolver's to say.
// Does not stop: another process of the same user that can read the token.

import { hashToken, type TokenStore } from "#src/state/tokens.ts";
import type { GenerationStore } from "#src/state/generations.ts";
import { viewOf } from "#src/routing/view.ts";
import { isToken, presentedToken } from "./auth.ts";
import { type Caller, liveCaller } from "./caller.ts";
import type { Fault } from "./reply.ts";

/** The token callers must present now; null means revoked: nobody is let in. */
export type Token = () => string | null;

/** `guessed`: the token is nobody's. `hash`: of a token of ours that let in, which no guess can be. */
export type Admission =
  { kind: "caller"; caller: Caller; hash: string | null } | { kind: "refused"; fault: Fault; guessed: boolean };

export type Admit = (request: Pick<Request, "headers" | "url">) => Admission;

const PROFILE_HEADER = "x-broke-profile";

const refused = (status: 400 | 401, message: string, guessed = false): Admission => ({
  kind: "refused",
  fault: { status, type: status === 401 ? "authentication" : "invalid_request", message, final: true },
  guessed,
});

const wrong = () => refused(401, "missing or wrong client token", true);
const mismatch = () => refused(401, "bound_token_profile_mismatch: the token is bound to another profile");
const unknownProfile = () => refused(400, "unknown_profile: there is no such profile, or its team is gone");

/** What was made here: 256 bits by chance. */
export const MADE_HERE = /^broke[a-z]{3,8}_[A-Za-z0-9_-]{43}$/;

/** The hash of a token that has the form of those made here; undefined for one that somebody may have thought up. */
export function hashOfMade(token: string | undefined): string | undefined {
  return token !== undefined && MADE_HERE.test(token) ? hashToken(token) : undefined;
}

/** The same of the token that callers must present now, which rarely changes. */
function hashOfCurrent(): (token: string) => string | null {
  let last: { token: string; hash: string | null } | undefined;
  return (token) => {
    if (last?.token !== token) last = { token, hash: hashOfMade(token) ?? null };
    return last.hash;
  };
}

/** The holder of one token, and nobody else; it is not the holder's to choose a profile. */
export function admitHolder(token: Token, caller: Caller = liveCaller): Admit {
  return (request) => {
    const current = token();
    if (current === null) return refused(401, "the run is over");
    const given = presentedToken(request);
    if (given === undefined || !isToken(given, current)) return wrong();
    return request.headers.has(PROFILE_HEADER) ? mismatch() : { kind: "caller", caller, hash: null };
  };
}

/** The holder of the client token, as whoever the profile header names; and of every bound token, as its profile. */
export function admitClients(
  token: Token,
  { tokens, generations }: { tokens: TokenStore; generations: Pick<GenerationStore, "current"> },
): Admit {
  const hashOf = hashOfCurrent();
  return (request) => {
    const given = presentedToken(request);
    const current = token();
    if (given === undefined || current === null) return wrong();
    const named = request.headers.get(PROFILE_HEADER);
    const isThere = (profile: string | null) => viewOf(generations.current(), profile) !== undefined;
    if (isToken(given, current)) {
      if (named !== null && !isThere(named)) return unknownProfile();
      return {
        kind: "caller",
        caller: named === null ? liveCaller : { ...liveCaller, profile: named },
        hash: hashOf(current),
      };
    }
    const bound = tokens.find(given);
    if (bound === undefined) return wrong();
    if (bound.state !== "live") return refused(401, `the client token is ${bound.state}`);
    if (named !== null && named !== bound.profile) return mismatch();
    if (!isThere(bound.profile)) return refused(401, "unknown_profile: the token's profile, or its team, is gone");
    tokens.used(given);
    const caller: Caller = { ...liveCaller, profile: bound.profile, token: bound.name };
    return { kind: "caller", caller, hash: hashOfMade(given) ?? null };
  };
}
