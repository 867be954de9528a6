// The one way out of a sandbox that was given a network: a proxy on the run's own Unix socket (HTTP CONNECT, plain HTTP, SOCKS 5). It
// decides by the run's rules, looks names up itself, dials only addresses it has checked, wants a TLS hello or a Host header to name the
// host that was asked for, and records every attempt. After one that could not be recorded nothing is let out any more.
// Does not stop: what an allowed host does with what it is sent, itself or as a front for others on the same address; telling something to
// a name server by asking for a name below an allowed wildcard, or for any name where any host is allowed.

import { chmodSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { hostText } from "../hosts.ts";
import { decideHost, type NetDecision, type NetPermission } from "../net-permission.ts";
import type { Refusal } from "./answers.ts";
import { type AskedBy, type Question, readAsked, refuseAs } from "./asked.ts";
import { carry, TLS_PORT } from "./carry.ts";
import { type Connect, ownAddresses, type Reached, reach, type Resolve, systemConnect, systemResolve } from "./dial.ts";
import { type RelayLimits, sayLast, whileSpeaking } from "./relay.ts";

/** One attempt to get out, as it ended. `rule` is the word that decided; `reason` is null where nothing was in the way. */
export type EgressAttempt = {
  by: AskedBy;
  host: string | null;
  port: number | null;
  address: string | null;
  verdict: "allowed" | "denied" | "failed";
  rule: string | null;
  reason: string | null;
  up: number;
  down: number;
  ms: number;
};

/** `headMs`: for a head, a greeting or a hello to come whole. `connectMs`: for looking up and connecting. */
export type EgressLimits = RelayLimits & { headMs: number; connectMs: number; connections: number };

const GIB = 1024 ** 3;
const MINUTE = 60_000;
export const usualLimits: EgressLimits = {
  connections: 256,
  headMs: 15_000,
  connectMs: 15_000,
  idleMs: 10 * MINUTE,
  halfOpenMs: MINUTE,
  totalMs: 120 * MINUTE,
  upBytes: GIB,
  downBytes: 8 * GIB,
};

export type EgressOptions = {
  socketPath: string;
  permission: NetPermission;
  onAttempt(attempt: EgressAttempt): void;
  /** Whether a host that is to be asked about may be reached; the client waits. Without it none may. */
  ask?: ((host: string, port: number, gone: AbortSignal) => Promise<boolean>) | undefined;
  resolve?: Resolve;
  connect?: Connect;
  own?: () => string[];
  limits?: EgressLimits;
};

export type Egress = {
  /** Why nothing is let out any more, if so. */
  failure(): string | undefined;
  /** Breaks off what is open, records it, and closes the socket. */
  stop(): Promise<void>;
};

type Outcome = Pick<EgressAttempt, "address" | "verdict" | "rule" | "reason" | "up" | "down">;
type Told = { outcome: Outcome; answer: Uint8Array | undefined };

const DENIALS: ReadonlySet<Refusal> = new Set(["denied", "malformed", "length", "long"]);

function refusal(
  asked: Question,
  { refusal: kind, address, rule, reason }: Omit<Extract<Reached, { kind: "refused" }>, "kind">,
): Told {
  const { host, port } = asked.target;
  const name = host.kind === "address" && host.address.family === 6 ? `[${hostText(host)}]` : hostText(host);
  const verdict = DENIALS.has(kind) ? "denied" : "failed";
  const answer = refuseAs[asked.by](kind, `${name}:${port}: ${reason}`);
  return { outcome: { address, verdict, rule, reason, up: 0, down: 0 }, answer };
}

/** Starts the proxy. The socket's folder must be the run's own. */
export async function startEgress(options: EgressOptions): Promise<Egress> {
  const { permission, limits = usualLimits } = options;
  const { resolve = systemResolve, connect = systemConnect, own = ownAddresses } = options;
  const open = new Set<Socket>();
  const over = new AbortController();
  const serving = new Set<Promise<void>>();
  let failure: string | undefined;

  const fail = (why: string) => {
    failure ??= why;
    for (const socket of open) socket.destroy();
  };
  const track = (socket: Socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  };

  async function whileThere<Result>(client: Socket, act: (gone: AbortSignal) => Promise<Result>): Promise<Result> {
    const gone = new AbortController();
    const onClose = () => gone.abort();
    client.on("close", onClose);
    if (client.destroyed) gone.abort();
    try {
      return await act(gone.signal);
    } finally {
      client.off("close", onClose);
    }
  }

  const dial = (client: Socket, { target }: Question, rule: string): Promise<Reached> =>
    whileThere(client, (gone) =>
      reach(target, rule, { permission, resolve, connect, own, connectMs: limits.connectMs, gone }),
    );

  /** The rules' decision, or where they leave it to a person, that one's. */
  async function decide(client: Socket, { target: { host, port } }: Question): Promise<NetDecision> {
    const decision = decideHost(permission, host, port);
    if (decision.allowed || !decision.ask || decision.rule === null || options.ask === undefined) return decision;
    const { ask } = options;
    const allowed = await whileThere(client, (gone) =>
      whileSpeaking(client, gone, (left) => ask(hostText(host), port, left)),
    );
    return allowed ? { allowed: true, rule: decision.rule } : decision;
  }

  async function answerQuestion(client: Socket, asked: Question): Promise<Told> {
    const decision = await decide(client, asked);
    if (!decision.allowed) {
      return refusal(asked, { refusal: "denied", address: null, rule: decision.rule, reason: decision.reason });
    }
    if (asked.kind === "request" && asked.target.port === TLS_PORT) {
      const reason = `only TLS is let through to port ${TLS_PORT}`;
      return refusal(asked, { refusal: "denied", address: null, rule: decision.rule, reason });
    }
    const reached = await dial(client, asked, decision.rule);
    if (reached.kind === "refused") return refusal(asked, reached);
    track(reached.socket);
    const carried = await carry(client, reached.socket, asked, { limits, headMs: limits.headMs, over: over.signal });
    return { outcome: { address: reached.address, rule: reached.rule, ...carried }, answer: undefined };
  }

  async function serve(client: Socket): Promise<void> {
    const begun = performance.now();
    const asked = await readAsked(client, limits.headMs);
    if (asked.kind === "nothing") return void client.destroy();
    const { by } = asked;
    const none = { address: null, rule: null, up: 0, down: 0 };
    const told: Told =
      asked.kind === "refused"
        ? { outcome: { ...none, verdict: "denied", reason: asked.reason }, answer: asked.answer }
        : await answerQuestion(client, asked);
    const target = asked.kind === "refused" ? undefined : asked.target;
    const where = { host: target === undefined ? null : hostText(target.host), port: target?.port ?? null };
    try {
      options.onAttempt({ by, ...where, ...told.outcome, ms: Math.round(performance.now() - begun) });
    } catch {
      return fail("an attempt to get out could not be recorded");
    }
    if (told.answer !== undefined) sayLast(client, told.answer, limits.headMs);
  }

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on("error", () => {});
    track(client);
    if (failure !== undefined) return void client.destroy();
    if (serving.size >= limits.connections) {
      return sayLast(client, refuseAs.http("busy", "too many connections at once"), limits.headMs);
    }
    const served = serve(client)
      .catch(() => fail("the way out failed"))
      .finally(() => serving.delete(served));
    serving.add(served);
  });
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(options.socketPath, listening);
  });
  chmodSync(options.socketPath, 0o600);
  return {
    failure: () => failure,
    async stop() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      over.abort();
      for (const socket of open) socket.destroy();
      await Promise.all(serving);
      await closed;
    },
  };
}
