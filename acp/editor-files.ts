// The editor's own view of files (`fs/read_text_file`, `fs/write_text_file`): what stands in it unsaved is what its person means. Asked only where it
// offered that, for a few seconds, and whatever is not a plain answer is none. Which paths may be asked for is the run's to say (harness/outside.ts).
// Does not stop: what an editor answers; it is text like any file's.

import * as v from "valibot";

/** So long an editor may take for one file: everything in the sandbox stands still meanwhile. */
const ASK_MS = 5_000;

export type EditorFiles = {
  /** What the editor said it has. */
  offered(): { read: boolean; write: boolean };
  /** The text of a file as the editor has it. Rejects where there is none, and when nobody answers. */
  read(path: string, over: AbortSignal): Promise<string>;
  /** Resolves when the editor says that it is written. */
  write(path: string, text: string, over: AbortSignal): Promise<void>;
};

/** Nobody answered in time. */
export class EditorSilent extends Error {}

const readSchema = v.looseObject({ content: v.string() });
const writeSchema = v.nullish(v.looseObject({}));

/** `request` asks the editor, and rejects when it answers with an error. */
export function editorFilesOf(
  sessionId: string,
  request: (method: string, params: object, signal: AbortSignal) => Promise<unknown>,
  offered: EditorFiles["offered"],
): EditorFiles {
  const ask = async (method: string, params: object, over: AbortSignal) => {
    const late = AbortSignal.timeout(ASK_MS);
    try {
      return await request(method, { sessionId, ...params }, AbortSignal.any([over, late]));
    } catch (error) {
      if (late.aborted && !over.aborted) throw new EditorSilent();
      throw error;
    }
  };
  return {
    offered,
    read: async (path, over) => v.parse(readSchema, await ask("fs/read_text_file", { path }, over)).content,
    async write(path, content, over) {
      v.parse(writeSchema, await ask("fs/write_text_file", { path, content }, over));
    },
  };
}
