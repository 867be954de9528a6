// A conversation and an answer in words free of any dialect: what a client means, what a provider is asked, what a client hears.

import type { Json } from "#src/core/json.ts";

/** `args` is an object, or the text of a tool that takes free text. */
export type Call = { id: string; name: string; args: Json };
/** `shows` are pictures: PNG in base64. */
export type Result = { id: string; text: string; shows?: string[]; failed?: true };

/** In words, or as a PDF in base64. */
export type Paper = { title: string; text?: string; pdf?: string };

export type Line =
  | { by: "system"; text: string }
  | { by: "user"; text?: string; shows?: string[]; file?: Paper }
  | { by: "model"; text?: string; calls?: Call[] }
  | { by: "tools"; results: Result[] };

/** `free`: it takes text instead of an object. */
export type Tool = { name: string; description?: string; schema?: Json; free?: true };

/** What is asked beside the conversation; what a client leaves out is absent. */
export type Settings = {
  tools?: Tool[];
  choice?: "auto" | "required" | "none" | { tool: string };
  oneCall?: true;
  limit?: number;
  temperature?: number;
  topP?: number;
  topK?: number;
  stops?: string[];
  effort?: string;
  budget?: number;
  /** The JSON schema of the answer. */
  format?: Json;
  user?: string;
};

/** A thought in a history: its words, and what proves who thought it. */
export type Thought = { text: string; proof: string | null };

/** `thoughts` stand beside the lines, since few dialects keep their place. */
export type Asked = { lines: Line[]; thoughts: Thought[]; settings: Settings; marks: number };

export type Heard = {
  text: string;
  thinking: string;
  calls: Call[];
  stop: string;
  /** `input` counts everything read, `cached` of it from a cache. */
  tokens: { input: number; cached: number; output: number };
};

/** An answer, and the model's turn as this client's SDK keeps it and sends it back. */
export type Answer = { heard: Heard; turn: Json };
export type Failure = { status: number; message: string };

export type Members = { [key: string]: Json };

/** A client of one dialect: what it sends for a conversation, and what it makes of an answer. Throws where its SDK would. */
export type Client = {
  path(stream: boolean): string;
  /** `turns`: the model's turns that came as answers, by their place among the lines. */
  write(lines: readonly Line[], settings: Settings, stream: boolean, turns: ReadonlyMap<number, Json>): Members;
  /** A thought as this client keeps it, in front of what the model said or called. */
  thought(turn: Json, proof: string): Json;
  hear(body: Members): Answer;
  /** Throws `Error` with the failure's words when the stream ends badly. */
  hearStream(sse: string): Answer;
  failure(body: Members): string;
};

/** A provider of one dialect: what it understands of a request. Throws where it would answer 400. */
export type Backend = { see(body: Members, path: string): Asked };

export const asMembers = (value: Json | undefined): Members =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
export const asList = (value: Json | undefined): Members[] => (Array.isArray(value) ? value.map(asMembers) : []);
export const asText = (value: Json | undefined): string => (typeof value === "string" ? value : "");
export const asNumber = (value: Json | undefined): number => (typeof value === "number" ? value : 0);

/** Fails as the other side would. */
export function insist(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(`refused: ${what}`);
}

/** Members that have a value. */
export function given<Values extends { [key: string]: unknown }>(values: Values): { [key: string]: Json } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as never;
}

const SAID = ["system", "user"];

/** What one side says in a row as one line; a system prompt in one piece. */
export function joined(lines: readonly Line[]): Line[] {
  const out: Line[] = [];
  for (const line of lines) {
    const last = out.at(-1);
    if (last?.by === "tools" && line.by === "tools") {
      out[out.length - 1] = { by: "tools", results: [...last.results, ...line.results] };
    } else if (last !== undefined && last.by === line.by && SAID.includes(line.by)) {
      const [one, other] = [last, line] as Extract<Line, { by: "user" }>[];
      const texts = [one!.text, other!.text].filter((text) => text !== undefined);
      const shows = [...(one!.shows ?? []), ...(other!.shows ?? [])];
      out[out.length - 1] = {
        ...one!,
        ...other!,
        ...(texts.length === 0 ? {} : { text: texts.join("\n\n") }),
        ...(shows.length === 0 ? {} : { shows }),
      };
    } else out.push(line);
  }
  return out;
}

/** The data of every event of SSE text, with its name. */
export function eventsOf(sse: string): { name: string; data: string }[] {
  insist(/^$|\n\n(:.*\n)?$/.test(sse.slice(-200)), "a stream that ends inside an event");
  return sse
    .split("\n\n")
    .map((frame) => frame.split("\n").filter((line) => line !== "" && !line.startsWith(":")))
    .filter((lines) => lines.length > 0)
    .map((lines) => ({
      name: lines.find((line) => line.startsWith("event: "))?.slice(7) ?? "",
      data: lines.flatMap((line) => (line.startsWith("data: ") ? [line.slice(6)] : [])).join("\n"),
    }));
}
