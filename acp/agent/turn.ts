// One turn of the agent: the model is asked, its calls are made and answered, until it calls for nothing more, or may not go on. Calls that only look are
// made beside each other, those that change something one after the other, in the model's order; each of these is asked about first.

import { randomBytes } from "node:crypto";
import type { Conversation } from "./conversation.ts";
import { makeGuard } from "./guard.ts";
import { type Call, type Model, ModelError } from "./model.ts";
import type { Change, Exit, PromptPart, Told } from "./protocol.ts";
import { checkInput, describeTool, type Editor, type Input, objectIn, type Tool, ToolError } from "./tool.ts";
import { tools } from "./tools.ts";

const MAX_STEPS = 100;
const MAX_SHOWN_CHANGE = 64 * 1024;
const REFUSED =
  "The user did not allow this. Do not try to reach the same by other means; go on without it, or say what you would have needed.";
const CANCELLED = "Cancelled.";

export type Turn = {
  model: Model;
  conversation: Conversation;
  folder: string;
  tell(told: Told): void;
  /** Whether a tool that was told of may be used. */
  permit(id: string): Promise<boolean>;
  signal: AbortSignal;
  /** For a call; undefined: there is no editor to be asked. */
  editorFor?: ((call: string) => Editor) | undefined;
};

const prefix = randomBytes(4).toString("hex");
let calls = 0;
const described = tools.map(describeTool);

type Outcome = { ok: boolean; text: string; exit?: Exit };
/** A call with the id it has here, and the one it has for its model. */
type Made = Call & { shownId: string };

const shownChange = (change: Change | undefined) =>
  change === undefined || change.after.length + (change.before?.length ?? 0) > MAX_SHOWN_CHANGE ? {} : { change };

/** Makes one call; never rejects. */
async function makeCall({ shownId: id, name, args }: Made, turn: Turn): Promise<Outcome> {
  const { folder, signal, tell, permit } = turn;
  const printed = (text: string) => tell({ kind: "printed", id, text });
  const work = { folder, signal, editor: turn.editorFor?.(id), printed };
  const tool = tools.find((each) => each.name === name);
  let isTold = false;
  const announce = (input: Record<string, unknown>, change?: Change) => {
    isTold = true;
    tell({ kind: "tool", id, name, input, ...shownChange(change) });
  };
  const act = async (known: Tool, input: Input): Promise<Outcome> => {
    if (known.looks) announce(input);
    else {
      announce(input, await known.preview?.(input, work));
      if (!(await permit(id))) return { ok: false, text: signal.aborted ? CANCELLED : REFUSED };
    }
    tell({ kind: "started", id });
    const came = await known.run(input, work);
    const ok = !signal.aborted;
    return typeof came === "string" ? { ok, text: came } : { ok, ...came };
  };
  const outcome = await (async () => {
    try {
      if (signal.aborted) return { ok: false, text: CANCELLED };
      if (tool === undefined)
        throw new ToolError(`There is no tool of that name; there are: ${tools.map((each) => each.name).join(", ")}.`);
      return await act(tool, checkInput(tool, args));
    } catch (error) {
      if (error instanceof ToolError) return { ok: false, text: error.message };
      return { ok: false, text: `The tool failed: ${error instanceof Error ? error.message : "unknown"}` };
    }
  })();
  if (!isTold) announce(objectIn(args) ?? {});
  tell({ kind: "ended", id, ...outcome });
  return outcome;
}

const looksOnly = ({ name }: Call) => tools.find((each) => each.name === name)?.looks ?? true;

/** Works until the turn is over; what it ended in. Never rejects. */
export async function workTurn(turn: Turn, parts: readonly PromptPart[]): Promise<Told> {
  const { model, conversation, tell, signal } = turn;
  const guard = makeGuard();
  let heard = "";
  const hear = {
    text(piece: string) {
      heard += piece;
      tell({ kind: "text", text: piece });
    },
    thought: (piece: string) => tell({ kind: "thought", text: piece }),
  };
  const usage = () => tell({ kind: "usage", used: conversation.used(), size: conversation.size });

  const guarded = async (call: Made): Promise<Outcome> => {
    const key = JSON.stringify([call.name, call.args]);
    const why = guard.refuse(key);
    if (why !== undefined) return { ok: false, text: why };
    const outcome = await makeCall(call, turn);
    guard.note(key, outcome.text, outcome.ok && !looksOnly(call));
    return outcome;
  };
  /** Every call is answered, in order, whatever becomes of the turn. */
  const makeCalls = async (made: readonly Made[]): Promise<Outcome[]> => {
    const outcomes: Outcome[] = [];
    for (let at = 0; at < made.length;) {
      const end = made.findIndex((call, index) => index >= at && !looksOnly(call));
      const beside = made.slice(at, end === -1 ? made.length : end);
      outcomes.push(...(await Promise.all(beside.map(guarded))));
      at += beside.length;
      if (at < made.length) outcomes.push(await guarded(made[at++]!));
    }
    return outcomes;
  };

  const step = async (): Promise<Told | undefined> => {
    heard = "";
    const messages = await conversation.request(model, signal, (before, after) =>
      tell({ kind: "thought", text: `[the conversation was summed up: ${before} tokens became ${after}]\n` }),
    );
    const answer = await model({ messages, tools: described }, hear, signal);
    const taken = new Set<string>();
    const made = answer.calls.map((call): Made => {
      const shownId = `${prefix}_${++calls}`;
      const id = call.id === "" || taken.has(call.id) ? shownId : call.id;
      taken.add(id);
      return { ...call, id, shownId };
    });
    heard = "";
    conversation.answered(
      answer,
      made.map(({ id }) => id),
    );
    usage();
    // Of an answer that broke off, the last call is not what was meant.
    const isCut = answer.finish === "length" || answer.finish === "content_filter";
    const cut = { ok: false, text: "The answer broke off; this call was not made." };
    const outcomes = isCut ? made.map(() => cut) : await makeCalls(made);
    for (const [at, { text }] of outcomes.entries()) conversation.result(made[at]!.id, text);
    if (signal.aborted) return { kind: "end", reason: "cancelled" };
    if (answer.finish === "length") return { kind: "end", reason: "max_tokens" };
    if (answer.finish === "content_filter") return { kind: "end", reason: "refusal" };
    if (made.length === 0) return { kind: "end", reason: "end_turn" };
    return guard.isStuck() ? { kind: "end", reason: "max_turn_requests" } : undefined;
  };

  conversation.prompt(parts);
  try {
    for (let number = 0; number < MAX_STEPS; number++) {
      const over = await step();
      if (over !== undefined) return over;
    }
    return { kind: "end", reason: "max_turn_requests" };
  } catch (error) {
    // What was heard of an answer that never ended was shown, so it was said.
    const text = heard === "" ? "" : `${heard}\n[broken off]`;
    conversation.answered({ text, calls: [], reasoning: [], tokens: undefined }, []);
    if (signal.aborted) return { kind: "end", reason: "cancelled" };
    return { kind: "failed", why: error instanceof ModelError ? error.message : "the agent failed" };
  }
}
