// The OpenAPI document and its page, from this machine alone: swagger-ui's own files, a policy that lets the page load nothing else.

import { swagger } from "@elysiajs/swagger";
import { Elysia } from "elysia";
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

/** `/swagger`, its document and its files. */
export function docsApp(version: string) {
  return new Elysia(elysiaConfig)
    .onRequest(({ request, set }) => {
      if (!targetOf(request.url).path.startsWith("/swagger")) return;
      set.headers["content-security-policy"] = POLICY;
      set.headers["x-content-type-options"] = "nosniff";
      set.headers["referrer-policy"] = "no-referrer";
    })
    .get(
      "/swagger/ui.js",
      async () =>
        new Response((await asset("swagger-ui-bundle.js").text()) + START, {
          headers: { "content-type": "text/javascript; charset=utf-8" },
        }),
      { detail: { hide: true } },
    )
    .get("/swagger/ui.css", () => new Response(asset("swagger-ui.css")), { detail: { hide: true } })
    .use(
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
