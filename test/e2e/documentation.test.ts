// The documentation's page in a real browser that can reach nothing but the gateway.

import { expect, test } from "bun:test";
import { render } from "#test/support/browser.ts";
import { startGateway } from "#test/support/gateway.ts";

test("/swagger shows every route, with its summary, from this machine alone", async () => {
  await using gateway = await startGateway([]);
  const dom = await render(`${gateway.url}/swagger`);
  const shown = [...dom.matchAll(/data-path="([^"]+)"/g)].map((match) => match[1]!.replaceAll("&#8203;", ""));
  const document = (await (await fetch(`${gateway.url}/swagger/json`)).json()) as { paths: Record<string, object> };
  expect([...new Set(shown)].sort()).toEqual(Object.keys(document.paths).sort());
  for (const name of ["Anthropic Messages", "OpenAI Responses", "OpenAI Chat Completions", "Gemini generateContent"]) {
    expect(dom).toContain(name);
  }
  expect(dom).toContain("broke gateway");
  expect(dom).not.toMatch(/Failed to load|No API definition/);
});
