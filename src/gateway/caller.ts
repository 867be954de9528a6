// Who asks, as authentication found out. Routing goes by the profile, sticky choices by the session; the rest is for the log and for limits.

/** `profile` null: the live routing. `token`: the name of the token that was presented, never its value. `run`: of a run's own socket. */
export type Caller = { profile: string | null; token: string | null; session: string | null; run: string | null };

export const liveCaller: Caller = { profile: null, token: null, session: null, run: null };

/** What clients name their conversation by (observed: Claude Code, Codex), and our own. */
const SESSION_HEADERS = ["x-broke-session", "x-claude-code-session-id", "session_id", "session-id", "x-session-id"];
const MAX_SESSION = 128;

function sessionNamed(headers: Headers): string | undefined {
  for (const name of SESSION_HEADERS) {
    const value = headers.get(name);
    if (value !== null && value !== "") return value;
  }
  return undefined;
}

/** The conversation a request belongs to, for choices that stick to it. Two callers never share one. */
export function sessionOf(headers: Headers, caller: Caller): string | null {
  const said = sessionNamed(headers);
  if (said === undefined) return caller.session ?? caller.run ?? caller.token;
  const owner = caller.run ?? caller.token;
  return `${owner === null ? "" : `${owner} `}${said.slice(0, MAX_SESSION)}`;
}
