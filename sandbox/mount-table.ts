// What is mounted for this process, as the kernel lists it (proc_pid_mountinfo(5)). Reads only.
// Does not stop: a mount made or undone right after.

import { readFileSync } from "node:fs";

type Read = (path: string) => string;
const readKernel: Read = (path) => readFileSync(path, "latin1");

/** Where, a character a byte, of what type, and with which options of the file system. */
export type MountedHere = { at: string; type: string; options: string[] };

// seq_path(9) writes these as octal.
const unescaped = (field: string) =>
  field.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));

/** Every mount, in the order they were made. */
export function mountsHere(read: Read = readKernel): MountedHere[] {
  const lines = read("/proc/self/mountinfo").split("\n").filter(Boolean);
  return lines.map((line) => {
    const [type = "", , options = ""] = line.slice(line.lastIndexOf(" - ") + 3).split(" ");
    return { at: unescaped(line.split(" ")[4]!), type, options: options.split(",") };
  });
}

/** A path as it stands there. */
export const asListed = (path: string): string => Buffer.from(path).toString("latin1");

/** Whether this process sees an overlay mounted at exactly that path. */
export function isOverlayAt(path: string): boolean {
  return mountsHere().findLast(({ at }) => at === asListed(path))?.type === "overlay";
}

/** Whether root is not mapped to an id here, and so nobody but the user. */
export function isMappedAlone(read: Read = readKernel): boolean {
  return !read("/proc/self/uid_map")
    .split("\n")
    .some((line) => /^\s*0\s/.test(line));
}

/** Whether this is the machine's own root, and not that of a user namespace, as in a container without root. */
export function isRealRoot(read: Read = readKernel): boolean {
  return process.getuid!() === 0 && /^\s*0\s+0\s+4294967295\s*$/.test(read("/proc/self/uid_map"));
}

/** By this descriptor overlay.ts names the folder that lies below. */
export const LOWER = "/proc/self/fd/9";

/** Whether this is a view that overlay.ts made for a plain user. */
export function isOwnView(read: Read = readKernel): boolean {
  const ours = [`lowerdir=${LOWER}`, `lowerdir=upper:${LOWER}`];
  return (
    isMappedAlone(read) &&
    mountsHere(read).some(({ type, options }) => type === "overlay" && options.some((option) => ours.includes(option)))
  );
}
