// The agent's tools on files: read, edit, write, list. Paths are as the model wrote them, from the folder it works in.
// Does not stop: any path. Which files there are and which can be written is the sandbox's to say.

import {
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { Change } from "./protocol.ts";
import { type Input, type Tool, ToolError, type Work } from "./tool.ts";

const MAX_FILE_BYTES = 8 * 1024 * 1024;
const MAX_READ_CHARS = 48 * 1024;
const MAX_LINE_CHARS = 2000;
const MAX_LINES = 1000;
const MAX_ENTRIES = 500;

const reasons: Record<string, string> = {
  ENOENT: "there is no such file or folder",
  ENOTDIR: "a part of its path is a file",
  EISDIR: "it is a folder",
  EACCES: "the sandbox does not allow it",
  EPERM: "the sandbox does not allow it",
  EROFS: "it cannot be written in this sandbox",
  ENXIO: "it is not a plain file",
  ELOOP: "its links lead in a circle",
  ENAMETOOLONG: "the path is too long",
  ENOSPC: "there is no space left",
};

/** Does something with a file; what fails is said in words. */
function onFile<Result>(path: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (error instanceof ToolError) throw error;
    const { code = "" } = error as NodeJS.ErrnoException;
    throw new ToolError(`${path}: ${reasons[code] ?? `it cannot be done (${code || "unknown"})`}.`);
  }
}

function pathIn({ path }: Input, { folder }: Work): string {
  const text = String(path);
  if (text === "" || text.includes("\0")) throw new ToolError("The path is empty or not a path.");
  return resolve(folder, text);
}

/** The text of a plain file. Never waits: what is a pipe or a device is refused. */
function textOf(path: string): string {
  return onFile(path, () => {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (stat.isDirectory()) throw new ToolError(`${path}: it is a folder; use list_files.`);
      if (!stat.isFile()) throw new ToolError(`${path}: it is not a plain file.`);
      if (stat.size > MAX_FILE_BYTES)
        throw new ToolError(
          `${path}: it has ${stat.size} bytes, too many to be read; look at parts of it by a command.`,
        );
      const bytes = readFileSync(fd);
      if (bytes.includes(0)) throw new ToolError(`${path}: it is not text.`);
      // What is not UTF-8 would be changed by writing it back.
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch (error) {
      if (error instanceof TypeError) throw new ToolError(`${path}: it is not UTF-8 text.`);
      throw error;
    } finally {
      closeSync(fd);
    }
  });
}

/** Lines of a text with their numbers, from one on, as many as fit. */
function windowOf(text: string, from: number, most: number): string {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  if (lines.length === 0) return "[the file is empty]";
  if (from > lines.length) throw new ToolError(`The file has ${lines.length} lines only.`);
  let out = "";
  let next = from;
  for (; next <= lines.length && next < from + most && out.length < MAX_READ_CHARS; next++) {
    const line = lines[next - 1]!;
    const shown = line.length > MAX_LINE_CHARS ? `${line.slice(0, MAX_LINE_CHARS)} [line cut]` : line;
    out += `${next}\t${shown}\n`;
  }
  const rest = next <= lines.length ? `[lines ${next} to ${lines.length} follow]\n` : "";
  return `${out}${rest}`.toWellFormed();
}

export const readTool: Tool = {
  name: "read_file",
  description: `Shows lines of a text file, each after its number and a tab, ${MAX_LINES} at most at a time.`,
  looks: true,
  parameters: {
    path: { type: "string", description: "path of the file" },
    from_line: { type: "integer", description: "first line to show; 1 if left out", optional: true },
    lines: { type: "integer", description: "how many lines", optional: true },
  },
  async run(input, work) {
    const path = pathIn(input, work);
    const most = Math.min(MAX_LINES, Math.max(1, Number(input["lines"] ?? MAX_LINES)));
    return windowOf(await currentText(path, work), Math.max(1, Number(input["from_line"] ?? 1)), most);
  },
};

const countOf = (text: string, part: string) => text.split(part).length - 1;

/** Of a text that is no file's yet, or not any more as it stands there: what it must be like to be worked on. */
function checkText(path: string, text: string): string {
  if (text.includes("\0")) throw new ToolError(`${path}: it is not text.`);
  return text;
}

/** The text of a file as the editor has it, else as it is. */
async function currentText(path: string, { editor }: Work): Promise<string> {
  const text = await editor?.read(path);
  return text === undefined ? textOf(path) : checkText(path, text);
}

async function changeBy(input: Input, work: Work): Promise<Change> {
  const path = pathIn(input, work);
  const [old, fresh] = [String(input["old_text"]), String(input["new_text"])];
  if (old === "") throw new ToolError("old_text is empty; use write_file for a new file.");
  if (old === fresh) throw new ToolError("old_text and new_text are the same: nothing would be changed.");
  const before = await currentText(path, work);
  const count = countOf(before, old);
  if (count === 0)
    throw new ToolError(
      `${path}: old_text is not in it. Read the file again and copy the text exactly, without line numbers.`,
    );
  if (count > 1 && input["all"] !== true)
    throw new ToolError(
      `${path}: old_text is in it ${count} times and must be there once. Take more of the text around it, or set "all".`,
    );
  return { path, before, after: before.split(old).join(fresh) };
}

/** Writes by the editor, else by itself; what is to be said of how. */
async function write({ path, after }: Change, { editor }: Work): Promise<string> {
  onFile(path, () => {
    if (statSync(path, { throwIfNoEntry: false })?.isFile() === false)
      throw new ToolError(`${path}: it is not a plain file.`);
    mkdirSync(dirname(path), { recursive: true });
  });
  if ((await editor?.write(path, after)) !== true) {
    onFile(path, () => writeFileSync(path, after));
    return "";
  }
  return textBefore(path) === after ? "" : " The editor has it; what is on disk is not the same yet.";
}

export const editTool: Tool = {
  name: "edit_file",
  description:
    "Replaces a text in a file by another. old_text must stand in the file exactly once, unless all is true.",
  looks: false,
  parameters: {
    path: { type: "string", description: "path of the file" },
    old_text: { type: "string", description: "the exact text that is replaced" },
    new_text: { type: "string", description: "what is put in its place" },
    all: { type: "boolean", description: "replace it wherever it stands", optional: true },
  },
  preview: changeBy,
  async run(input, work) {
    // Read anew: it may have been another file when it was asked about.
    const change = await changeBy(input, work);
    const how = await write(change, work);
    const places = countOf(change.before!, String(input["old_text"]));
    return `${relative(work.folder, change.path)} was changed in ${places} place${places === 1 ? "" : "s"}.${how}`;
  },
};

export const writeTool: Tool = {
  name: "write_file",
  description: "Writes a whole file anew, with the folders it is in; what was in it is gone.",
  looks: false,
  parameters: {
    path: { type: "string", description: "path of the file" },
    content: { type: "string", description: "all of its text" },
  },
  async preview(input, work) {
    const path = pathIn(input, work);
    const is = onFile(path, () => statSync(path, { throwIfNoEntry: false }));
    if (is?.isFile() === false) throw new ToolError(`${path}: it is not a plain file.`);
    const before = (await work.editor?.read(path)) ?? (is === undefined ? null : textBefore(path));
    return { path, before, after: String(input["content"]) };
  },
  async run(input, work) {
    const [path, after] = [pathIn(input, work), String(input["content"])];
    const how = await write({ path, before: null, after }, work);
    return `${relative(work.folder, path)} was written, ${Buffer.byteLength(after)} bytes.${how}`;
  },
};

/** What stood in a file that is to be written over; of one that is no text, nothing is shown. */
function textBefore(path: string): string {
  try {
    return textOf(path);
  } catch {
    return "";
  }
}

/** Never listed and never searched: what they hold is not the project's own text. */
export const LEFT_OUT: ReadonlySet<string> = new Set([".git", "node_modules"]);

export const listTool: Tool = {
  name: "list_files",
  description: `Lists a folder, folders with a slash at their end; ${[...LEFT_OUT].join(" and ")} are named and not opened.`,
  looks: true,
  parameters: {
    path: { type: "string", description: "path of the folder; the one you work in if left out", optional: true },
    depth: { type: "integer", description: "how many levels deep; 1 if left out", optional: true },
  },
  run(input, work) {
    const top = pathIn({ path: input["path"] ?? "." }, work);
    const depth = Math.min(10, Math.max(1, Number(input["depth"] ?? 1)));
    const found: string[] = [];
    const look = (folder: string, left: number) => {
      const entries = onFile(folder, () => readdirSync(folder, { withFileTypes: true }));
      for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
        if (found.length > MAX_ENTRIES) return;
        const path = join(folder, entry.name);
        found.push(`${relative(top, path)}${entry.isDirectory() ? "/" : ""}`.toWellFormed());
        if (entry.isDirectory() && left > 1 && !LEFT_OUT.has(entry.name)) {
          try {
            look(path, left - 1);
          } catch {
            found.push(`${relative(top, path)}/ [cannot be listed]`);
          }
        }
      }
    };
    look(top, depth);
    const more = found.length > MAX_ENTRIES ? "\n[there are more]" : "";
    return found.length === 0 ? "[the folder is empty]" : `${found.slice(0, MAX_ENTRIES).join("\n")}${more}`;
  },
};
