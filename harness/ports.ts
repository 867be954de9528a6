// What the harness needs from the rest and does not import: named here, joined in src/cli/compose.ts.

/** A name a client can ask a model by. `set`: whether a backend was set for it at the launch. */
export type SlotName = { id: string; client: string | null; title: string; set?: boolean };

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
  /** A model's answer had begun to come: false for what nobody answered, and for counts of tokens. */
  begun: boolean;
};

export type ServedGateway = {
  /** The client is there: a request may come soon. */
  warm(): void;
  /** Refuses every later request (the nonce is revoked) and resolves when the socket is closed. */
  stop(): Promise<void>;
};

/** A question of a role to a model: `system` is the same for every question of its kind. */
export type ModelQuestion = {
  slot: string;
  system: string;
  messages: { role: "user" | "assistant"; text: string }[];
  maxTokens: number;
  signal: AbortSignal;
  onRequest(request: ModelRequest): void;
};

/** `refused`: nobody answered; `status` null when it was given up. */
export type ModelReply = { kind: "answer"; text: string } | { kind: "refused"; status: number | null; reason: string };

/** A slot that would be answered now, and who would be asked, in order. */
export type ServedSlot = { id: string; backends: string[] };

export type ModelGateway = {
  /** Serves the model dialects, and nothing else, on a Unix socket made for one run. */
  serve(options: {
    socketPath: string;
    token: string;
    run: string;
    /** A request has come; `onRequest` tells of each once, when it is over. */
    onBegin?(): void;
    /** Whether one more may ask a model: what gives its place back when it is over, undefined where it may not. */
    admit?(): (() => void) | undefined;
    onRequest(request: ModelRequest): void;
  }): Promise<ServedGateway>;
  /** Asks a model by a slot, for a role of ours; with an identity that may use nothing else. Throws nothing. */
  ask(question: ModelQuestion): Promise<ModelReply>;
  servedSlots(): ServedSlot[];
};
