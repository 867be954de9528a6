// The smallest programs that make an i386 system call, written byte by byte, since a machine may have no compiler (elf(5)).

/** A static executable of one segment. */
function elf(bits: 32 | 64, machine: number, code: number[]): Uint8Array {
  const [header, entry] = bits === 64 ? [64, 56] : [52, 32];
  const base = 0x400000;
  const start = header + entry;
  const size = start + code.length;
  const view = new DataView(new ArrayBuffer(size));
  const put = (at: number, ...bytes: number[]) => bytes.forEach((byte, index) => view.setUint8(at + index, byte));
  put(0, 0x7f, 0x45, 0x4c, 0x46, bits / 32, 1, 1);
  view.setUint16(16, 2, true); // ET_EXEC
  view.setUint16(18, machine, true);
  view.setUint32(20, 1, true);
  if (bits === 64) {
    view.setBigUint64(24, BigInt(base + start), true);
    view.setBigUint64(32, BigInt(header), true);
    for (const [at, value] of [
      [52, header],
      [54, entry],
      [56, 1],
    ] as const)
      view.setUint16(at, value, true);
    view.setUint32(header, 1, true); // PT_LOAD
    view.setUint32(header + 4, 5, true); // read, execute
    const words = [0, base, base, size, size, 4096];
    words.forEach((word, index) => view.setBigUint64(header + 8 + index * 8, BigInt(word), true));
  } else {
    view.setUint32(24, base + start, true);
    view.setUint32(28, header, true);
    for (const [at, value] of [
      [40, header],
      [42, entry],
      [44, 1],
    ] as const)
      view.setUint16(at, value, true);
    [1, 0, base, base, size, size, 5, 4096].forEach((word, index) => view.setUint32(header + index * 4, word, true));
  }
  put(start, ...code);
  return new Uint8Array(view.buffer);
}

/** Both call i386's getpid and then exit with 0: one in 64-bit code by `int 0x80`, one as a program of that architecture. */
export function foreignPrograms(): Record<string, Uint8Array> {
  const getpid = [0xb8, 20, 0, 0, 0, 0xcd, 0x80]; // mov eax, 20; int 0x80
  return {
    "int-0x80": elf(64, 62, [...getpid, 0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]), // xor edi, edi; mov eax, 60; syscall
    i386: elf(32, 3, [...getpid, 0x31, 0xdb, 0xb8, 1, 0, 0, 0, 0xcd, 0x80]), // xor ebx, ebx; mov eax, 1; int 0x80
  };
}
