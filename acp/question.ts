// A question of the sandbox, about a program or a host that the operator wants to be asked about, put to the person at the editor: as a form where
// their editor shows forms, else as a tool's permission. Whatever is not a plain yes is a no.
// Does not stop: a person who says yes.

import * as v from "valibot";
import type { Answer, Question } from "#harness/question.ts";
import { visible } from "#src/core/text.ts";
import { acpError } from "./errors.ts";

const titles: Record<Answer, string> = { once: "Allow once", run: "Allow for this run", deny: "Deny" };
const answers = ["once", "run", "deny"] as const;
const kinds: Record<Answer, string> = { once: "allow_once", run: "allow_always", deny: "reject_once" };

const formSchema = v.object({ action: v.literal("accept"), content: v.object({ answer: v.picklist(answers) }) });
const permissionSchema = v.object({
  outcome: v.object({ outcome: v.literal("selected"), optionId: v.picklist(answers) }),
});

/** Puts it until it is answered or `over`; undefined: nobody answered. */
export type PutQuestion = (question: Question, over: AbortSignal) => Promise<Answer | undefined>;

/** `request` asks the editor, and rejects when nobody answers; `showsForms` where it has them. */
export function makeQuestioner(
  sessionId: string,
  request: (method: string, params: object, signal: AbortSignal) => Promise<unknown>,
  showsForms: () => boolean,
): PutQuestion {
  let asked = 0;
  return async ({ title, rows }, over) => {
    const text = [title, ...rows.map(([name, value]) => `${name}: ${value}`)].map((line) => visible(line)).join("\n");
    const form = () => {
      const oneOf = answers.map((answer) => ({ const: answer, title: titles[answer] }));
      const requestedSchema = {
        ...{ type: "object", required: ["answer"] },
        properties: { answer: { type: "string", title: "Answer", oneOf } },
      };
      return request("elicitation/create", { sessionId, mode: "form", message: text, requestedSchema }, over);
    };
    const permission = () => {
      const content = [{ type: "content", content: { type: "text", text } }];
      const toolCall = { toolCallId: `sandbox-${++asked}`, title: text.split("\n")[0], kind: "other", content };
      const options = answers.map((answer) => ({ optionId: answer, name: titles[answer], kind: kinds[answer] }));
      return request("session/request_permission", { sessionId, toolCall, options }, over);
    };
    try {
      if (over.aborted) throw acpError("cancelled", "nobody wants to know any more");
      if (!showsForms()) return v.parse(permissionSchema, await permission()).outcome.optionId;
      return v.parse(formSchema, await form()).content.answer;
    } catch {
      return over.aborted ? undefined : "deny";
    }
  };
}
