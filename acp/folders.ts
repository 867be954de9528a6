// The folder a session works in: as an editor names it, however it spells it, and whether it is there still.
// Does not stop: a folder that goes between the look and the launch.

import { existsSync, realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { BrokeError } from "#src/core/errors.ts";
import { visible } from "#src/core/text.ts";
import { acpError } from "./errors.ts";

const isFolder = (path: string) => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;

/** The real path of a folder that an editor names. Throws `invalidParams` where there is none. */
export function folderOf(cwd: string): string {
  if (!isFolder(cwd)) throw acpError("invalidParams", "cwd is no folder here", { path: "cwd" });
  return realpathSync(cwd);
}

/** One spelling of a folder, whether it is there or not. */
export const placeOf = (path: string): string => (existsSync(path) ? realpathSync(path) : resolve(path));

/** Throws `missing` where the folder of a session is gone. */
export function requireFolder(cwd: string): void {
  if (isFolder(cwd)) return;
  throw new BrokeError(
    "missing",
    `the folder of this session is gone: ${visible(cwd)}`,
    "make it again, or open a session in another folder",
  );
}
