// The next place of a byte. Most strings of a body are names of a few letters, where a loop is there before a search by the system has begun.

const NEAR = 32;

/** The first place of the byte at or after `from`; the length of all where there is none. */
export function nextByte(bytes: Buffer, byte: number, from: number): number {
  const near = Math.min(bytes.length, from + NEAR);
  for (let at = from; at < near; at++) if (bytes[at] === byte) return at;
  const found = near < bytes.length ? bytes.indexOf(byte, near) : -1;
  return found < 0 ? bytes.length : found;
}
