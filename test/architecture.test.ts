// The rules of the house, checked: who may import whom, where each package lives, how large a file may be, what no file may hold.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import manifest from "../package.json";

const root = join(import.meta.dir, "..");
const PRODUCT = ["src", "harness", "acp", "sandbox", "shims"];
const MAX_LINES = 350;

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return filesBelow(path);
    return entry.isFile() ? [path] : [];
  });
}

const productFiles = PRODUCT.flatMap(filesBelow);
const sources = productFiles.filter((path) => path.endsWith(".ts"));
const tests = filesBelow("test").filter((path) => path.endsWith(".ts"));
const read = (path: string) => readFileSync(join(root, path), "utf8");
const code = new Map([...sources, ...tests].map((path) => [path, read(path)]));

/** Every module a file names, in import, export, `import()`, and `require()` of our own. */
function importsOf(text: string): string[] {
  const found = text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|\brequire\((?="#)|^import\s+)"([^"]+)"/gm);
  return [...found].map((match) => match[1]!);
}

/** The path in the tree a module name means, or undefined for a package. */
function target(from: string, name: string): string | undefined {
  if (name.startsWith("#")) return name.slice(1);
  if (name.startsWith(".")) return normalize(join(dirname(from), name));
  return undefined;
}

/** src/gateway/app.ts → src/gateway, harness/run.ts → harness. */
function folderOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  return first === "src" && second !== "main.ts" ? `src/${second}` : first === "src" ? "src/main.ts" : first;
}

const mayImport: Record<string, string[]> = {
  "src/core": [],
  "src/routing": ["src/core"],
  "src/wire": ["src/core"],
  "src/state": ["src/core", "src/routing"],
  sandbox: ["src/core"],
  shims: ["src/core"],
  "src/observe": ["src/core", "src/routing", "src/state"],
  "src/gateway": ["src/core", "src/routing", "src/wire", "src/state", "src/observe"],
  harness: ["src/core", "src/state", "sandbox", "shims"],
  acp: ["src/core", "src/state", "sandbox", "harness"],
  "src/dashboard": ["src/core", "src/state", "src/observe", "harness"],
  "src/cli": PRODUCT.flatMap((folder) => (folder === "src" ? [] : [folder])).concat(
    ...["core", "routing", "wire", "state", "observe", "gateway", "dashboard"].map((name) => `src/${name}`),
  ),
  "src/main.ts": ["src/cli", "src/core"],
};

const homeOf: Record<string, RegExp> = {
  elysia: /^src\/(gateway|dashboard)\//,
  "@elysiajs/swagger": /^src\/(gateway|dashboard)\//,
  "@valibot/to-json-schema": /^src\/(gateway|dashboard)\//,
  citty: /^src\/cli\//,
  "json-rpc-2.0": /^acp\//,
  "@agentclientprotocol/sdk": /^acp\//,
  "bun:sqlite": /^src\/state\//,
  "bun:ffi": /^sandbox\/libc(-[a-z]+)?\.ts$/,
  diff: /^harness\/evidence\/diff\.ts$/,
  execa: /^sandbox\/spawn\.ts$/,
  "prom-client": /^src\/gateway\/metrics\.ts$/,
  "@opentelemetry/api": /^src\/gateway\/telemetry\.ts$/,
  "@opentelemetry/sdk-trace": /^src\/gateway\/telemetry\.ts$/,
  "@opentelemetry/resources": /^src\/gateway\/telemetry\.ts$/,
  "@opentelemetry/exporter-trace-otlp-http": /^src\/gateway\/telemetry\.ts$/,
  valibot: /./,
};

describe("imports", () => {
  test("every folder imports only what the table allows", () => {
    const wrong = sources.flatMap((path) => {
      const folder = folderOf(path);
      const allowed = mayImport[folder];
      if (allowed === undefined) return [`${path}: ${folder} is not in the table`];
      return importsOf(code.get(path)!)
        .map((name) => target(path, name))
        .filter((to) => to !== undefined && to !== "package.json")
        .filter((to) => folderOf(to!) !== folder && !allowed.includes(folderOf(to!)))
        .map((to) => `${path} → ${to}`);
    });
    expect(wrong).toEqual([]);
  });

  test("every package has one home, and is declared", () => {
    const declared = Object.keys(manifest.dependencies);
    const onlyTypes = Object.keys(manifest.devDependencies);
    const withoutTypes = (text: string) =>
      text.replace(/^import type [^;]*? from "([^"]+)";$/gm, (line, name: string) =>
        onlyTypes.includes(name) && homeOf[name] !== undefined ? "" : line,
      );
    const wrong = sources.flatMap((path) =>
      importsOf(withoutTypes(code.get(path)!))
        .filter((name) => target(path, name) === undefined && !name.startsWith("node:"))
        .filter((name) => !(homeOf[name]?.test(path) ?? false) || !(declared.includes(name) || name.startsWith("bun:")))
        .map((name) => `${path} imports ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  test("the agent program imports itself alone: inside the sandbox there is nothing else of ours", () => {
    const wrong = sources
      .filter((path) => path.startsWith("acp/agent/"))
      .flatMap((path) =>
        importsOf(code.get(path)!)
          .filter((name) => !/^\.\/[\w-]+\.ts$/.test(name) && !name.startsWith("node:"))
          .map((name) => `${path} → ${name}`),
      );
    expect(wrong).toEqual([]);
  });

  test("product code never imports tests; paths out of a folder go through the imports map", () => {
    const wrong = sources.flatMap((path) =>
      importsOf(code.get(path)!)
        .filter(
          (name) =>
            name.startsWith("#test/") || (name.startsWith("../") && folderOf(target(path, name)!) !== folderOf(path)),
        )
        .filter((name) => !name.endsWith("package.json"))
        .map((name) => `${path} → ${name}`),
    );
    expect(wrong).toEqual([]);
  });
});

describe("what no file may hold", () => {
  const rules: [string, RegExp, RegExp][] = [
    [
      "processes are started in sandbox/spawn.ts and, inside a sandbox, by libc and by our own agent alone",
      /\bBun\.spawn(Sync)?\(|child_process/,
      /^(sandbox\/spawn|acp\/agent\/processes)\.ts$/,
    ],
    [
      "one way to launch a sandbox for a client, one to verify what it left, and one to try it",
      /\blaunchSandbox\(/,
      /^(harness\/(supervise|verification)|sandbox\/(launch|trial))\.ts$/,
    ],
    [
      "one way to launch a client, and so one audit of it",
      /\bsuperviseClient\(/,
      /^harness\/(run\/client|supervise)\.ts$/,
    ],
    [
      "everybody else in a pid namespace is signalled by its first process alone",
      /\bsignalAllOthers\(|\bkill\w*\((?:-1|0)\b/,
      /^sandbox\/freeze\.ts$/,
    ],
    ["process.exit", /\bprocess\.exit\(/, /^(src\/main\.ts|sandbox\/(init-run|stage-two)\.ts)$/],
    ["console", /\bconsole\./, /^$/],
    [
      "output outside its module",
      /\bprocess\.(stdout|stderr)\.write\(/,
      /^(src\/cli\/output\.ts|harness\/(streams|terminal)\.ts)$/,
    ],
    ["any", /[:<(,|&] ?any\b(?! )|\bas any\b/, /^$/],
    ["silenced types", /@ts-(ignore|expect-error|nocheck)/, /^$/],
    ["work left over", /\b(TODO|FIXME|XXX|HACK)\b/, /^$/],
    ["enum", /^\s*(export )?(const )?enum /m, /^$/],
    ["default export", /^export default /m, /^$/],
  ];
  for (const [what, pattern, home] of rules) {
    test(what, () => {
      const strip = (text: string) =>
        text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "").replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
      const wanted = what === "work left over" ? (text: string) => text : strip;
      expect(sources.filter((path) => !home.test(path) && pattern.test(wanted(code.get(path)!)))).toEqual([]);
    });
  }

  test(`more than ${MAX_LINES} lines`, () => {
    const long = [...code].filter(([, text]) => text.split("\n").length > MAX_LINES).map(([path]) => path);
    expect(long).toEqual([]);
  });

  test("a file without a header that says what it is", () => {
    const headless = sources.filter((path) => !/^(#!.*\n)?\/\/ \S/.test(code.get(path)!));
    expect(headless).toEqual([]);
  });

  test("security files end their header with what they do not stop", () => {
    const header = (text: string) => /^(?:\/\/.*\n)+/.exec(text)?.[0] ?? "";
    const files = [
      "seccomp",
      "filters",
      "observer",
      "observer-worker",
      "exec-target",
      "exec-memory",
      "run-rules",
      "run-permission",
      "run-programs",
      "program-files",
      "lookups",
      "mounts",
      "plan",
      "placeholders",
      "protected",
      "open",
      "overlay",
      "mount-table",
      "spawn",
      "init",
      "init-run",
      "stage-two",
      "freeze",
      "tell",
      "peer",
      "bridge",
      "preflight",
      "cgroup",
      "toolchains",
      "addresses",
      "net-permission",
      "path-permission",
      "env-permission",
      "secret-places",
      "mount-aliases",
      "shown",
      "egress/proxy",
      "egress/dial",
      "egress/carry",
      "egress/relay",
      "egress/client-hello",
      "egress/http-head",
      "limits",
      "watch",
      "growth",
      "meter",
    ];
    const silent = files
      .map((name) => `sandbox/${name}.ts`)
      .filter((path) => !header(code.get(path)!).includes("Does not stop"));
    expect(silent).toEqual([]);
  });
});

describe("the repository", () => {
  test("dependencies are pinned exactly, and each is in the README's table", () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies };
    const readme = read("README.md");
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(Object.entries(all).filter(([name, version]) => !readme.includes(`\`${name}\` ${version}`))).toEqual([]);
  });

  test("no host in the lock file or the npm settings", () => {
    expect(/:\/\/|registry\.\w+\.\w+/.test(read("package-lock.json"))).toBe(false);
    expect(/:\/\//.test(read(".npmrc"))).toBe(false);
  });

  test("every folder has a README", () => {
    const folders = [
      "harness",
      "acp",
      "sandbox",
      "shims",
      "test",
      ...new Set(sources.map(folderOf).filter((name) => name !== "src/main.ts")),
    ];
    expect(folders.filter((folder) => !existsSync(join(root, folder, "README.md")))).toEqual([]);
  });

  test("tests sit where their subjects do", () => {
    const known = new Set(["support", "cases", "hostile", "e2e", "bench", "demo"]);
    const lost = tests
      .filter((path) => path.endsWith(".test.ts"))
      .map((path) => relative("test", path))
      .filter((path) => !known.has(path.split("/")[0]!) && path !== "architecture.test.ts")
      .filter((path) => !existsSync(join(root, dirname(path))) && !existsSync(join(root, "src", dirname(path))));
    expect(lost).toEqual([]);
  });
});
