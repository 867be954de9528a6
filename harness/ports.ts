// What the harness needs from the rest and does not import: named here, joined in src/cli/compose.ts.

/** A name a client can ask a model by. */
export type SlotName = { id: string; client: string; title: string };

/**
 * One model request as the supervisor saw it. Tokens are null when the provider did not say; those of its cache are not part of `inputTokens`.
 * `costUsd` is null where it cannot be told.
 */
export type ModelRequest = {
  slot: string | null;
  backend: string | null;
  path: string;
  status: number;
  attempts: number;
  inputTokens: number | null;
  outputTokens: number | null;
  cacheReadTokens: number | null;
  cacheWriteTokens: number | null;
  costUsd: number | null;
  losses: string[];
  ms: number;
  aborted: boolean;
};

export type ServedGateway = {
  /** Refuses every later request (the nonce is revoked) and resolves when the socket is closed. */
  stop(): Promise<void>;
};

/** Serves the model dialects, and nothing else, on a Unix socket made for one run. */
export type ModelGateway = {
  serve(options: {
    socketPath: string;
    token: string;
    /** A request has come; `onRequest` tells of each once, when it is over. */
    onBegin?(): void;
    onRequest(request: ModelRequest): void;
  }): Promise<ServedGateway>;
};
