// Commands one after another in a bench, and what they said.

import type { Bench } from "./broke.ts";

/** Runs each line, words divided by spaces. Throws when one fails. */
export async function done(bench: Bench, ...lines: string[]): Promise<string[]> {
  const said: string[] = [];
  for (const line of lines) {
    const ran = await bench.broke(line.split(" "));
    if (ran.code !== 0) throw new Error(`${line}: ${ran.stderr}`);
    said.push(ran.stdout);
  }
  return said;
}

/** What a line says with --json. */
export const json = async (bench: Bench, line: string) => JSON.parse((await done(bench, `${line} --json`))[0]!);

/** What a command that is refused leaves: its code, and these lines on stderr. */
export const refused = (code: number, ...lines: string[]) => ({
  code,
  stdout: "",
  stderr: lines.map((line) => `broke: ${line}\n`).join(""),
});
