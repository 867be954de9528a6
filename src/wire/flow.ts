// One streamed answer on its way from the provider's bytes to the client's: what the relay drives, whether the bytes pass or are translated.

import type { WireError } from "./errors.ts";
import type { Loss } from "./losses.ts";

/** What an answer cost; null where the provider did not say. `input` leaves out what the cache served or took in. */
export type Cost = {
  input: number | null;
  output: number | null;
  cacheRead: number | null;
  cacheWrite: number | null;
};

export const noCost: Cost = { input: null, output: null, cacheRead: null, cacheWrite: null };

/**
 * `held`: nothing a client could act on has come, so another backend may still be asked; `live`: content has come; `done` and `failed`: the
 * answer is over. A stream that ended without its last word has failed.
 */
export type FlowPhase = "held" | "live" | "done" | "failed";

export type Flow = {
  /** Bytes for the client; may be empty. Throws `upstream` when the provider broke the protocol. */
  push(piece: Uint8Array): Uint8Array;
  /** The provider's bytes are over. */
  end(): Uint8Array;
  /** The answer cannot go on: the client's own form of a broken stream. */
  fail(error: WireError): Uint8Array;
  /** Keeps an idle connection open. */
  ping(): Uint8Array;
  phase(): FlowPhase;
  /** Why it failed, already redacted. */
  failure(): WireError | undefined;
  cost(): Cost;
  /** What of the answer was not carried, as far as it has come. */
  losses(): readonly Loss[];
};

export const CUT = "the provider's answer ended early";
