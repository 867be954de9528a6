// A secret that a client tells in pieces, wherever it is cut and however long it takes between them, is neither shown nor stored; what begins none is not held.

import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chunk, openTalk, type Pair, text, updatesOf } from "#test/support/acp-pair.ts";

const SECRET = "the-known-secret";
const storedIn = ({ home }: Pair) => {
  const [file] = readdirSync(join(home, "acp"));
  return readFileSync(join(home, "acp", file!), "utf8");
};
type Chunk = { sessionUpdate: string; content?: { text?: string } };
const textIn = (updates: readonly Chunk[]) =>
  updates.map(({ sessionUpdate, content }) => (sessionUpdate.endsWith("_chunk") ? (content?.text ?? "") : "")).join("");
const storedText = (stored: string) =>
  textIn(
    stored
      .split("\n")
      .filter((line) => line !== "")
      .flatMap((line) => (JSON.parse(line) as { update?: Chunk }).update ?? []),
  );

const shapes = [SECRET, "sk-ant-api03-AbCdEfGhIjKlMnOpQrSt"];
const cuts = shapes.flatMap((secret) =>
  Array.from({ length: secret.length - 1 }, (_, at) => [secret, at + 1] as const),
);
test.concurrent.each(cuts)("%s, cut at %i, each piece sent before the next comes", async (secret, at) => {
  using pair = await openTalk(
    async (_, turn) => {
      await turn.update(chunk(`It is ${secret.slice(0, at)}`));
      await pair.until(({ params }) => JSON.stringify(params)?.includes("It is") === true);
      await turn.update(chunk(`${secret.slice(at)} now.`));
      return "end_turn";
    },
    { secrets: [SECRET] },
  );
  await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
  expect(textIn(updatesOf(pair))).toBe("It is [redacted] now.");
  expect(storedText(storedIn(pair))).toBe("It is [redacted] now.");
});

test("what is assigned to a name that says so is stored without, though each piece came alone", async () => {
  using pair = await openTalk(async (_, turn) => {
    for (const piece of ["The pass", "word: hun", "ter2hun", "ter2. ", "Bye."]) {
      await turn.update(chunk(piece));
      await Bun.sleep(40); // longer than text is gathered
    }
    return "end_turn";
  });
  await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
  expect(storedText(storedIn(pair))).toBe("The password: [redacted] Bye.");
});

test("a beginning of one is told when nothing follows it, and before what is another's", async () => {
  using pair = await openTalk(
    async (_, turn) => {
      await turn.update(chunk("one the-known-"));
      await turn.update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text: "two the-known-" } });
      await turn.update({ sessionUpdate: "tool_call", toolCallId: "c", title: "x", kind: "read", status: "completed" });
      await turn.update(chunk("secret three sk-"));
      return "end_turn";
    },
    { secrets: [SECRET] },
  );
  await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
  const told: string[][] = [];
  for (const update of updatesOf(pair)) {
    // What a session begins with is told behind its answer, whatever its agent says meanwhile.
    if (update.sessionUpdate === "available_commands_update") continue;
    const text = (update as Chunk).content?.text;
    if (text !== undefined && told.at(-1)?.[0] === update.sessionUpdate) told.at(-1)![1] += text;
    else told.push(text === undefined ? [update.sessionUpdate] : [update.sessionUpdate, text]);
  }
  expect(told.slice(-4)).toEqual([
    ["agent_message_chunk", "one the-known-"],
    ["agent_thought_chunk", "two the-known-"],
    ["tool_call"],
    ["agent_message_chunk", "secret three sk-"],
  ]);
  expect(storedText(storedIn(pair))).toBe("one the-known-two the-known-secret three sk-");
});

test("a tool's output in one piece is shown without, and what is asked about as it is", async () => {
  const shown = (content: string) => [{ type: "content" as const, content: { type: "text" as const, text: content } }];
  using pair = await openTalk(
    async (_, turn) => {
      const call = { toolCallId: "c", title: `echo ${SECRET}`, kind: "execute" as const, status: "pending" as const };
      await turn.update({ sessionUpdate: "tool_call", ...call });
      await turn.update({
        sessionUpdate: "tool_call_update",
        toolCallId: "c",
        status: "completed",
        content: shown(`${SECRET} token = abcdefghijk`),
      });
      return "end_turn";
    },
    { secrets: [SECRET] },
  );
  await pair.ask("session/prompt", { sessionId: pair.sessionId, prompt: text("go") });
  const [call, end] = updatesOf(pair).filter(({ sessionUpdate }) =>
    sessionUpdate.startsWith("tool_call"),
  ) as unknown as [{ title: string }, { content: unknown }];
  expect([call.title, end.content]).toEqual([`echo ${SECRET}`, shown("[redacted] token = abcdefghijk")]);
  expect(storedIn(pair)).not.toContain(SECRET);
});
