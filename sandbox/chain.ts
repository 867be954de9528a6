// What the supervisor and the sandbox's init say to each other: JSON lines over an inherited socket pair (descriptor 3 inside).
// Nothing here travels by argv or environment, so nothing of it is readable in /proc. What init reports is believed only because
// init is non-dumpable and the client cannot open its descriptors; the client's own words never pass here.

import * as v from "valibot";

/** Resource limits for the client, applied by stage two. Counts and bytes; a missing one is inherited. */
export const limitsSchema = v.object({
  processes: v.optional(v.number()),
  openFiles: v.optional(v.number()),
  fileBytes: v.optional(v.number()),
  dataBytes: v.optional(v.number()),
});
export type Limits = v.InferOutput<typeof limitsSchema>;

/** What stage two tries before it becomes the client; on `decoyPort` the supervisor listens, outside: 0 in the plan, chosen at launch. */
const probesSchema = v.object({
  arch: v.picklist(["x86_64", "aarch64"]),
  hidden: v.array(v.string()),
  readOnly: v.array(v.string()),
  unreadable: v.array(v.string()),
  decoyPort: v.nullable(v.number()),
  closedUnix: v.boolean(),
  closedPtrace: v.boolean(),
});

const orderSchema = v.object({
  kind: v.literal("start"),
  argv: v.pipe(v.array(v.string()), v.minLength(1)),
  env: v.record(v.string(), v.string()),
  cwd: v.string(),
  umask: v.number(),
  terminal: v.boolean(),
  // Classic BPF, base64. The listener reports every exec to the supervisor; the client filter closes AF_UNIX.
  listenerFilter: v.nullable(v.string()),
  clientFilter: v.nullable(v.string()),
  seccompCall: v.number(), // the architecture's number of seccomp(2)
  limits: limitsSchema,
  // `mark` stands in words and variables where the port goes; port 0: a free one is chosen inside.
  bridges: v.array(v.object({ port: v.number(), socketPath: v.string(), mark: v.string() })),
  probes: probesSchema,
});

/** Supervisor → init. `start` comes first and once. */
export const orderLine = v.variant("kind", [
  orderSchema,
  v.object({ kind: v.literal("signal"), signal: v.number() }),
  // Every process but init stops, or goes on.
  v.object({ kind: v.literal("freeze") }),
  v.object({ kind: v.literal("thaw") }),
]);
export type StartOrder = v.InferOutput<typeof orderSchema>;
export type Order = v.InferOutput<typeof orderLine>;

/** Init → supervisor. `exited` is the last; a chain that ends without it ended without our seeing the client's status. */
export const reportLine = v.variant("kind", [
  v.object({ kind: v.literal("ready"), ports: v.array(v.number()) }),
  v.object({ kind: v.literal("started"), pid: v.number() }),
  v.object({ kind: v.literal("probed"), passed: v.array(v.string()), ms: v.number() }),
  v.object({ kind: v.literal("breached"), breached: v.array(v.string()) }),
  v.object({ kind: v.literal("stopped") }),
  v.object({ kind: v.literal("frozen") }),
  v.object({ kind: v.literal("thawed") }),
  v.object({ kind: v.literal("exited"), code: v.number(), signal: v.nullable(v.number()) }),
  v.object({ kind: v.literal("failed"), stage: v.string(), errno: v.nullable(v.number()) }),
]);
export type Report = v.InferOutput<typeof reportLine>;

const stageTwoSchema = v.pick(orderSchema, [
  "argv",
  "env",
  "cwd",
  "umask",
  "terminal",
  "listenerFilter",
  "clientFilter",
  "seccompCall",
  "limits",
]);
/** What stage two reads from its own memory file (descriptor 4). `gatewayPort` is the first bridge's, on loopback inside. */
export type StageTwoOrder = v.InferOutput<typeof stageTwoSchema> & {
  probes: v.InferOutput<typeof probesSchema> & { gatewayPort: number | null };
};

/** What stage two says to init before it becomes the client, a line each; then nothing, because the descriptor closes with the exec. */
export type StageTwoReport =
  | { kind: "probed"; passed: string[]; ms: number }
  | { kind: "breached"; breached: string[] }
  | { kind: "failed"; stage: string; errno: number | null };
