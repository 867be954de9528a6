// Reads what fits a schema, as valibot does and to the same output, without writing down on the way where it is and what could be wrong: that takes
// ten times as long, and nearly everything fits. What does not fit is for valibot, which says why. A schema with a part that is not known here is
// read by valibot alone.

import type * as v from "valibot";

/** What a reader gives for a value that does not fit. */
export const UNFIT = Symbol("unfit");

/** The value as the schema puts it out, or `UNFIT`. */
export type Reader = (value: unknown) => unknown;

type Entries = Record<string, v.GenericSchema>;
type Part = v.GenericSchema & {
  entries: Entries;
  item: v.GenericSchema;
  wrapped: v.GenericSchema;
  options: readonly unknown[];
  key: string;
  literal: unknown;
  check(value: unknown): boolean;
};
type Action = { kind: string; type: string; requirement: unknown };

const ABSENT = new Set(["optional", "nullish"]);
const isValue = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;
const only =
  (fits: (value: unknown) => boolean): Reader =>
  (value) =>
    fits(value) ? value : UNFIT;

/** The readers of all of them, undefined when one has none. */
function readersOf(schemas: readonly v.GenericSchema[]): Reader[] | undefined {
  const readers = schemas.map(readerOf);
  return readers.every((reader) => reader !== undefined) ? readers : undefined;
}

function readMembers(
  entries: Entries,
): ((value: Record<string, unknown>) => Record<string, unknown> | undefined) | undefined {
  const names = Object.keys(entries);
  const readers = readersOf(Object.values(entries));
  if (readers === undefined) return undefined;
  const mayMiss = names.map((name) => ABSENT.has(entries[name]!.type));
  return (value) => {
    const out: Record<string, unknown> = {};
    for (let at = 0; at < names.length; at++) {
      const name = names[at]!;
      const given = value[name];
      if (given === undefined && !(name in value)) {
        if (mayMiss[at]) continue;
        return undefined;
      }
      const read = readers[at]!(given);
      if (read === UNFIT) return undefined;
      out[name] = read;
    }
    return out;
  };
}

/** The same that valibot does not take over into an output. */
const UNSAFE = new Set(["__proto__", "prototype", "constructor"]);

function looseReader({ entries }: Part): Reader | undefined {
  const members = readMembers(entries);
  return (
    members &&
    ((value) => {
      const out = isValue(value) ? members(value) : undefined;
      if (out === undefined) return UNFIT;
      for (const name of Object.keys(value as object)) {
        if (!Object.hasOwn(entries, name) && !UNSAFE.has(name)) out[name] = (value as Record<string, unknown>)[name];
      }
      return out;
    })
  );
}

function objectReader({ entries }: Part): Reader | undefined {
  const members = readMembers(entries);
  return members && ((value) => (isValue(value) ? (members(value) ?? UNFIT) : UNFIT));
}

function arrayReader({ item }: Part): Reader | undefined {
  const reader = readerOf(item);
  return (
    reader &&
    ((value) => {
      if (!Array.isArray(value)) return UNFIT;
      const out: unknown[] = [];
      for (const each of value) {
        const read = reader(each);
        if (read === UNFIT) return UNFIT;
        out.push(read);
      }
      return out;
    })
  );
}

/** The first of them that it fits. */
function unionReader({ options }: Part): Reader | undefined {
  const readers = readersOf(options as v.GenericSchema[]);
  return (
    readers &&
    ((value) => {
      for (const reader of readers) {
        const read = reader(value);
        if (read !== UNFIT) return read;
      }
      return UNFIT;
    })
  );
}

function wrappedReader({ wrapped }: Part, missing: (value: unknown) => boolean): Reader | undefined {
  const reader = readerOf(wrapped);
  return reader && ((value) => (missing(value) ? value : reader(value)));
}

const actions: Record<string, (value: never, requirement: never) => boolean> = {
  integer: (value: unknown) => Number.isInteger(value),
  min_value: (value: number, requirement: number) => value >= requirement,
  non_empty: (value: { length: number }) => value.length > 0,
};

function pipeReader([first, ...rest]: readonly [v.GenericSchema, ...Action[]]): Reader | undefined {
  const reader = readerOf(first);
  if (reader === undefined) return undefined;
  const checks: Reader[] = [];
  for (const { kind, type, requirement } of rest) {
    const check = Object.hasOwn(actions, type) ? actions[type] : undefined;
    if (kind !== "validation" || check === undefined) return undefined;
    checks.push(only((value) => check(value as never, requirement as never)));
  }
  return (value) => {
    const read = reader(value);
    return read === UNFIT || checks.some((check) => check(read) === UNFIT) ? UNFIT : read;
  };
}

const kinds: Record<string, (part: Part) => Reader | undefined> = {
  string: () => only((value) => typeof value === "string"),
  number: () => only((value) => typeof value === "number" && !Number.isNaN(value)),
  boolean: () => only((value) => typeof value === "boolean"),
  literal: ({ literal }) => only((value) => value === literal),
  picklist: ({ options }) => only((value) => options.includes(value)),
  custom: ({ check }) => only(check),
  nullish: (part) => wrappedReader(part, (value) => value === null || value === undefined),
  nullable: (part) => wrappedReader(part, (value) => value === null),
  optional: (part) => wrappedReader(part, (value) => value === undefined),
  array: arrayReader,
  object: objectReader,
  loose_object: looseReader,
  union: unionReader,
  // Of these the members that tell them apart fit one only, or the first that fits is meant.
  variant: (part) =>
    (part.options as v.GenericSchema[]).some(({ type }) => type === "variant") ? undefined : unionReader(part),
};

function makeReader(schema: v.GenericSchema): Reader | undefined {
  // What stands in for a value that is missing or wrong is valibot's to find.
  if ("fallback" in schema || ("default" in schema && schema.default !== undefined)) return undefined;
  if ("pipe" in schema) return pipeReader(schema.pipe as [v.GenericSchema, ...Action[]]);
  return Object.hasOwn(kinds, schema.type) ? kinds[schema.type]!(schema as Part) : undefined;
}

const made = new Map<v.GenericSchema, Reader | undefined>();

/** The reader of a schema, made once; undefined where only valibot can read it. Schemas are made where a module is loaded, so there are few. */
export function readerOf(schema: v.GenericSchema): Reader | undefined {
  if (made.has(schema)) return made.get(schema);
  const reader = makeReader(schema);
  made.set(schema, reader);
  return reader;
}
