// Identifiers: made here, checked here. A run id is also a folder name, so its shape is a security property.

/** The runtime's own: loading node:crypto costs every command milliseconds. */
export const randomBytes = (bytes: number): Buffer<ArrayBuffer> =>
  Buffer.from(crypto.getRandomValues(new Uint8Array(bytes)));

const RUN_ID = /^run_\d{10,12}_[0-9a-f]{8}$/;

/** `run_<unix seconds>_<8 hex>`; sorts by time, safe as a file name. */
export function newRunId(nowMs: number): string {
  return `run_${Math.floor(nowMs / 1000)}_${randomBytes(4).toString("hex")}`;
}

/** Whether the text has exactly the shape of a run id (so it cannot be a path). */
export function isRunId(text: string): boolean {
  return RUN_ID.test(text);
}

/** Names the run whose overlay is mounted, to a command of ours that begins anew; taken out of the environment at once, and believed by what is mounted. */
export const VIEW_VARIABLE = "BROKE_OVERLAY_VIEW";

/** A bearer secret with 256 bits of randomness, `<prefix>_<43 base64url characters>`. */
export function newSecret(prefix: string): string {
  return `${prefix}_${randomBytes(32).toString("base64url")}`;
}

/** A multiple of three, so that each id is a stretch of its own in the text of many. */
const ID_BYTES = 9;
const ID_LENGTH = (ID_BYTES * 4) / 3;
/** Chance is fetched and written for many ids at once: asking the system for each took a fiftieth of a request's time. */
let chance = "";
let used = 0;

/** A short id for one request, shown to clients and written to logs. */
export function newRequestId(): string {
  if (used === chance.length) {
    chance = randomBytes(ID_BYTES * 256).toString("base64url");
    used = 0;
  }
  used += ID_LENGTH;
  return `req_${chance.slice(used - ID_LENGTH, used)}`;
}

const references = new Map<string, string>();

/** What a key is called where its name is nobody's business, `key_<10 hex>`: the same name is always the same reference. */
export function keyReference(name: string): string {
  const known = references.get(name);
  if (known !== undefined) return known;
  const reference = `key_${new Bun.CryptoHasher("sha256").update(`broke key ${name}`).digest("hex").slice(0, 10)}`;
  references.set(name, reference);
  return reference;
}
