// Ordinary work with npm in a strict run: a project's dependencies from the registry this machine is set up for, its tests, and a Vite build.

import { expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { launchers, makeTree } from "#test/support/tree.ts";

/** The registry this machine's npm is set up for; asked at run time and written nowhere. */
function registry(): URL {
  const asked = Bun.spawnSync(["npm", "config", "get", "registry"], { stderr: "ignore" });
  return new URL(asked.stdout.toString().trim());
}

const { host, href } = registry();
const ca = "/etc/ssl/certs/ca-certificates.crt";
const env = { npm_config_registry: href, npm_config_cafile: existsSync(ca) ? ca : "" };
const flags = [`--allow-net=${host}`, "--allow-env=npm_config_registry,npm_config_cafile"];

const small = {
  "ws/package.json": JSON.stringify({
    ...{ name: "small", version: "1.0.0", private: true, type: "module", scripts: { test: "node --test" } },
    dependencies: { "is-number": "7.0.0" },
  }),
  "ws/small.test.js":
    'import test from "node:test"; import isNumber from "is-number"; test("five", () => { if (!isNumber(5)) throw 1; });\n',
};
const vite = {
  "ws/package.json": JSON.stringify({
    ...{ name: "page", version: "1.0.0", private: true, type: "module", scripts: { build: "vite build" } },
    devDependencies: { vite: "5.4.11" },
  }),
  "ws/index.html": '<!doctype html><title>x</title><script type="module" src="/src/main.js"></script>\n',
  "ws/src/main.js": 'import { word } from "./word.js"; document.body.append(word);\n',
  "ws/src/word.js": 'export const word = "hello";\n',
};

for (const launcher of launchers) {
  test(`npm install && npm test, launched by ${launcher}`, async () => {
    using tree = makeTree(launcher, small);
    const script = "npm install --no-audit --no-fund && npm test";
    const ran = await tree.broke(["sandbox", "run", ...flags, "--", "sh", "-ec", script], { cwd: tree.ws, env });
    expect({ code: ran.code, pass: /^# pass (\d+)|^ℹ pass (\d+)/m.exec(ran.stdout)?.slice(1).find(Boolean) }).toEqual({
      code: 0,
      pass: "1",
    });
    expect(existsSync(join(tree.ws, "package-lock.json"))).toBe(true);
    const again = await tree.broke(
      ["sandbox", "run", ...flags, "--", "sh", "-ec", "npm ci --no-audit --no-fund && npm test"],
      { cwd: tree.ws, env },
    );
    expect(again.code).toBe(0);
  }, 60_000);
}

test("a Vite build: installed and built in the sandbox", async () => {
  using tree = makeTree(launchers[0], vite);
  const script = "npm install --no-audit --no-fund && npm run build";
  const ran = await tree.broke(["sandbox", "run", ...flags, "--", "sh", "-ec", script], { cwd: tree.ws, env });
  expect({ code: ran.code, built: ran.stdout.includes("built in") }).toEqual({ code: 0, built: true });
  expect(readdirSync(join(tree.ws, "dist")).sort()).toEqual(["assets", "index.html"]);
}, 60_000);
