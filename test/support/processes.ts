// Processes below one, and whether they are still there: each known by its number and when it began, because numbers come back.

import { readdirSync, readFileSync } from "node:fs";

export type Known = { pid: number; began: string; words: string };

function beganAt(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined; // gone
  }
}

/** All that were started by it, and by those, as of now. */
export function below(pid: number): Known[] {
  let children: number[];
  try {
    children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8").split(" ").filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
  return children.flatMap((child) => {
    const began = beganAt(child);
    if (began === undefined) return [];
    const words = readFileSync(`/proc/${child}/cmdline`, "utf8").replaceAll("\0", " ").trim();
    return [{ pid: child, began, words }, ...below(child)];
  });
}

export const isAlive = ({ pid, began }: Known) => beganAt(pid) === began;
