// The agent's tool that runs a command, in a shell of its own each time.
// Does not stop: anything a command does; the sandbox does, and whoever is asked before.

import { existsSync } from "node:fs";
import { runProcess } from "./processes.ts";
import type { Tool } from "./tool.ts";

const MAX_OUTPUT = 24 * 1024;
const USUAL_SECONDS = 120;
/** Less than a session lets its client be silent. */
const MAX_SECONDS = 600;
const SHELL = existsSync("/bin/bash") ? "/bin/bash" : "/bin/sh";

export const runTool: Tool = {
  name: "run_command",
  description:
    "Runs a shell command in the folder you work in, waits for its end and shows its output, of a long one the beginning and the end. It gets no input, and nothing of it goes on in the background.",
  looks: false,
  parameters: {
    command: { type: "string", description: "what the shell is given" },
    timeout: {
      type: "integer",
      description: `seconds it may take; ${USUAL_SECONDS} if left out, ${MAX_SECONDS} at most`,
      optional: true,
    },
  },
  async run(input, { folder, signal, printed }) {
    const seconds = Math.min(MAX_SECONDS, Math.max(1, Number(input["timeout"] ?? USUAL_SECONDS)));
    const ended = await runProcess([SHELL, "-c", String(input["command"])], {
      ...{ cwd: folder, timeoutMs: seconds * 1000, most: MAX_OUTPUT, signal, printed },
    });
    const how = {
      ended: ended.signal === null ? `exit code ${ended.code}` : `ended by ${ended.signal}`,
      time: `ended because it took more than ${seconds} seconds`,
      cancelled: "cancelled",
    }[ended.why];
    const left = ended.why === "ended" && ended.left > 0 ? "; what it left in the background was ended" : "";
    const exit = { exit_code: ended.code, signal: ended.signal };
    return { text: `[${how}${left}]\n${ended.output}`, exit };
  },
};
