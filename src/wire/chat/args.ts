// The arguments of a call as they come, in pieces: whether they are whole is known without reading all of them again for every piece. Each character is
// looked at once, and the parser asked once, where the object that was begun has ended.

import { parseJson } from "#src/core/json.ts";
import { isObject } from "../schema.ts";

const OPEN = "{[";
const CLOSE = "}]";

/** A class, because a stream may have thousands. */
export class GrowingArgs {
  text = "";
  #depth = 0;
  #inString = false;
  #escaped = false;
  #closed = false;
  /** They are no object, whatever follows. */
  #spoilt = false;
  #whole: boolean | undefined;

  add(piece: string): void {
    this.text += piece;
    for (const char of piece) this.#look(char);
  }

  #look(char: string): void {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false;
      else if (char === "\\") this.#escaped = true;
      else if (char === '"') this.#inString = false;
      return;
    }
    if (char === " " || char === "\n" || char === "\r" || char === "\t") return;
    if (this.#depth === 0 && (this.#closed || char !== "{")) this.#spoilt = true;
    else if (char === '"') this.#inString = true;
    else if (OPEN.includes(char)) this.#depth += 1;
    else if (CLOSE.includes(char) && --this.#depth === 0) this.#closed = true;
  }

  /** Whether they are an object that has ended. */
  isWhole(): boolean {
    if (!this.#closed || this.#spoilt) return false;
    return (this.#whole ??= isObject(parseJson(this.text)));
  }
}
