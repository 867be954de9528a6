// Parses what tool shims write into the event pipe: NUL-terminated fields, `B pid cwd tool argc arg…` and `E pid code`.
// The writer is untrusted: anything may arrive, in any amount; garbage is dropped, counted, and never more than one frame is kept in memory.

export type ShimEvent =
  | { kind: "started"; pid: number; cwd: string; tool: string; args: string[] | null }
  | { kind: "completed"; pid: number; code: number };

const MAX_FIELD_BYTES = 8192;
const MAX_ARGS = 256;
const isCount = (text: string) => /^(-1|\d{1,9})$/.test(text);
const isPid = (text: string) => /^[1-9]\d{0,8}$/.test(text);

/** A parser with its own state: `push` returns the whole frames; `dropped` counts fields that fitted none. */
export function makeFrameParser(): { push(piece: Uint8Array): ShimEvent[]; dropped(): number } {
  const decoder = new TextDecoder();
  let rest = "";
  let fields: string[] = [];
  let dropped = 0;

  const takeFrame = (): ShimEvent | "more" | "garbage" => {
    const [mark, pid, third, tool, argc] = fields;
    if (mark === "E") {
      if (fields.length < 3) return "more";
      return isPid(pid!) && isCount(third!) ? { kind: "completed", pid: Number(pid), code: Number(third) } : "garbage";
    }
    if (mark !== "B") return "garbage";
    if (fields.length < 5) return "more";
    if (!isPid(pid!) || !isCount(argc!) || Number(argc) > MAX_ARGS) return "garbage";
    const count = Number(argc);
    if (fields.length < 5 + Math.max(0, count)) return "more";
    const args = count < 0 ? null : fields.slice(5, 5 + count);
    return { kind: "started", pid: Number(pid), cwd: third!, tool: tool!, args };
  };

  return {
    dropped: () => dropped,
    push(piece) {
      const parts = (rest + decoder.decode(piece, { stream: true })).split("\0");
      // However it is cut into pieces, an endless field keeps its beginning.
      rest = (parts.pop() ?? "").slice(0, MAX_FIELD_BYTES);
      const events: ShimEvent[] = [];
      for (const part of parts) {
        fields.push(part.slice(0, MAX_FIELD_BYTES));
        const frame = takeFrame();
        if (frame === "more") continue;
        if (frame === "garbage") dropped += fields.length;
        else events.push(frame);
        fields = [];
      }
      return events;
    },
  };
}
