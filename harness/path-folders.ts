// Which folders of the launcher's PATH a run's own PATH has too: those it is shown, in their order. What lies in them is found by name inside as
// it is outside, so that allowing a toolchain's folder is enough to use it. Reads the file system.
// Does not stop: a program in such a folder from being another than the one of the same name in /usr/bin; it is the launcher's own order.

import { existsSync, realpathSync, statSync } from "node:fs";
import { isWithin } from "#sandbox/protected.ts";
import { isShown, type Shown } from "#sandbox/shown.ts";

/** There in every run, last. */
const SYSTEM = ["/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"];

function realFolder(path: string): string[] {
  if (!path.startsWith("/") || !existsSync(path)) return [];
  const real = realpathSync(path);
  return statSync(real).isDirectory() ? [real] : [];
}

/** `shown` is undefined where the host's files are the run's. A folder in the workspace never counts: somebody else may have written it. */
export function pathFolders(path: string | undefined, shown: Shown | undefined, workspace: string): string[] {
  const folders = [...new Set((path ?? "").split(":").flatMap(realFolder))];
  return folders.filter((folder) => {
    if (folder.includes(":") || SYSTEM.includes(folder) || isWithin(workspace, folder)) return false;
    if (shown === undefined) return true;
    const closed = [...shown.permission.denyRead, ...shown.hidden].some((entry) => isWithin(entry.path, folder));
    return !closed && isShown(shown, workspace, folder);
  });
}
