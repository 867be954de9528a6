// What an attached operator sees: the client's bytes as they are, and afterwards a terminal as it was before.
// Does not stop: what the client writes from reaching the terminal, as in the launcher's own.

import { BrokeError } from "#src/core/errors.ts";
import { trackModes } from "../terminal-modes.ts";
import { putBytes } from "../streams.ts";

/** Shows bytes on our standard output until it is disposed of; `write` throws `missing` once nobody reads them. */
export function showOutput(): Disposable & { write(bytes: Uint8Array): void } {
  const modes = trackModes();
  let broken = false;
  const onError = () => void (broken = true);
  process.stdout.on("error", onError);
  const undo = () => {
    if (process.stdout.isTTY === true) putBytes(Buffer.from(modes.undo()));
  };
  return {
    write(bytes) {
      if (broken) throw new BrokeError("missing", "nobody reads what is shown any more");
      modes.watch(bytes);
      putBytes(bytes);
    },
    [Symbol.dispose]() {
      if (!broken) undo();
    },
  };
}
