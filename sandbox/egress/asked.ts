// What a client of the proxy asks for: HTTP or SOCKS 5, told apart by the first byte, read to where the host and the port are known.
// Does not stop: anything; it decides nothing.

import type { Socket } from "node:net";
import { httpAnswer, type Refusal, socksAnswer } from "./answers.ts";
import { type Head, readHead } from "./http-head.ts";
import { gather } from "./relay.ts";
import { ACCEPT_GREETING, readGreeting, readRequest, REFUSE_GREETING, SOCKS_VERSION, socksReply } from "./socks.ts";

export type AskedBy = "connect" | "http" | "socks";
/** A tunnel to open or one request to pass on. */
export type Question = Extract<Head, { kind: "connect" | "request" }> & { by: AskedBy };
export type Asked =
  | Question
  /** `answer` is what the client is told, in its own protocol. */
  | { kind: "refused"; by: AskedBy; refusal: Refusal; reason: string; answer: Uint8Array }
  /** Nobody asked for anything: a probe of the port, or a client that thought better of it. */
  | { kind: "nothing" };

/** How each protocol is answered. */
export const refuseAs: Record<AskedBy, (refusal: Refusal, words: string) => Uint8Array> = {
  connect: httpAnswer,
  http: httpAnswer,
  socks: socksAnswer,
};

const headRefusals: Record<Extract<Head, { kind: "refused" }>["status"], Refusal> = {
  400: "malformed",
  411: "length",
  431: "long",
};
const CUT_SHORT = "the request did not come whole";

const refused = (by: AskedBy, refusal: Refusal, reason: string, answer = refuseAs[by](refusal, reason)): Asked => ({
  kind: "refused",
  by,
  refusal,
  reason,
  answer,
});

async function readHttp(client: Socket, start: Buffer, headMs: number): Promise<Asked> {
  const head = await gather(client, start, (bytes) => readHead(bytes), headMs);
  if (head.kind === "connect") return { ...head, by: "connect" };
  if (head.kind === "request") return { ...head, by: "http" };
  if (head.kind === "refused") return refused("http", headRefusals[head.status], head.reason);
  return refused("http", "malformed", CUT_SHORT);
}

async function readSocks(client: Socket, start: Buffer, headMs: number): Promise<Asked> {
  const greeting = await gather(
    client,
    start,
    (bytes) => {
      const read = readGreeting(bytes);
      return read.kind === "greeting" ? { ...read, rest: bytes.subarray(read.bytes) } : read;
    },
    headMs,
  );
  if (greeting.kind === "refused") {
    return refused("socks", "malformed", "only SOCKS 5 without authentication is served", REFUSE_GREETING);
  }
  if (greeting.kind !== "greeting") return refused("socks", "malformed", CUT_SHORT);
  client.write(ACCEPT_GREETING);
  const request = await gather(client, greeting.rest, readRequest, headMs);
  if (request.kind === "connect") return { ...request, by: "socks" };
  if (request.kind === "refused") return refused("socks", "malformed", request.reason, socksReply(request.reply));
  return refused("socks", "malformed", CUT_SHORT);
}

/** Reads one question from a client that has just connected, within `headMs` for each part of it. */
export async function readAsked(client: Socket, headMs: number): Promise<Asked> {
  const first = await gather(
    client,
    Buffer.alloc(0),
    (bytes) => (bytes.length === 0 ? { kind: "more" as const } : { kind: "first" as const, bytes }),
    headMs,
  );
  if (first.kind !== "first") return { kind: "nothing" };
  const read = first.bytes[0] === SOCKS_VERSION ? readSocks : readHttp;
  return read(client, first.bytes, headMs);
}
