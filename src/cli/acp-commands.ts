// What the slash commands of the ACP server do: what `broke route`, `swap`, `harness diff` and `harness land` do, in the words a session answers with.

import type { KeptArtifact } from "#acp/extras.ts";
import type { Command, CommandContext, Commands } from "#acp/commands.ts";
import { BrokeError } from "#src/core/errors.ts";
import { clip, visible } from "#src/core/text.ts";
import { runPaths } from "#src/state/paths.ts";
import { readAssignments } from "./assignments.ts";
import { knownNow, type State } from "./compose.ts";

const MOST_DIFF_BYTES = 256 * 1024;

/** The session's last run; `end` ends the one that is going on, so that it has one that is judged. */
async function judgedRun({ runs, endRun }: CommandContext): Promise<{ id: string; verdict: string | null }> {
  await endRun();
  const last = runs.at(-1);
  if (last === undefined) throw new BrokeError("missing", "this session had no run yet", "ask it something first");
  return last;
}

const fenced = (kind: string, text: string) => {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${kind}\n${text}\n${fence}`;
};

async function route(state: State, slot: string): Promise<string> {
  const { describeRoute } = await import("#src/observe/routes.ts");
  const described = describeRoute(slot, knownNow(state));
  if (described.kind === "refused") return `${described.message}\n${described.hint}`;
  const attempts = described.attempts.map(
    ({ backend, model, why, key }, index) => `${index + 1}. ${backend} (${model}) ${why}, ${key ?? "no key"}`,
  );
  const skipped = described.skipped.map(({ label, why }) => `- ${label}: ${why}`);
  return [`${described.slot}, generation ${described.generation}`, "", ...attempts, ...skipped].join("\n");
}

async function swap(state: State, words: string[]): Promise<string> {
  if (words.length === 0) throw new BrokeError("usage", "nothing to swap", "/swap sonnet=<backend>");
  const assignments = readAssignments(words, "slot=backend").map(({ name, value }) => ({ slot: name, label: value }));
  const { swapSlots } = await import("#src/routing/edit.ts");
  const { edited } = await import("./shared.ts");
  const { id } = await edited(state, ({ generations }) =>
    generations.commit(`swap ${words.join(" ")}`, (routing) => swapSlots(routing, assignments)),
  );
  return `generation ${id}: ${assignments.map(({ slot, label }) => `${slot} → ${label}`).join(", ")}`;
}

async function verdict(state: State, context: CommandContext): Promise<string> {
  const { id } = await judgedRun(context);
  const { readRun, summarize } = await import("#harness/view.ts");
  const { signingKeys } = await import("#src/state/secrets.ts");
  const view = readRun(state.home, state.runs, signingKeys(state.home).verify, id);
  const issued = (summarize(view) as { verdict?: { verdict?: unknown; reasons?: unknown } | null }).verdict;
  const reasons = Array.isArray(issued?.reasons) ? issued.reasons.map((reason) => `- ${visible(String(reason))}`) : [];
  return [`${id}: ${issued?.verdict ?? "no verdict"}`, ...reasons, `ledger ${view.verification.state}`].join("\n");
}

async function diff(state: State, context: CommandContext): Promise<string> {
  const { id } = await judgedRun(context);
  const { findArtifact } = await import("#harness/evidence/stored.ts");
  const text = findArtifact(runPaths(state.home, id), "diff")?.text;
  if (text === undefined || text === "") return `${id} changed no files`;
  const shown = clip(visible(text, "lines"), MOST_DIFF_BYTES);
  return fenced("diff", shown.cut ? `${shown.text}\n[cut: \`broke harness diff ${id}\` has the rest]` : shown.text);
}

async function land(state: State, context: CommandContext): Promise<string> {
  const { id } = await judgedRun(context);
  const { landRun } = await import("#harness/land.ts");
  const { openLaunchAudit } = await import("./audit.ts");
  const landing = landRun({ home: state.home, runs: state.runs, audit: await openLaunchAudit(state) }, id, []);
  const held = landing.held.map((path) => `not taken over, protected: ${visible(path)}`);
  return [
    ...landing.landed.map((path) => visible(path)),
    ...(landing.hint === null ? [] : [landing.hint]),
    ...held,
  ].join("\n");
}

function permissions({ choices, permitted }: CommandContext): string {
  const lines = permitted.map(
    ({ tool, allowed, by }) => `- ${allowed ? "allowed" : "refused"} by ${by}: ${visible(tool)}`,
  );
  return [`mode ${choices.mode}, sandbox ${choices.sandbox}`, ...lines].join("\n");
}

function unquarantine(lane: string, { clearLane }: CommandContext): string {
  return clearLane(lane) ? `${visible(lane)} may try again` : `nothing is held against ${visible(lane)}`;
}

/** The commands over an opened state. */
export function acpCommands(state: State): Commands {
  const commands: Record<string, Command> = {
    route: {
      description: "Show which backends would be tried, in order, and why",
      hint: "slot (this session's when empty)",
      run: ([slot], { choices }) => route(state, slot ?? choices.model),
    },
    swap: {
      description: "Point slots at other backends from the next request on",
      hint: "slot=backend …",
      run: (words) => swap(state, words),
    },
    verdict: {
      description: "End this session's run and show its verdict",
      run: (_, context) => verdict(state, context),
    },
    diff: { description: "End this session's run and show what it changed", run: (_, context) => diff(state, context) },
    land: { description: "Take over what a run did in a tree of its own", run: (_, context) => land(state, context) },
    permissions: {
      description: "Show what was allowed and refused in this session",
      run: (_, context) => permissions(context),
    },
    unquarantine: {
      description: "Let a lane try again that failed again and again and is held back",
      hint: "lane (this session's when empty)",
      run: ([lane], context) => unquarantine(lane ?? context.choices.lane, context),
    },
  };
  return commands;
}

/** What is kept of a run, as its ledger names it. */
export async function artifactsOf(state: State, run: string): Promise<KeptArtifact[]> {
  const { ledgerRecords } = await import("#harness/ledger-lines.ts");
  const { artifactRefSchema } = await import("#harness/artifacts/artifact.ts");
  const { safeParse } = await import("valibot");
  return [...ledgerRecords(runPaths(state.home, run).ledger)].flatMap(({ event, data }) => {
    const parsed = event === "artifact.stored" ? safeParse(artifactRefSchema, data) : undefined;
    if (!parsed?.success) return [];
    const { kind, sha256, bytes } = parsed.output;
    return [{ run, kind, sha256, bytes }];
  });
}
