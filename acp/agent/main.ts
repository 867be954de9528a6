// Broke's own agent, for models that bring none: reads orders on standard input, tells on standard output what it does, and works with the model at the
// gateway's address; or does the one task of `-p`. Runs inside the sandbox of a run, like any other client, and imports nothing but this folder.
// Does not stop: anything. What it may do is the sandbox's to say; that it asks first is a courtesy to whoever watches.

import { isatty } from "node:tty";
import { editorWishes } from "./editor.ts";
import { openConversation } from "./conversation.ts";
import { modelAt } from "./model.ts";
import { openOutput, readOrders, write } from "./pipe.ts";
import { TOKEN_VARIABLE, type Told, URL_VARIABLE } from "./protocol.ts";
import { instructions } from "./instructions.ts";
import { workTurn } from "./turn.ts";

const option = (name: string) => {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
};

const DEFAULT_MODEL = "sonnet";
const DEFAULT_CONTEXT = 96_000;

const url = process.env[URL_VARIABLE] ?? "";
const token = process.env[TOKEN_VARIABLE] ?? "";
delete process.env[URL_VARIABLE];
delete process.env[TOKEN_VARIABLE];

const size = Number(option("--context") ?? DEFAULT_CONTEXT);
const folder = process.cwd();
const model = modelAt({ url, token, model: option("--model") ?? DEFAULT_MODEL, effort: option("--effort") });
const conversation = openConversation(instructions(folder), size);
const answers = new Map<string, (allowed: boolean) => void>();
const tell = openOutput();
const editor = editorWishes(new Set(option("--editor")?.split(",")), tell);
const task = option("-p");
if (task !== undefined) await workAlone(task);
else if (isatty(0)) {
  write(2, 'agent: nobody gives orders on a terminal; say the task by -p "…"\n');
  process.exitCode = 2;
} else await serve();

/** Takes orders until nobody gives any more. */
async function serve(): Promise<void> {
  let going: { cancel: AbortController; over: Promise<void> } | undefined;
  for await (const order of readOrders()) {
    if (order.kind === "cancel") going?.cancel.abort();
    if (order.kind === "file") editor.take(order);
    if (order.kind === "permit") {
      answers.get(order.id)?.(order.allowed);
      answers.delete(order.id);
    }
    if (order.kind !== "prompt") continue;
    await going?.over;
    const cancel = new AbortController();
    /** Whether a tool may be used; a turn that is over may use none. */
    const permit = (id: string) =>
      new Promise<boolean>((resolve) => {
        if (cancel.signal.aborted) return resolve(false);
        answers.set(id, resolve);
        cancel.signal.addEventListener("abort", () => resolve(false), { once: true });
        tell({ kind: "ask", id });
      });
    const { signal } = cancel;
    const editorFor = (call: string) => editor.editorFor(call, signal);
    const turn = { model, conversation, folder, tell, permit, signal, editorFor };
    const over = workTurn(turn, order.parts).then(tell);
    going = { cancel, over };
  }
  going?.cancel.abort();
  await going?.over;
}

/** One task with nobody to ask, and in plain words: what the sandbox lets it do, it does. */
async function workAlone(text: string): Promise<void> {
  const { signal } = new AbortController();
  let isOpen = false;
  const shown = (told: Told) => {
    if (told.kind === "text") {
      write(1, told.text);
      isOpen = true;
    } else if (told.kind === "tool") {
      if (isOpen) write(1, "\n");
      isOpen = false;
    }
  };
  const permit = async () => true;
  const end = await workTurn({ model, conversation, folder, tell: shown, permit, signal }, [{ type: "text", text }]);
  if (isOpen) write(1, "\n");
  if (end.kind === "end" && end.reason === "end_turn") return;
  write(2, `agent: ${end.kind === "failed" ? end.why : end.kind === "end" ? end.reason : "failed"}\n`);
  process.exitCode = 1;
}
