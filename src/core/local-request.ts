// Whether a request to a listener on loopback came by a name of this machine, and from no page of anybody else's: a web page whose name was rebound to
// 127.0.0.1 gets nothing. Pure.
// Does not stop: another process of the same machine; that is the token's part.

const LOCAL_NAME = /^(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?$/;

/** Whether Host names this machine and Origin, when there is one, is a page of ours. */
export function isLocalRequest(headers: Headers): boolean {
  const host = headers.get("host");
  if (host === null || !LOCAL_NAME.test(host)) return false;
  const origin = headers.get("origin");
  return origin === null || origin === `http://${host}`;
}
