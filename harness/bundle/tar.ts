// The one form of archive that a bundle has: ustar (POSIX.1-1988), plain files alone, owned by nobody, without a time. Whoever writes the same
// members writes the same bytes; whoever reads takes nothing else. Pure.

const BLOCK = 512;
const MAX_NAME = 100;
export const MAX_MEMBER_BYTES = 8 * 1024 ** 3 - 1;
const MODE = 0o600;

export type Member = { name: string; bytes: number };

const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;

/** The header of a member. Throws RangeError on one that the form cannot hold. */
export function tarHeader({ name, bytes }: Member): Buffer {
  if (Buffer.byteLength(name) > MAX_NAME || bytes > MAX_MEMBER_BYTES) throw new RangeError("not a member of a bundle");
  const header = Buffer.alloc(BLOCK);
  header.write(name, 0);
  header.write(octal(MODE, 7) + octal(0, 7) + octal(0, 7) + octal(bytes, 11) + octal(0, 11), 100);
  header.write(" ".repeat(8), 148);
  header.write("0", 156);
  header.write("ustar\x0000", 257);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

/** How many zeros follow a member's content. */
export const padding = (bytes: number): number => (BLOCK - (bytes % BLOCK)) % BLOCK;

export const END = Buffer.alloc(2 * BLOCK);
export const HEADER_BYTES = BLOCK;

/** The member a header is of; undefined for the end, and `"foreign"` for any header that we would not have written to the letter. */
export function readHeader(header: Buffer): Member | undefined | "foreign" {
  if (header.every((byte) => byte === 0)) return undefined;
  const name = header.toString("latin1", 0, MAX_NAME).replace(/\0.*$/s, "");
  const size = /^([0-7]{11})\0$/.exec(header.toString("latin1", 124, 136))?.[1];
  if (size === undefined) return "foreign";
  const member = { name, bytes: parseInt(size, 8) };
  return tarHeader(member).equals(header) ? member : "foreign";
}
