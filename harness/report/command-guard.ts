// Keeps a client's output from speaking to a CI runner that reads commands from it: GitHub's takes a line that begins with `::` after any
// white space, and the older `##[` anywhere in one (actions/runner, ActionCommand.TryParseV2 and TryParse). A space is put in between; all
// other bytes pass as they are. The form GitHub offers for it, ::stop-commands::, does not hold: its runner reads our two outputs each for itself.
// Does not stop: a runner with another grammar.

const [TAB, LINE_FEED, RETURN, SPACE, HASH, COLON, BRACKET] = [9, 10, 13, 32, 35, 58, 91];
const isBlank = (byte: number) => byte <= SPACE || byte >= 0x7f; // white space beyond ASCII is two bytes or three of these

/** A filter for one stream, which it remembers from piece to piece. */
export function guardCommands(): (bytes: Uint8Array) => Uint8Array {
  let blank = true;
  let before = 0;
  let beforeThat = 0;
  return (bytes) => {
    const spaces: number[] = [];
    for (let at = 0; at < bytes.length; at++) {
      const byte = bytes[at]!;
      const command = byte === COLON && before === COLON && blank;
      const older = byte === BRACKET && before === HASH && beforeThat === HASH;
      if (command || older) spaces.push(at);
      if (byte === LINE_FEED || byte === RETURN) blank = true;
      else if (byte === COLON ? before === COLON : byte !== TAB && !isBlank(byte)) blank = false;
      [beforeThat, before] = [before, byte];
    }
    if (spaces.length === 0) return bytes;
    const out = new Uint8Array(bytes.length + spaces.length);
    let from = 0;
    for (const [index, at] of spaces.entries()) {
      out.set(bytes.subarray(from, at), from + index);
      out[at + index] = SPACE;
      from = at;
    }
    out.set(bytes.subarray(from), from + spaces.length);
    return out;
  };
}
