// How one dialect is spoken by the scripted upstream.

import type { Json } from "#src/core/json.ts";
import type { Dialect } from "#src/core/dialects.ts";
import type { Asked, Say } from "./script.ts";

export type Speaker = {
  dialect: Dialect;
  /** Whether a POST to this path is a model request of the dialect. */
  matches(path: string): boolean;
  read(body: Json, path: string, query: string): Asked;
  whole(reply: Say, asked: Asked, id: number): Json;
  /** The events of a stream as text, each with its blank line. */
  frames(reply: Say, asked: Asked, id: number): string[];
  error(status: number, message: string): Json;
  errorFrame(message: string): string;
};

type Members = { [key: string]: Json };
export const object = (value: Json | undefined): Members =>
  value !== null && typeof value === "object" && !Array.isArray(value) ? value : {};
export const list = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : []);
export const string = (value: Json | undefined): string => (typeof value === "string" ? value : "");

export const data = (body: Json) => `data: ${JSON.stringify(body)}\n\n`;
export const named = (body: { type: string; [key: string]: Json }) =>
  `event: ${body.type}\ndata: ${JSON.stringify(body)}\n\n`;

/** Deals lists out in turns: a1 b1 a2 b2 … */
export function interleave<T>(lists: T[][]): T[] {
  const longest = Math.max(0, ...lists.map((items) => items.length));
  return Array.from({ length: longest }, (_, at) =>
    lists.flatMap((items) => (at < items.length ? [items[at]!] : [])),
  ).flat();
}
