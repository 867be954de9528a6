// A backend's quirks under the wire's own name: they live in core because the catalogue of providers knows them too.

export { quirksOf, type Hosted, type Quirks } from "#src/core/quirks.ts";
