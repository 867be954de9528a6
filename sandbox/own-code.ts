// Our own programs that every launch starts, each made one file of: read module by module and translated anew, they take 3 to 5 ms longer to start.
// Made from the sources beside this file, in memory, once in a process; nothing is kept on disk, where it would have to be trusted anew.
// Does not stop: sources that were changed before they are read; `broke doctor` and every launch look at those (harness/installation.ts).

import { join } from "node:path";
import { BrokeError } from "#src/core/errors.ts";

/** The two inside the sandbox, and the observer's thread. */
const programs = ["init", "stage-two", "observer-worker"] as const;
export type OwnProgram = (typeof programs)[number];
export type OwnCode = Readonly<Record<OwnProgram, Uint8Array>>;

async function make(program: OwnProgram): Promise<[OwnProgram, Uint8Array]> {
  const entry = join(import.meta.dir, `${program}.ts`);
  // Without its comments, which would say inside where it lies outside.
  const made = await Bun.build({ entrypoints: [entry], target: "bun", minify: { whitespace: true }, throw: false });
  const [only, ...more] = made.outputs;
  if (!made.success || only === undefined || more.length > 0)
    throw new BrokeError("internal", "what a launch starts could not be put together");
  return [program, new Uint8Array(await only.arrayBuffer())];
}

let made: Promise<OwnCode> | undefined;

/** All of them; begun at the first call, which may come long before they are needed. Throws `internal`. */
export function ownCode(): Promise<OwnCode> {
  made ??= Promise.all(programs.map(make)).then((pairs) => Object.fromEntries(pairs) as OwnCode);
  return made;
}
