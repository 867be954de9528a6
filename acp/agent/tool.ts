// What a tool of the agent is, and its arguments as the model wrote them: checked, and what is wrong with them said so that it can be mended. Pure.

import type { Change, Exit } from "./protocol.ts";

type Parameter = { type: "string" | "integer" | "boolean"; description: string; optional?: true };

export type Input = Record<string, string | number | boolean>;

/** Files as the editor has them. Each resolves with whether the editor had its part in it: where not, the file is the tool's own. */
export type Editor = {
  /** Undefined: not by the editor. */
  read(path: string): Promise<string | undefined>;
  /** Throws `ToolError` where nobody vouches for it. */
  write(path: string, text: string): Promise<boolean>;
};

export type Work = {
  folder: string;
  signal: AbortSignal;
  editor?: Editor | undefined;
  /** Told of what a command prints as it goes on. */
  printed?: ((text: string) => void) | undefined;
};

/** What a tool came to, with how its command ended. */
export type Came = { text: string; exit: Exit };

export type Tool = {
  name: string;
  description: string;
  parameters: Record<string, Parameter>;
  /** Whether it only looks: such ones run beside each other, and nobody is asked. */
  looks: boolean;
  /** What it would make of a file, before anybody is asked. Throws `ToolError`. */
  preview?(input: Input, work: Work): Promise<Change>;
  /** What it came to. Throws `ToolError`. */
  run(input: Input, work: Work): string | Promise<string | Came>;
};

/** A tool that could not do what was asked; its message is for the model. */
export class ToolError extends Error {}

/** As the model is told of it. */
export function describeTool({ name, description, parameters }: Tool): object {
  const entries = Object.entries(parameters);
  const properties = Object.fromEntries(entries.map(([key, { type, description }]) => [key, { type, description }]));
  const required = entries.flatMap(([key, { optional }]) => (optional ? [] : [key]));
  return {
    type: "function",
    function: { name, description, parameters: { type: "object", properties, required, additionalProperties: false } },
  };
}

const isOf = (type: Parameter["type"], value: unknown) =>
  type === "integer" ? Number.isSafeInteger(value) : typeof value === type;

/** The object the model wrote, whatever is in it; undefined where it is none. */
export function objectIn(args: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = args.trim() === "" ? {} : JSON.parse(args);
    return value !== null && typeof value === "object" && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** The arguments, or what is wrong with them. Throws `ToolError`. */
export function checkInput({ name, parameters }: Tool, args: string): Input {
  const given = objectIn(args);
  if (given === undefined)
    throw new ToolError(`The arguments of ${name} are not one JSON object. Call it again with well-formed arguments.`);
  const wrong = Object.entries(parameters).flatMap(([key, { type, optional }]) => {
    const value = given[key];
    if (value === undefined || value === null) return optional ? [] : [`"${key}" is missing`];
    return isOf(type, value) ? [] : [`"${key}" must be of type ${type}`];
  });
  const unknown = Object.keys(given).filter((key) => !Object.hasOwn(parameters, key));
  wrong.push(...unknown.map((key) => `there is no "${key.slice(0, 40)}"`));
  if (wrong.length > 0)
    throw new ToolError(
      `The arguments of ${name} are wrong: ${wrong.join("; ")}. It takes: ${Object.keys(parameters).join(", ")}.`,
    );
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as Input;
}

/** A text of at most so many characters: its beginning and its end, and between them how much is not there. */
export function headAndTail(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor(most / 2);
  const left = text.length - 2 * half;
  return `${text.slice(0, half)}\n[${left} characters left out]\n${text.slice(-half)}`.toWellFormed();
}
