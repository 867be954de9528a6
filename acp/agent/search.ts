// The agent's search, in a process of its own: an expression that takes forever takes only that.

import { dirname, join } from "node:path";
import { LEFT_OUT } from "./files.ts";
import { runProcess } from "./processes.ts";
import { type Tool, ToolError } from "./tool.ts";

const MAX_OUTPUT = 24 * 1024;
const SECONDS = 20;
const WALKER = join(dirname(new URL(import.meta.url).pathname), "search-main.ts");

export const searchTool: Tool = {
  name: "search",
  description: `Searches text files for a regular expression (JavaScript's, line by line) and shows path:line:text of each match. ${[...LEFT_OUT].join(" and ")} are left out.`,
  looks: true,
  parameters: {
    pattern: { type: "string", description: "the regular expression" },
    path: { type: "string", description: "file or folder; the one you work in if left out", optional: true },
    files: { type: "string", description: "only files whose path matches this glob, such as **/*.ts", optional: true },
    ignore_case: { type: "boolean", description: "whether letters match in either case", optional: true },
  },
  async run(input, { folder, signal }) {
    try {
      new RegExp(String(input["pattern"]), "u");
    } catch {
      try {
        new RegExp(String(input["pattern"]));
      } catch (error) {
        throw new ToolError(`The pattern is no regular expression: ${(error as Error).message}.`);
      }
    }
    const argv = [process.execPath, "--config=/dev/null", "--no-env-file", WALKER];
    const { code, output, why } = await runProcess(argv, {
      ...{ cwd: folder, timeoutMs: SECONDS * 1000, most: MAX_OUTPUT, signal, input: JSON.stringify(input) },
    });
    if (why === "time") throw new ToolError(`The search took more than ${SECONDS} seconds; search less, or for less.`);
    if (why === "cancelled") throw new ToolError("Cancelled.");
    if (code !== 0) throw new ToolError(output.trim() === "" ? "The search failed." : output.trim());
    return output === "" ? "[no match]" : output;
  },
};
