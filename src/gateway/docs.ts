// The OpenAPI document and its page, from this machine alone: swagger-ui's own files, a policy that lets the page load nothing else.

import { type AnyElysia, Elysia, type InternalRoute } from "elysia";
import { dirname, join } from "node:path";
import { elysiaConfig } from "./app.ts";
import { targetOf } from "./target.ts";

const assets = dirname(Bun.resolveSync("swagger-ui-dist/package.json", import.meta.dir));

// The plugin's page is an empty frame with the document's address in `data-url`, and this script.
const START = `
;(() => {
  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = "/swagger/ui.css";
  document.head.append(style);
  const root = document.createElement("div");
  root.id = "swagger-ui";
  document.body.append(root);
  const url = "/" + document.getElementById("api-reference").dataset.url.replace(/^\\//, "");
  SwaggerUIBundle({ url, dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
})();
`;

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const asset = (name: string) => Bun.file(join(assets, name));

/** The app's routes as the plugin reads them: what nothing is said of is left out. */
function described({ routes }: AnyElysia, docs: { [route: string]: object }): InternalRoute[] {
  return routes.map((route) => {
    const name = `${route.method} ${route.path.replace(/:(\w+)/g, "{$1}")}`;
    return { ...route, hooks: { ...route.hooks, detail: docs[name] ?? { hide: true } } };
  });
}

/**
 * The plugin's page and document, of what `documented` serves. Both it and what is said of the routes are loaded when somebody reads them: most gateways are
 * never read about, and they take 6 MB.
 */
async function openPages(version: string, documented: AnyElysia): Promise<AnyElysia> {
  const [{ swagger }, { routeDocs }] = await Promise.all([import("@elysiajs/swagger"), import("./route-docs.ts")]);
  const getGlobalRoutes = () => described(documented, routeDocs);
  const pages = Object.assign(new Elysia(elysiaConfig), { getGlobalRoutes });
  return pages.use(
    swagger({
      path: "/swagger",
      provider: "scalar",
      scalarCDN: "/swagger/ui.js",
      documentation: {
        info: { title: "broke gateway", version, description: "Models by slot, for clients on this machine." },
        components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
        security: [{ token: [] }],
      },
    }),
  );
}

/** `/swagger`, its document and its files. `documented`: the app they are of. */
export function docsApp(version: string, documented: () => AnyElysia) {
  let pages: Promise<AnyElysia> | undefined;
  const page = async ({ request }: { request: Request }) => {
    const opened = await (pages ??= openPages(version, documented()));
    return opened.handle(request);
  };
  return new Elysia(elysiaConfig)
    .onRequest(({ request, set }) => {
      if (!targetOf(request.url).path.startsWith("/swagger")) return;
      set.headers["content-security-policy"] = POLICY;
      set.headers["x-content-type-options"] = "nosniff";
      set.headers["referrer-policy"] = "no-referrer";
    })
    .get("/swagger", page)
    .get("/swagger/json", page)
    .get(
      "/swagger/ui.js",
      async () =>
        new Response((await asset("swagger-ui-bundle.js").text()) + START, {
          headers: { "content-type": "text/javascript; charset=utf-8" },
        }),
    )
    .get("/swagger/ui.css", () => new Response(asset("swagger-ui.css")));
}
