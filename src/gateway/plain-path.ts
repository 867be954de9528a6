// Paths as they were sent. The runtime tells an app of a path whose dots it has followed already (`/x/../v1/messages`, `%2e%2e`, `..\`), so that none of
// them can be told from one that is written plainly; its router matches what was sent. So every path that is served is a route of the router's, and
// what comes to one of them by another way is refused.
// Does not stop: a target that names another host, which the router drops before it matches.

import { isOfOneModel, isServedAt, servedPaths } from "./doors.ts";
import { pathOf } from "./target.ts";

type Handle = (request: Request) => Response | Promise<Response>;
type Routed = Request & { params?: { model?: string } };

const refused: Handle = async (request) => {
  const { plainError } = await import("./app.ts");
  const message = "the path is spelled in another way than it is served";
  return plainError(request, { status: 400, type: "invalid_request", message, final: true });
};

/** What `Bun.serve` takes: what is asked of plainly written paths is for `handle`, as everything that is no path of ours. */
export function plainly(handle: Handle): { routes: Record<string, Handle>; fetch: Handle } {
  const exact: Handle = (request) => handle(request);
  // One segment to the router, and more than one, or none, to a URL.
  const named: Handle = (request: Routed) =>
    request.params?.model?.includes("\\") === true || !isOfOneModel(pathOf(request))
      ? refused(request)
      : handle(request);
  const routes = servedPaths.flatMap((path) => [path, ...(path === "/" ? [] : [`${path}/`])]);
  return {
    routes: Object.fromEntries(routes.map((path) => [path, path.includes(":") ? named : exact])),
    fetch: (request) => (isServedAt(pathOf(request)) ? refused(request) : handle(request)),
  };
}
