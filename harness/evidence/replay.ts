// The narrative of a run, told from its artifacts alone: the ledger is not read, and nothing that the run's folder holds besides.
// Does not stop: somebody who can write that folder from putting an artifact of his own there; `broke harness verify` holds them against the ledger.

import { readdirSync } from "node:fs";
import * as v from "valibot";
import { isoTime } from "#src/core/clock.ts";
import { parseJson } from "#src/core/json.ts";
import { isArtifactName } from "../artifacts/artifact.ts";
import { readArtifact } from "../artifacts/store.ts";
import { verdicts } from "../verdict/words.ts";
import { type Outcome, outcomeSchema } from "./outcome.ts";
import {
  commandSchema,
  type EvidencePacket,
  type ExplainedChange,
  packetSchema,
  type TracedCommand,
} from "./packet.ts";

export type Narrative = { packet: EvidencePacket; outcome: Outcome | null; commands: TracedCommand[] };

const MAX_ARTIFACTS = 10_000;

/** The last packet and outcome among a run's artifacts; undefined: there is none. */
export function readNarrative(folder: string, run: string): Narrative | undefined {
  let packet: EvidencePacket | undefined;
  let outcome: Outcome | null = null;
  for (const name of namesIn(folder)) {
    const value = parseJson(readArtifact(folder, name)?.toString("utf8") ?? "");
    const asPacket = v.safeParse(packetSchema, value);
    if (asPacket.success && asPacket.output.run === run && asPacket.output.head.seq > (packet?.head.seq ?? 0))
      packet = asPacket.output;
    const asOutcome = v.safeParse(outcomeSchema, value);
    // One that was reviewed when it was over has two, of which the later is as hard or harder.
    if (asOutcome.success && asOutcome.output.run === run) outcome = harderOf(outcome, asOutcome.output);
  }
  if (packet === undefined) return undefined;
  const all = packet.commands.all;
  const stored = all === null ? undefined : readArtifact(folder, all.sha256)?.toString("utf8");
  const commands = v.safeParse(v.array(commandSchema), parseJson(stored ?? ""));
  return { packet, outcome, commands: commands.success ? commands.output : packet.commands.listed };
}

function harderOf(before: Outcome | null, other: Outcome): Outcome {
  const word = (outcome: Outcome) => verdicts.findIndex((known) => known === outcome.verdict);
  return before !== null && word(before) >= word(other) ? before : other;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter(isArtifactName).slice(0, MAX_ARTIFACTS);
  } catch {
    return []; // the run never stored one
  }
}

const oneLine = (text: string) => text.replaceAll("\n", "⏎").replaceAll("\t", " ");
const clock = (ms: number) => isoTime(ms).slice(11, 23);
const SHORT = 12;
const short = (hash: string | null) => hash?.slice(0, SHORT) ?? "unknown";

function endWords({ code, signal, ms }: TracedCommand): string {
  const how = signal !== null ? `signal ${signal}` : code !== null ? `exit ${code}` : "end not seen";
  return ms === null ? how : `${how}, ${ms} ms`;
}

const commandLine = (command: TracedCommand) =>
  `${clock(command.at)}  ${oneLine(command.argv.join(" "))}  (${command.outcome === "started" ? endWords(command) : command.outcome.replace("_", " ")})`;

function changeLine({ change, path, by }: ExplainedChange): string {
  const who =
    by.command === null
      ? "no command explains it"
      : `${by.client ? "the client" : `\`${oneLine(by.argv.join(" "))}\``}, record ${by.command}`;
  return `${change} ${oneLine(path)}  (${who})`;
}

const section = (title: string, lines: string[]) =>
  lines.length === 0 ? [] : ["", title, ...lines.map((line) => `  ${line}`)];

/** The narrative in lines for a person. */
export function narrate({ packet, outcome, commands }: Narrative): string {
  const { contract, tree, end, changes } = packet;
  const ended =
    end === null
      ? "it was not seen to end"
      : (end.unobserved ?? (end.signal !== null ? `signal ${end.signal}` : `exit ${end.code}`));
  return [
    `${packet.run}: ${contract.client} in ${contract.profile}, workspace ${contract.mode}, policy ${contract.policy}, risk ${contract.risk}`,
    `tree ${short(tree.before)} → ${short(tree.after)}, ${changes.total} paths changed; the client: ${ended}`,
    ...section("commands", commands.map(commandLine)),
    ...section(
      "models",
      packet.requests.map(
        ({ slot, backend, requests, failed, input_tokens, output_tokens }) =>
          `${slot} → ${backend}: ${requests} requests, ${failed} failed, ${input_tokens} tokens in, ${output_tokens} out`,
      ),
    ),
    ...section("changes", changes.listed.map(changeLine)),
    ...section(
      "verification",
      packet.verification.map(
        ({ command, failure, ms, baseline }) =>
          `${baseline ? "before: " : ""}${oneLine(command)} → ${failure ?? "held"}, ${ms} ms`,
      ),
    ),
    ...section(
      "policy",
      packet.policy_events.map(({ seq, event }) => `record ${seq}: ${event}`),
    ),
    ...section(
      "retries",
      packet.retries.map(({ seq, event }) => `record ${seq}: ${event}`),
    ),
    ...section("missing", packet.cut),
    ...section(
      "verdict",
      outcome === null
        ? []
        : [`${outcome.verdict}, exit ${outcome.exit.code} by ${outcome.exit.source}`, ...outcome.reasons],
    ),
  ].join("\n");
}
