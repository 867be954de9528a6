// A person at Claude Code's stream-json: sends messages, waits for what comes, keeps the shape of all that came.

import type { Json } from "#src/core/json.ts";

export type Line = { type: string; [key: string]: Json };

export type Conversation = {
  lines: Line[];
  say(text: string): void;
  /** Sends a control request and waits for its answer. */
  control(request: { subtype: string; [key: string]: Json }): Promise<Line>;
  /** The next line, from the last one waited for on, that satisfies the check. */
  until(check: (line: Line) => boolean): Promise<Line>;
  /** Closes the input and waits for the end. */
  end(): Promise<{ code: number; stderr: string }>;
};

type Child = Bun.Subprocess<"pipe", "pipe", "pipe">;

export const streamJsonArgs = [
  ...["-p", "--input-format", "stream-json", "--output-format", "stream-json"],
  ...["--verbose", "--include-partial-messages"],
];

/** Holds the conversation with a started process. */
export function converse(child: Child): Conversation {
  const lines: Line[] = [];
  let arrived = Promise.withResolvers<void>();
  let over = false;
  let seen = 0;
  let asked = 0;
  const stderr = new Response(child.stderr).text();
  const reading = (async () => {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const piece of child.stdout) {
      const parts = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = parts.pop()!;
      for (const part of parts) if (part !== "") lines.push(JSON.parse(part) as Line);
      arrived.resolve();
      arrived = Promise.withResolvers<void>();
    }
    over = true;
    arrived.resolve();
  })();
  const send = (value: Json) => {
    child.stdin.write(`${JSON.stringify(value)}\n`);
    child.stdin.flush();
  };
  const until = async (check: (line: Line) => boolean): Promise<Line> => {
    for (;;) {
      const next = arrived.promise;
      while (seen < lines.length) {
        const line = lines[seen++]!;
        if (check(line)) return line;
      }
      if (over) throw new Error(`the client ended first: ${await stderr}`);
      await next;
    }
  };
  return {
    lines,
    until,
    say: (text) => send({ type: "user", message: { role: "user", content: text }, parent_tool_use_id: null }),
    control(request) {
      const id = `request-${++asked}`;
      send({ type: "control_request", request_id: id, request });
      return until(
        (line) => line.type === "control_response" && (line["response"] as { request_id?: Json }).request_id === id,
      );
    },
    async end() {
      child.stdin.end();
      await reading;
      return { code: await child.exited, stderr: await stderr };
    },
  };
}

type Block = { type?: Json; name?: Json };

/** A line without what differs from run to run: its kind, and the kinds of what is in it. */
export function shapeOf(line: Line): string {
  const words = [line.type];
  if (typeof line["subtype"] === "string") words.push(line["subtype"]);
  const message = line["message"] as { content?: Json } | undefined;
  if (Array.isArray(message?.content)) {
    for (const block of message.content as Block[]) words.push([block.type, block.name].filter(Boolean).join(":"));
  }
  const event = line["event"] as { type?: Json; delta?: Block; content_block?: Block } | undefined;
  if (event !== undefined) {
    words.push(String(event.type), String(event.delta?.type ?? event.content_block?.type ?? ""));
  }
  if (line.type === "result") words.push(`error=${String(line["is_error"])}`, String(line["terminal_reason"] ?? ""));
  return words.join(" ").trim();
}
