// The wire's contract between every client and every backend it applies to, whole and streamed: what is asked, what is heard and what is lost,
// told in words free of any dialect. A case is a scene; it says where it applies, and what differs where.

import { describe, expect, test } from "bun:test";
import { type Dialect, dialects } from "#src/core/dialects.ts";
import { loadCases, type Members } from "./cases.ts";
import { clients, type Pairing, play, type Played, prepare, type Scene } from "./pairings/play.ts";
import { type Asked, type Failure, type Heard, joined } from "./pairings/words.ts";

type Told = { asked?: Partial<Asked>; heard?: Partial<Heard> | Failure; lost?: string[]; body?: Members };
/** Where something else holds; every member that is given narrows it. */
type Differs = Told & {
  clients?: Dialect[];
  backends?: Dialect[];
  passes?: boolean;
  stream?: boolean;
  step?: number;
};
type Case = Scene & {
  rows: number[];
  clients?: Dialect[];
  backends?: Dialect[];
  /** False where untouched bytes are the provider's own to judge. */
  passes?: boolean;
  stream?: boolean;
  /** Why it applies to some only. */
  why?: string;
  /** Where the same dialect is at both ends something is taken out all the same. */
  cleans?: true;
  told?: Told[];
  differs?: Differs[];
};

const usualTokens = { input: 100, cached: 0, output: 20 };

function applies(pairing: Pairing, { clients: some, backends, passes, stream }: Differs | Case): boolean {
  return (
    (some?.includes(pairing.client) ?? true) &&
    (backends?.includes(pairing.backend) ?? true) &&
    (passes ?? pairing.client === pairing.backend) === (pairing.client === pairing.backend) &&
    (stream ?? pairing.stream) === pairing.stream
  );
}

/** What holds of one step in this pairing: later entries win, member by member. */
function toldOf({ told = [], differs = [] }: Case, pairing: Pairing, step: number): Told {
  const all = [told[step] ?? {}, ...differs.filter((each) => (each.step ?? step) === step && applies(pairing, each))];
  return all.reduce<Told>(
    (sum, { asked, heard, lost, body }) => ({
      asked: { ...sum.asked, ...asked },
      heard: heard !== undefined && "status" in heard ? heard : { ...sum.heard, ...heard },
      lost: [...(sum.lost ?? []), ...(lost ?? [])],
      body: { ...sum.body, ...body },
    }),
    {},
  );
}

function saidBy(scene: Case, step: number): Heard {
  const { parts = [], stop, tokens } = scene.steps[step]!.reply;
  const text = (kind: string) =>
    parts
      .map((part) =>
        typeof part === "string"
          ? kind === "text"
            ? part
            : ""
          : part.kind === kind && "text" in part
            ? part.text
            : "",
      )
      .join("");
  const calls = parts.flatMap((part) =>
    typeof part === "object" && part.kind === "tool" ? [{ id: part.id ?? "", name: part.name, args: part.input }] : [],
  );
  const words = { length: "limit", refusal: "refusal", end: undefined };
  return {
    text: text("text"),
    thinking: text("thinking"),
    calls,
    stop: words[stop ?? "end"] ?? (calls.length > 0 ? "tools" : "end"),
    tokens: { ...usualTokens, ...tokens },
  };
}

/** The members a case speaks of; lines and settings always. */
function pick<Whole extends object>(whole: Whole, like: object): Partial<Whole> {
  return Object.fromEntries(Object.keys(like).map((key) => [key, whole[key as keyof Whole]])) as Partial<Whole>;
}

function check(scene: Case, pairing: Pairing, step: number, { asked, heard, lost, lines, body, passed }: Played): void {
  const told = toldOf(scene, pairing, step);
  const settings = { limit: 4096, ...scene.settings };
  const expected = { lines: joined(lines), settings, ...told.asked };
  expect({ asked: pick(asked, expected), lost }).toEqual({
    asked: { ...expected, lines: joined(expected.lines) },
    lost: told.lost!,
  });
  expect(pick(body, told.body!)).toEqual(told.body!);
  const failed = told.heard !== undefined && "status" in told.heard;
  const said = failed ? told.heard : { ...saidBy(scene, step), ...told.heard };
  expect<unknown>(heard).toEqual(said);
  if (passed === undefined) return;
  // Everything but the model's name passes to the byte, there and back.
  if (!scene.cleans) expect(passed.got).toBe(passed.sent.replace('"model":"sonnet"', '"model":"model-0"'));
  if (!failed) expect(passed.told).toBe(passed.answered);
}

for (const { name, ...scene } of loadCases<Case>("pairings")) {
  describe(`rows ${scene.rows.join(", ")}: ${name}`, () => {
    for (const client of dialects) {
      for (const backend of dialects) {
        for (const stream of [false, true]) {
          const pairing = { client, backend, stream };
          if (!applies(pairing, scene)) continue;
          test(`${client} over ${backend}, ${stream ? "streamed" : "whole"}`, async () => {
            const played = await play(scene, pairing);
            for (const [step, each] of played.entries()) check(scene, pairing, step, each);
            // Whoever wants nothing lost is refused exactly where something was.
            const { settings = {}, also = {}, steps } = scene;
            const sent = { ...clients[client].write(steps[0]!.lines, settings, stream, new Map()), ...also[client] };
            const strict = prepare(scene, pairing, sent, true);
            if (played[0]!.lost.length > 0) await expect(strict).rejects.toThrow("cannot carry the whole request");
            else await strict;
          });
        }
      }
    }
  });
}
