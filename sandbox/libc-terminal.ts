// The part of libc that sets terminals, apart from the rest because few processes need it.

import { dlopen, ptr } from "bun:ffi";
import { check } from "./libc.ts";

const lib = dlopen("libc.so.6", {
  tcgetattr: { args: ["i32", "ptr"], returns: "i32" },
  tcsetattr: { args: ["i32", "i32", "ptr"], returns: "i32" },
  cfmakeraw: { args: ["ptr"], returns: "void" },
}).symbols;

// struct termios is 60 bytes with glibc on both architectures (bits/termios-struct.h).
const TERMIOS_BYTES = 128;
const TCSADRAIN = 1;

/** Terminal settings as they are now, to be given back by `setTerminal`. */
export function terminalSettings(fd: number): Buffer {
  const settings = Buffer.alloc(TERMIOS_BYTES);
  check("tcgetattr", lib.tcgetattr(fd, ptr(settings)));
  return settings;
}

/** Those settings with every translation of bytes off, input and output (cfmakeraw(3)). */
export function rawSettings(settings: Buffer): Buffer {
  const raw = Buffer.from(settings);
  lib.cfmakeraw(ptr(raw));
  return raw;
}

/** Applies settings once what was written has gone out. */
export function setTerminal(fd: number, settings: Buffer): void {
  check("tcsetattr", lib.tcsetattr(fd, TCSADRAIN, ptr(settings)));
}
