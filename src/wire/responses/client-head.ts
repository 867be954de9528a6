// What every Responses request needs read from its bytes, and what no gateway can keep: answers are not stored here, and the next turn may go
// to another provider or key, so a request that leans on a stored answer is refused instead of being answered without its history.

import { BrokeError } from "#src/core/errors.ts";
import type { Asked } from "../dialect.ts";
import { readBodyHead, readMember, readTopLevel } from "../splice.ts";

const HINT = "send the whole conversation in `input`, as clients do with store: false";

/** Model and stream. Throws `usage` for what leans on stored answers. */
export function readHead(body: Uint8Array): Asked {
  const asked = readBodyHead(body);
  const { previous_response_id: previous, background } = readTopLevel(body, ["previous_response_id", "background"]);
  if (typeof previous === "string" && previous !== "") {
    throw new BrokeError("usage", "previous_response_id: answers are not stored here", HINT);
  }
  if (background === true) {
    throw new BrokeError("usage", "background: answers are not stored here, so they cannot be fetched later", HINT);
  }
  const conversation = readMember(body, "conversation");
  if (conversation !== undefined && conversation !== null) {
    throw new BrokeError("usage", "conversation: conversations are not stored here", HINT);
  }
  return asked;
}
