// Carries a client's standard streams between its pipes and ours, byte for byte: nothing of our own is ever mixed into its stdout.
// A reader of ours that went away (EPIPE) ends the copying, as a closed pipe would for the client itself.

const pump = async (from: number, to: { write(bytes: Uint8Array): Promise<boolean> }): Promise<void> => {
  let open = true;
  for await (const bytes of Bun.file(from).stream()) {
    if (open) open = await to.write(bytes);
  }
};

function writerOf(stream: NodeJS.WriteStream): { write(bytes: Uint8Array): Promise<boolean> } {
  let broken = false;
  stream.on("error", () => {
    broken = true;
  });
  return {
    write: (bytes) =>
      new Promise((done) => {
        if (broken) done(false);
        else stream.write(bytes, (error) => done(error === undefined || error === null));
      }),
  };
}

/** Copies until the client's side closes; resolves when both outputs are drained. */
export async function copyOutputs(stdout: number, stderr: number): Promise<void> {
  await Promise.all([pump(stdout, writerOf(process.stdout)), pump(stderr, writerOf(process.stderr))]);
}

/** Feeds our standard input to the client and closes its end at the end of ours. */
export function feedInput(stdin: number): void {
  const sink = Bun.file(stdin).writer();
  const close = () => {
    void Promise.resolve(sink.end()).catch(() => {});
  };
  process.stdin.on("data", (bytes: Buffer) => {
    sink.write(bytes);
    const flushed = sink.flush();
    if (!(flushed instanceof Promise)) return;
    process.stdin.pause();
    flushed.then(() => process.stdin.resume()).catch(() => process.stdin.destroy());
  });
  process.stdin.on("end", close);
  process.stdin.on("error", close);
}
