// What an attached operator sees: the client's bytes as they are, and afterwards a terminal as it was before.
// Does not stop: what the client writes from reaching the terminal, as in the launcher's own.

import { trackModes } from "../terminal-modes.ts";
import { putBytes } from "../streams.ts";

/** Shows bytes on our standard output until it is disposed of. */
export function showOutput(): Disposable & { write(bytes: Uint8Array): void } {
  const modes = trackModes();
  const undo = () => {
    if (process.stdout.isTTY === true) putBytes(Buffer.from(modes.undo()));
  };
  return {
    write(bytes) {
      modes.watch(bytes);
      putBytes(bytes);
    },
    [Symbol.dispose]: undo,
  };
}
