// The first line of a script, as the kernel reads it (fs/binfmt_script.c). Pure; loaded inside the observer's thread, so no imports.

/** As much of a file as the kernel looks at (BINPRM_BUF_SIZE). */
export const HEAD_BYTES = 256;

/** The interpreter and its one argument; undefined for what is no script. */
export function parseShebang(head: Uint8Array): { interpreter: string; argument: string | null } | undefined {
  if (head[0] !== 0x23 || head[1] !== 0x21) return undefined;
  const text = Buffer.from(head).toString("latin1");
  const line = text.slice(2).split(/[\n\0]/, 1)[0]!;
  const [, interpreter, argument] = /^[ \t]*([^ \t]+)(?:[ \t]+(.*?))?[ \t]*$/.exec(line) ?? [];
  const bytes = (word: string) => Buffer.from(word, "latin1").toString();
  if (interpreter === undefined) return undefined;
  return { interpreter: bytes(interpreter), argument: argument ? bytes(argument) : null };
}
