// What a test tells the scripted upstream to answer, free of any dialect: what is said, and what goes wrong on the way.

import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";

export type Part =
  | { kind: "text"; text: string }
  | { kind: "thinking"; text: string; signature?: string }
  | { kind: "tool"; name: string; input: Json; id?: string };

export type Tokens = { input: number; output: number; cached: number };

/** A model's answer. `pieces`: into how many deltas each text and argument string is cut. `interleave`: tool arguments arrive in turns. */
export type Say = {
  kind: "say";
  parts: Part[];
  stop?: "end" | "length" | "refusal";
  tokens?: Partial<Tokens>;
  pieces?: number;
  interleave?: boolean;
  /** Beside those of any answer. */
  headers?: Record<string, string>;
};

/** An error status in the dialect's own form. */
export type Refuse = { kind: "refuse"; status: number; message?: string; headers?: Record<string, string> };

/** Any bytes at all. */
export type Raw = { kind: "raw"; status?: number; headers?: Record<string, string>; body: string | Uint8Array };

/** Faults of the way, for any answer. Frames are the stream's events; a whole answer is one frame. */
export type Faults = {
  /** Nothing is sent, not even a head, before this. */
  delayMs?: number;
  gate?: Promise<unknown>;
  /** After this many frames, silence until the promise ends. */
  pause?: { after: number; until: Promise<unknown> };
  /** The connection is destroyed after this many frames, or bytes. */
  cut?: { frames: number } | { bytes: number };
  /** An error event in the dialect's form after this many frames, and the end. */
  error?: { after: number; message: string };
  /** Text put between frames, as it is. */
  insert?: { at: number; text: string };
  /** Bytes a write. */
  split?: number;
  gzip?: boolean;
};

export type Reply = (Say | Refuse | Raw) & Faults;

export type Turn = {
  role: "system" | "user" | "assistant";
  text: string;
  calls: { id: string; name: string; args: string }[];
  results: { id: string; text: string }[];
};

/** What a dialect's request asks for. */
export type Asked = { model: string; stream: boolean; history: Turn[]; tools: string[] };

/** A request as the upstream saw it. */
export type Seen = Asked & {
  dialect: Dialect | null;
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  body: Json | undefined;
  raw: Buffer;
  /** The client went away before the answer was over. */
  aborted: boolean;
};

/** Answers a request; `index` counts model requests from 0. */
export type Script = (seen: Seen, index: number) => Reply | Promise<Reply>;

export const say = (...parts: (Part | string)[]): Say => ({
  kind: "say",
  parts: parts.map((part) => (typeof part === "string" ? { kind: "text", text: part } : part)),
});
export const tool = (name: string, input: Json, id?: string): Part => ({
  kind: "tool",
  name,
  input,
  ...(id === undefined ? {} : { id }),
});
export const refuse = (status: number, message?: string, headers?: Record<string, string>): Refuse => ({
  kind: "refuse",
  status,
  ...(message === undefined ? {} : { message }),
  ...(headers === undefined ? {} : { headers }),
});

/** Answers in order; asking once more is a 500 that says so. */
export function sequence(...replies: Reply[]): Script {
  return (_seen, index) => replies[index] ?? refuse(500, `the script has ${replies.length} answers only`);
}

/**
 * A model that works through a task: step n answers once n answers of the assistant are in the conversation, so a client that asks again
 * (after a cut, without streaming) gets the same step. Requests without tools are a client's asides, such as titles. After the last step it says "Done.".
 */
export function task(steps: Reply[], aside = "A small task"): Script {
  return (seen) => {
    if (seen.tools.length === 0) return say(aside);
    const lastAsked = seen.history.findLastIndex(
      ({ role, text, results }) => role === "user" && text !== "" && results.length === 0,
    );
    const done = seen.history.slice(Math.max(0, lastAsked)).filter(({ role }) => role === "assistant").length;
    return steps[done] ?? say("Done.");
  };
}

/** A text in about equal pieces, never inside a surrogate pair. */
export function cutText(text: string, pieces: number): string[] {
  const characters = Array.from(text);
  const size = Math.max(1, Math.ceil(characters.length / pieces));
  const out: string[] = [];
  for (let at = 0; at < characters.length; at += size) out.push(characters.slice(at, at + size).join(""));
  return out;
}

export const tokensOf = (reply: Say): Tokens => ({ input: 100, output: 20, cached: 0, ...reply.tokens });
export const hasTools = (reply: Say) => reply.parts.some((part) => part.kind === "tool");
