// Broke's own agent, for models that bring none: reads orders on standard input, tells on standard output what it does, and works with the model at the
// gateway's address. Runs inside the sandbox of a run, like any other client, and imports nothing but this folder.
// Does not stop: anything. What it may do is the sandbox's to say; that it asks first is a courtesy to whoever watches.

import { openConversation } from "./conversation.ts";
import { modelAt } from "./model.ts";
import { openOutput, readOrders } from "./pipe.ts";
import { TOKEN_VARIABLE, URL_VARIABLE } from "./protocol.ts";
import { instructions } from "./instructions.ts";
import { workTurn } from "./turn.ts";

const option = (name: string) => {
  const at = process.argv.indexOf(name);
  return at === -1 ? undefined : process.argv[at + 1];
};

const DEFAULT_CONTEXT = 96_000;

const url = process.env[URL_VARIABLE] ?? "";
const token = process.env[TOKEN_VARIABLE] ?? "";
delete process.env[URL_VARIABLE];
delete process.env[TOKEN_VARIABLE];

const size = Number(option("--context") ?? DEFAULT_CONTEXT);
const folder = process.cwd();
const model = modelAt({ url, token, model: option("--model") ?? "" });
const conversation = openConversation(instructions(folder), size);
const answers = new Map<string, (allowed: boolean) => void>();
const tell = openOutput();
let going: { cancel: AbortController; over: Promise<void> } | undefined;

for await (const order of readOrders()) {
  if (order.kind === "cancel") going?.cancel.abort();
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
  const over = workTurn({ model, conversation, folder, tell, permit, signal: cancel.signal }, order.parts).then(tell);
  going = { cancel, over };
}
going?.cancel.abort();
await going?.over;
