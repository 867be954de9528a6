// The one error class of the product and the one table that turns its kinds into exit codes, HTTP statuses and JSON-RPC codes.
// Messages never echo the input they complain about: an input may be a prompt or a secret.

export type ErrorKind =
  | "usage" // the caller wrote something we do not understand
  | "config" // stored configuration is wrong or unreadable
  | "missing" // a tool, file, gateway or run that is needed is not there
  | "unauthorized" // no or wrong credential
  | "denied" // refused by policy
  | "busy" // somebody else holds it
  | "upstream" // a provider failed
  | "negative" // the question was answered, and the answer is no
  | "internal"; // a bug of ours, or a run nobody observed

const codes: Record<ErrorKind, { exit: number; http: number; rpc: number }> = {
  usage: { exit: 2, http: 400, rpc: -32602 },
  config: { exit: 3, http: 500, rpc: -32603 },
  missing: { exit: 3, http: 404, rpc: -32002 },
  unauthorized: { exit: 4, http: 401, rpc: -32000 },
  denied: { exit: 4, http: 403, rpc: -32000 },
  busy: { exit: 3, http: 409, rpc: -32000 },
  upstream: { exit: 3, http: 502, rpc: -32603 },
  negative: { exit: 1, http: 409, rpc: -32603 },
  internal: { exit: 5, http: 500, rpc: -32603 },
};

/** An error a person or a peer is meant to read: what was wrong (`message`) and what to do about it (`hint`). */
export class BrokeError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, hint?: string) {
    super(message);
    this.name = "BrokeError";
    this.kind = kind;
    this.hint = hint;
  }
}

/** What a signal ended; by its number. */
export class EndedBySignal extends BrokeError {
  readonly signal: number;

  constructor(signal: number, message: string) {
    super("denied", message);
    this.signal = signal;
  }
}

/** Process exit code for an error: design's 0…5; of what a signal ended 128 and its number, as shells have it; anything that is not a `BrokeError` is a bug and gives 5. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof EndedBySignal) return 128 + error.signal;
  return error instanceof BrokeError ? codes[error.kind].exit : codes.internal.exit;
}

/** HTTP status for an error. */
export function httpStatusOf(error: unknown): number {
  return error instanceof BrokeError ? codes[error.kind].http : codes.internal.http;
}

/** JSON-RPC 2.0 error code for an error. */
export function rpcCodeOf(error: unknown): number {
  return error instanceof BrokeError ? codes[error.kind].rpc : codes.internal.rpc;
}

/** Whether a word that came from elsewhere names a kind. */
export const isErrorKind = (word: string): word is ErrorKind => Object.hasOwn(codes, word);

/** What may be shown to somebody outside: a `BrokeError`'s own words, else nothing of the cause. */
export function publicMessage(error: unknown): string {
  return error instanceof BrokeError ? error.message : "internal error";
}
