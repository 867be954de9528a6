// What a client wrote last, kept for whoever looks in on it, and passed on to them as it comes. Bounded: what is kept, and what waits for somebody
// who does not read.

/** The last screenful of any terminal, and more. */
export const KEPT_BYTES = 64 * 1024;
const MAX_WAITING_BYTES = 1024 ** 2;

export type Viewer = {
  /** How many of the bytes it took. */
  write(bytes: Uint8Array): number;
  /** Nothing more will come. */
  end(why: "over" | "too slow"): void;
};
export type Viewing = { /** It takes more now. */ drain(): void; leave(): void };

export type OutputTap = {
  feed(bytes: Uint8Array): void;
  /** What is kept comes first. */
  view(viewer: Viewer): Viewing;
  close(): void;
};

/** A tap with nothing in it. */
export function makeOutputTap(): OutputTap {
  let kept = Buffer.alloc(0);
  let closed = false;
  const views = new Map<Viewing, { viewer: Viewer; waiting: Buffer }>();
  const give = (viewing: Viewing, bytes: Uint8Array) => {
    const view = views.get(viewing);
    if (view === undefined) return;
    view.waiting = Buffer.concat([view.waiting, bytes]);
    view.waiting = view.waiting.subarray(Math.max(0, view.viewer.write(view.waiting)));
    if (view.waiting.length > MAX_WAITING_BYTES) {
      views.delete(viewing);
      view.viewer.end("too slow");
    } else if (closed && view.waiting.length === 0) {
      views.delete(viewing);
      view.viewer.end("over");
    }
  };
  return {
    feed(bytes) {
      const both = Buffer.concat([kept, bytes]);
      kept = both.subarray(Math.max(0, both.length - KEPT_BYTES));
      for (const viewing of views.keys()) give(viewing, bytes);
    },
    view(viewer) {
      const viewing: Viewing = {
        drain: () => give(viewing, new Uint8Array()),
        leave: () => void views.delete(viewing),
      };
      views.set(viewing, { viewer, waiting: Buffer.alloc(0) });
      give(viewing, kept);
      return viewing;
    },
    close() {
      closed = true;
      for (const viewing of views.keys()) give(viewing, new Uint8Array());
    },
  };
}
