// The writer of a history: append-only JSONL, one writer at a time (the holder of its lock), hash-chained, signed and synced at
// checkpoints. Everything passes the redactor before it is hashed, so what is stored never held the secret.
// Does not stop: losing the records after the last checkpoint when the machine loses power.

import { closeSync, constants, fsyncSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import type { KeyObject } from "node:crypto";
import { type Clock, isoTime } from "#src/core/clock.ts";
import type { Json } from "#src/core/json.ts";
import { mapStrings, type Redactor } from "#src/core/text.ts";
import { type Chain, GENESIS, hashRecord, LEDGER, type LedgerRecord, signRecord } from "./record.ts";

export type Head = { seq: number; hash: string };

export type LedgerOptions = {
  file: string;
  run: string;
  key: KeyObject;
  clock: Clock;
  redact: Redactor;
  /** Stores the head outside the file; called after the file is synced. */
  saveHead(head: Head): void;
  /** The kind of history; a run's ledger unless said otherwise. */
  chain?: Chain;
  /** Where an existing ledger is continued from (reconcile); absent: the file must not exist yet. */
  from?: Head;
};

/** An open ledger. Every `append` is written before it returns; checkpoints are synced, signed and saved as head. */
export class Ledger implements Disposable {
  readonly #options: LedgerOptions;
  readonly #fd: number;
  readonly #listeners = new Set<(record: LedgerRecord) => void>();
  #torn = false;
  #seq: number;
  #prev: string;

  constructor(options: LedgerOptions) {
    const create = options.from === undefined ? constants.O_CREAT | constants.O_EXCL : 0;
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_NOFOLLOW | create;
    this.#options = options;
    this.#fd = openSync(options.file, flags, 0o600);
    this.#seq = options.from?.seq ?? 0;
    this.#prev = options.from?.hash ?? GENESIS;
    if (options.from === undefined) syncFolder(dirname(options.file));
  }

  /** Appends one record and returns it. Throws when it cannot be written whole, and from then on. */
  append(event: string, data: Record<string, Json>): LedgerRecord {
    const { run, key, clock, redact, chain = LEDGER } = this.#options;
    const body = {
      v: 1 as const,
      run,
      seq: this.#seq + 1,
      ts: isoTime(clock()),
      event,
      data: mapStrings(data, redact),
      prev: this.#prev,
    };
    const hash = hashRecord(body);
    const record: LedgerRecord = { ...body, hash };
    if (chain.signs(event)) record.sig = signRecord(record, key, chain);
    this.#write(Buffer.from(`${JSON.stringify(record)}\n`));
    this.#seq = record.seq;
    this.#prev = hash;
    if (record.sig !== undefined) {
      fsyncSync(this.#fd);
      this.#options.saveHead({ seq: record.seq, hash });
    }
    for (const listener of this.#listeners) listener(record);
    return record;
  }

  /** One write per record: a crash can tear the last line but never interleave two. After a write that failed nothing more is, for it would follow a torn line. */
  #write(line: Buffer): void {
    if (this.#torn) throw new Error("the ledger could not be written to its end");
    this.#torn = true;
    if (writeSync(this.#fd, line) !== line.length) throw new Error("the ledger's last line could not be written whole");
    this.#torn = false;
  }

  /** Calls back with every record appended from now on, until what it returns is called. */
  onRecord(listener: (record: LedgerRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  get run(): string {
    return this.#options.run;
  }

  get head(): Head {
    return { seq: this.#seq, hash: this.#prev };
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

// Without this the file's name itself may be lost in a crash.
function syncFolder(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  fsyncSync(fd);
  closeSync(fd);
}
