// Which modes a client switched on in the terminal and has not switched off: what a client that was killed leaves behind. Only those are
// undone, because undoing a mode that is off moves the cursor.

/** DEC private modes worth undoing: alternate screens, mouse and focus reports, bracketed paste (xterm's control sequences). */
const UNDONE = new Set(["47", "1047", "1049", "1000", "1002", "1003", "1004", "1005", "1006", "1015", "2004"]);
const SCREENS = ["47", "1047", "1049"];
const PASTE = "2004";
const CURSOR = "25";
const SEQUENCE = /\u001b\[\?([\d;]{1,64})([hl])/g;
/** A sequence cut by the end of a piece is at most this long. */
const TAIL = 72;

export type ModeTracker = {
  watch(bytes: Uint8Array): void;
  /** The sequences that put the terminal right again; empty when nothing is left on. */
  undo(): string;
  /**
   * The sequences around something that is shown in between, on the screen buffer the client is not using: its own stays as it is where the
   * terminal can do that (xterm's mode 47). `full`: the client has the whole screen and may have to draw it again.
   */
  aside(): { enter: string; leave: string; full: boolean };
};

/** A tracker for one client's output. */
export function trackModes(): ModeTracker {
  const on = new Set<string>();
  let hidden = false;
  let tail = "";
  return {
    watch(bytes) {
      const text = tail + Buffer.from(bytes).toString("latin1");
      for (const [, modes, end] of text.matchAll(SEQUENCE)) {
        for (const mode of modes!.split(";")) {
          if (mode === CURSOR) hidden = end === "l";
          else if (UNDONE.has(mode) && end === "h") on.add(mode);
          else on.delete(mode);
        }
      }
      const start = text.lastIndexOf("\u001b");
      tail = start >= 0 && text.length - start < TAIL ? text.slice(start) : "";
    },
    undo() {
      const off = [...on].map((mode) => `\u001b[?${mode}l`).join("");
      return hidden ? `${off}\u001b[?${CURSOR}h` : off;
    },
    aside() {
      const full = SCREENS.some((mode) => on.has(mode));
      const others = [...on].filter((mode) => !SCREENS.includes(mode));
      const set = (modes: string[], end: "h" | "l") => modes.map((mode) => `\u001b[?${mode}${end}`).join("");
      // CAN and ST end whatever sequence the client has begun, which would swallow what follows. Letters must come as letters (kitty's keyboard
      // protocol is off while its stack has a 0 on top), and a paste must be told from typing.
      const enter = `\u0018\u001b\\\u001b7${set(others, "l")}\u001b[?47${full ? "l" : "h"}\u001b[>0u\u001b[?${PASTE};${CURSOR}h`;
      const leave = `\u001b[0m\u001b[H\u001b[2J\u001b[<1u\u001b[?${PASTE}l\u001b[?47${full ? "h" : "l"}${set(others, "h")}${hidden ? `\u001b[?${CURSOR}l` : ""}\u001b8`;
      return { enter, leave, full };
    },
  };
}
