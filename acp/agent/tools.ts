// The one table of the agent's tools.

import { editTool, listTool, readTool, writeTool } from "./files.ts";
import { searchTool } from "./search.ts";
import { runTool } from "./shell.ts";
import type { Tool } from "./tool.ts";

export const tools: readonly Tool[] = [readTool, listTool, searchTool, editTool, writeTool, runTool];
