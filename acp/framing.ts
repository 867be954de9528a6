// Lines of JSON, one message each, as ACP's stdio transport has them: split on bytes before they are decoded, bounded both ways.
// Does not stop: a peer that sends nothing, which is its good right.

const LINE_FEED = 10;
const RETURN = 13;

/** Of one line that comes in; what is longer is skipped to its end and told. */
export const MAX_INBOUND_BYTES = 32 * 1024 * 1024;

export type Frame = { kind: "line"; text: string } | { kind: "too long" };

export type FrameSplitter = {
  push(piece: Uint8Array): Frame[];
  /** What stands after the last line's end. */
  end(): Frame[];
};

/** Splits a stream into lines: linear in its bytes, whatever their pieces; blank lines are none. */
export function splitFrames(limitBytes = MAX_INBOUND_BYTES): FrameSplitter {
  let pieces: Uint8Array[] = [];
  let held = 0;
  let skipping = false;
  const hold = (piece: Uint8Array) => {
    if (skipping || piece.length === 0) return;
    held += piece.length;
    if (held > limitBytes) {
      skipping = true;
      pieces = [];
    } else pieces.push(piece);
  };
  const take = (): Frame[] => {
    const whole = Buffer.concat(pieces);
    const wasTooLong = skipping;
    [pieces, held, skipping] = [[], 0, false];
    if (wasTooLong) return [{ kind: "too long" }];
    const line = whole.at(-1) === RETURN ? whole.subarray(0, -1) : whole;
    const text = line.toString("utf8");
    return text.trim() === "" ? [] : [{ kind: "line", text }];
  };
  return {
    push(piece) {
      const frames: Frame[] = [];
      let from = 0;
      for (let at = piece.indexOf(LINE_FEED); at !== -1; from = at + 1, at = piece.indexOf(LINE_FEED, from)) {
        hold(piece.subarray(from, at));
        frames.push(...take());
      }
      // A copy: the caller may use its buffer again.
      hold(piece.slice(from));
      return frames;
    },
    end: () => (held === 0 && !skipping ? [] : take()),
  };
}

/** Writes a message as one line; resolves when it is out. Rejects when nobody reads any more. */
export type WriteFrame = (message: object) => Promise<void>;

/**
 * A writer of lines in their order, one at a time: whoever awaits it is as slow as who reads it. `onBroken` is told once when nobody reads any more;
 * after that nothing is written.
 */
export function frameWriter(
  write: (bytes: Uint8Array) => Promise<void>,
  onBroken: () => void,
): WriteFrame & { drained(): Promise<void> } {
  let chain: Promise<void> = Promise.resolve();
  let broken = false;
  const send = (message: object) => {
    const bytes = Buffer.from(`${JSON.stringify(message)}\n`);
    const done = chain.then(async () => {
      if (broken) return;
      try {
        await write(bytes);
      } catch {
        broken = true;
        onBroken();
      }
    });
    chain = done;
    return done;
  };
  return Object.assign(send, { drained: () => chain });
}
