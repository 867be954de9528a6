export * from "#src/core/quirks.ts";
