// Who may look and act: whoever opened the address that `broke dashboard` printed, once. It is changed for a cookie that scripts cannot read and other
// sites cannot send.
// Does not stop: another process of the same user, which could read the terminal; what runs in a sandbox reaches no port of the host.

import { randomBytes, timingSafeEqual } from "node:crypto";

const COOKIE = "broke-dashboard";

const same = (a: string, b: string) => {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
};

export type Session = {
  /** For the address; good for one use. */
  ticket: string;
  /** The cookie to be set, for the right ticket the first time. */
  enter(ticket: string): string | undefined;
  holds(cookies: string | null): boolean;
};

/** A session for one server. */
export function openSession(): Session {
  const [ticket, secret] = [randomBytes(32).toString("base64url"), randomBytes(32).toString("base64url")];
  let used = false;
  return {
    ticket,
    enter(given) {
      if (used || !same(given, ticket)) return undefined;
      used = true;
      return `${COOKIE}=${secret}; HttpOnly; SameSite=Strict; Path=/`;
    },
    holds(cookies) {
      const given = (cookies ?? "").split(";").map((part) => part.trim());
      return given.some((part) => part.startsWith(`${COOKIE}=`) && same(part.slice(COOKIE.length + 1), secret));
    },
  };
}
