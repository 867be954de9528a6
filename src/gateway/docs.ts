// The OpenAPI document and its page, from this machine alone: swagger-ui's own files, a policy that lets the page load nothing else.

import { swagger } from "@elysiajs/swagger";
import { Elysia } from "elysia";
import { join } from "node:path";
import * as answers from "#src/wire/messages/answer-schema.ts";
import { request } from "#src/wire/messages/schema.ts";
import { type Docs, elysiaConfig } from "./app.ts";
import { modelListSchema } from "./models.ts";
import { operation } from "./openapi.ts";

const assets = join(import.meta.dir, "..", "..", "node_modules", "swagger-ui-dist");

const failures = {
  400: "The request cannot be read or carried to the slot's backend, or the slot has none",
  401: "Missing or wrong client token",
  404: "The model names no slot",
  413: "The body is larger than 64 MiB",
  429: "Every key is limited; Retry-After says for how long",
  502: "The provider could not be reached or broke its protocol",
};

/** The documented model routes. */
export const modelDocs: Required<Docs> = {
  messages: operation({
    summary: "Anthropic Messages",
    description:
      "The model is a slot or a name a client uses for one. Members not listed pass through to a backend of the same dialect.",
    tag: "models",
    body: request,
    answer: { description: "The answer", schema: answers.message },
    stream: "Anthropic's events, message_start to message_stop; a broken answer ends with an error event instead",
    error: { schema: answers.error, statuses: failures },
  }),
  countTokens: operation({
    summary: "Input tokens of a Messages request",
    description: "The provider's count, or an estimate; the header X-Broke-Count says which.",
    tag: "models",
    body: request,
    answer: { description: "The count", schema: answers.tokenCount },
    error: { schema: answers.error, statuses: failures },
  }),
  models: operation({
    summary: "The slots that would be served now",
    tag: "models",
    answer: { description: "The list", schema: modelListSchema },
    error: { schema: answers.error, statuses: { 401: failures[401] } },
  }),
};

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
      if (!new URL(request.url).pathname.startsWith("/swagger")) return;
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
