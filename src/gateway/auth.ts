// Who may ask: the bearer of the token, compared in constant time.
// Does not stop: another process of the same user that can read the token.

import { timingSafeEqual } from "node:crypto";
import { targetOf } from "./target.ts";

const encoder = new TextEncoder();

/** The credential a client sent, in any of the forms the real clients use. Two that differ count as none. */
export function presentedToken({ headers, url }: Pick<Request, "headers" | "url">): string | undefined {
  const query = url.includes("key=") ? new URLSearchParams(targetOf(url).query).get("key") : null;
  const bearer = /^Bearer\s+(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  let token: string | undefined;
  for (const given of [bearer, headers.get("x-api-key"), headers.get("x-goog-api-key"), query]) {
    if (!given || given === token) continue;
    if (token !== undefined) return undefined;
    token = given;
  }
  return token;
}

/** The token is compared with every request's; it rarely changes. */
let wantedText = "";
let wantedBytes = encoder.encode(wantedText);

function bytesOf(token: string): Uint8Array {
  if (token !== wantedText) [wantedText, wantedBytes] = [token, encoder.encode(token)];
  return wantedBytes;
}

/** Whether it is the token. How long a token is, is known; nothing else of it shows in the time. */
export function isToken(presented: string, token: string): boolean {
  const given = encoder.encode(presented);
  const wanted = bytesOf(token);
  const sameLength = given.length === wanted.length;
  return timingSafeEqual(sameLength ? given : wanted, wanted) && sameLength;
}
