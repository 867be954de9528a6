// Path and query of a request by its text: a host may be anything here, even nothing a URL could hold.

export type RequestTarget = {
  path: string;
  /** With its question mark; "" when there is none. */
  query: string;
};

/** A request's path alone. */
export const pathOf = (request: Request): string => targetOf(request.url).path;

/** Both parts of an absolute URL, or of what Bun gives for one when the host could not be part of it: the target alone. */
export function targetOf(url: string): RequestTarget {
  const start = url.startsWith("/") ? 0 : url.indexOf("/", url.indexOf("://") + 3);
  if (start < 0) return { path: "/", query: "" };
  const mark = url.indexOf("?", start);
  return mark < 0 ? { path: url.slice(start), query: "" } : { path: url.slice(start, mark), query: url.slice(mark) };
}
