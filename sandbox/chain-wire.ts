// The plain part of the supervisor–init conversation: descriptor numbers and line framing. Loaded inside the sandbox, so no imports.

/** Descriptors inside the sandbox, by number at both ends. */
export const CONTROL_FD = 3;
export const OBSERVER_FD = 4;

/** Splits a byte stream into lines; `push` returns the complete ones. Throws RangeError when a line passes `maxBytes`. */
export function makeLineSplitter(maxBytes: number): (piece: Uint8Array) => string[] {
  const decoder = new TextDecoder();
  let rest = "";
  return (piece) => {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > maxBytes) throw new RangeError("line too long");
    return lines.filter((line) => line !== "");
  };
}
