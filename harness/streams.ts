// Carries a client's output from its pipes to our streams, byte for byte: nothing of our own is ever mixed into its stdout. The one exception is
// where a CI runner reads it (report/command-guard.ts).
// When our reader goes away the client is told with SIGPIPE, as it would be in any pipeline.

import { visible } from "#src/core/text.ts";
import { guardCommands } from "./report/command-guard.ts";

async function pump(
  from: number,
  to: NodeJS.WriteStream,
  onBroken: () => void,
  onBytes: (bytes: Uint8Array) => void,
): Promise<void> {
  // A CI runner reads commands from what its steps print; the client's text must not be able to give it any.
  const guard = process.env.GITHUB_ACTIONS === "true" ? guardCommands() : undefined;
  let broken = false;
  const give = (bytes: Uint8Array) =>
    new Promise<void>((done) => {
      to.write(bytes, (error) => {
        if (error && !broken) {
          broken = true;
          onBroken();
        }
        done();
      });
    });
  to.on("error", () => {
    if (broken) return;
    broken = true;
    onBroken();
  });
  for await (const bytes of Bun.file(from).stream()) {
    onBytes(bytes);
    if (!broken) await give(guard?.(bytes) ?? bytes);
  }
}

/** One line of the supervisor's own, on standard error: what the person who launched the run should know now. */
export function sayLine(text: string): void {
  process.stderr.write(`broke: ${visible(text)}\n`);
}

/** Bytes of a client's, to our standard output. */
export function putBytes(bytes: Uint8Array): void {
  process.stdout.write(bytes);
}

/** Copies both outputs, telling of each piece; resolves when the client's ends are closed and everything is written. */
export async function copyOutputs(
  stdout: number,
  stderr: number,
  onBroken: () => void,
  onBytes: (bytes: Uint8Array) => void,
): Promise<void> {
  await Promise.all([pump(stdout, process.stdout, onBroken, onBytes), pump(stderr, process.stderr, () => {}, onBytes)]);
}
