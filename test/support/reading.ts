// Reads what a program says, up to a text that is waited for, or to its end.

export type Reading = {
  /** Everything read so far. */
  text(): string;
  /** Reads on until the text has come. Throws at the end of the stream. */
  until(wanted: string): Promise<string>;
  rest(): Promise<string>;
};

/** A reading of one stream. */
export function readFrom(stream: ReadableStream<Uint8Array>): Reading {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  const more = async (): Promise<boolean> => {
    const { done, value } = await reader.read();
    if (!done) text += decoder.decode(value, { stream: true });
    return !done;
  };
  return {
    text: () => text,
    async until(wanted) {
      while (!text.includes(wanted)) if (!(await more())) throw new Error(`no ${wanted} in: ${text}`);
      return text;
    },
    async rest() {
      while (await more());
      return text;
    },
  };
}
