// Argument lists as the ledger keeps them: whole in every ordinary case, cut where somebody tries to fill the disk, and saying so.

import { clip } from "#src/core/text.ts";

const MAX_ARGS = 256;
const MAX_BYTES = 16 * 1024;

/** The list within 16 KiB and 256 words; `cut` when something had to go. */
export function boundArgs(args: readonly string[]): { argv: string[]; cut: boolean } {
  const argv: string[] = [];
  let left = MAX_BYTES;
  let cut = args.length > MAX_ARGS;
  for (const arg of args.slice(0, MAX_ARGS)) {
    const kept = clip(arg, left);
    argv.push(kept.text);
    left -= Buffer.byteLength(kept.text);
    if (!kept.cut) continue;
    cut = true;
    break;
  }
  return { argv, cut };
}
