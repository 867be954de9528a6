// Walks files and shows the lines that match, for search.ts, which gives the words on standard input and ends it when it takes too long. Links are not
// followed, and what is no text is passed over.

import { lstatSync, readdirSync, readFileSync, writeSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { LEFT_OUT } from "./files.ts";

const MAX_MATCHES = 300;
const MAX_FILE_BYTES = 4 * 1024 * 1024;
const MAX_LINE_CHARS = 300;

const asked = JSON.parse(await Bun.stdin.text()) as {
  pattern: string;
  path?: string;
  files?: string;
  ignore_case?: boolean;
};
const flags = asked.ignore_case === true ? "i" : "";
const expression = (() => {
  try {
    return new RegExp(asked.pattern, `${flags}u`);
  } catch {
    return new RegExp(asked.pattern, flags); // older ways to write one
  }
})();
const glob = asked.files === undefined ? undefined : new Bun.Glob(asked.files);
const folder = process.cwd();
const top = resolve(folder, asked.path ?? ".");
let out = "";
let found = 0;

function lookInto(path: string): void {
  const shown = relative(folder, path);
  if (glob !== undefined && !glob.match(relative(top, path)) && !glob.match(shown)) return;
  const bytes = readFileSync(path);
  if (bytes.includes(0)) return;
  for (const [index, line] of bytes.toString("utf8").split("\n").entries()) {
    if (!expression.test(line)) continue;
    if (++found > MAX_MATCHES) return;
    out += `${shown}:${index + 1}:${line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)} [line cut]` : line}\n`;
  }
}

function walk(path: string): void {
  if (found > MAX_MATCHES) return;
  const stat = lstatSync(path, { throwIfNoEntry: false });
  try {
    if (stat?.isDirectory()) {
      for (const name of readdirSync(path).sort()) if (!LEFT_OUT.has(name)) walk(join(path, name));
    } else if (stat?.isFile() && stat.size <= MAX_FILE_BYTES) lookInto(path);
  } catch {
    // Not for us to see.
  }
}

if (lstatSync(top, { throwIfNoEntry: false }) === undefined) {
  writeSync(2, `${asked.path}: there is no such file or folder.`);
  process.exitCode = 1;
} else {
  walk(top);
  const rest = found > MAX_MATCHES ? `[there are more than ${MAX_MATCHES} matches]\n` : "";
  const bytes = Buffer.from(`${out}${rest}`.toWellFormed());
  for (let done = 0; done < bytes.length;) done += writeSync(1, bytes, done);
}
