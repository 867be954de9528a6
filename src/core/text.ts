// Text that comes from elsewhere, made safe: secrets taken out before anything is stored, control characters made visible
// before anything is shown. Does not stop: a secret in a shape not listed (secret-shapes.ts) and not registered with the redactor.

import { redactStream, type RedactStream } from "./redact-stream.ts";
import { ASSIGNED, NAMES, SECRET_SHAPES, SIGNS, URL_USERINFO } from "./secret-shapes.ts";

/** Every secret is longer. */
const SHORTEST = 8;

export const REDACTED = "[redacted]";

/** Which secrets: `certain` are those by value, by shape and in a URL; `all` are also what is assigned to a name that says so. */
export type Redacts = "certain" | "all";

/** Removes secrets by shape, by assignment and by value. Register values with `add` (short ones are ignored: they would eat words). */
export type Redactor = { (text: string): string; add(secret: string): void };
/** One that also takes texts in pieces. */
export type StreamRedactor = Redactor & { stream(which?: Redacts): RedactStream };

/** Makes the product's one redactor: known shapes always, the given secret values too. */
export function makeRedactor(secrets: Iterable<string> = []): StreamRedactor {
  const known = new Set<string>();
  const redactBy = (which: Redacts) => (text: string) => {
    if (text.length < SHORTEST) return text;
    let out = text;
    for (const secret of known) if (out.includes(secret)) out = out.replaceAll(secret, REDACTED);
    if (SIGNS.test(out)) for (const { whole } of SECRET_SHAPES) out = out.replace(whole, REDACTED);
    if (which === "all" && NAMES.test(out)) out = out.replace(ASSIGNED.whole, `$1${REDACTED}`);
    return out.includes("://") ? out.replace(URL_USERINFO.whole, `$1${REDACTED}@`) : out;
  };
  const redactor = Object.assign(redactBy("all"), {
    add(secret: string) {
      if (secret.length >= SHORTEST) known.add(secret);
    },
    stream: (which: Redacts = "all") => redactStream(redactBy(which), known, which === "all"),
  });
  for (const secret of secrets) redactor.add(secret);
  return redactor;
}

/** Applies a text function to every string inside a JSON value, keys excepted. */
export function mapStrings<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change)) as T;
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)])) as T;
  }
  return value;
}

// C0, DEL, C1, zero-width, bidi controls, line separators, and characters drawn as nothing (fillers, selectors, tags): each can forge what a
// terminal shows.
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb]|\udb40[\udc00-\uddff]/g;

/** Makes control, bidi and zero-width characters visible as `\u{hex}`; keeps tab and newline when asked to. */
export function visible(text: string, keep: "none" | "lines" = "none"): string {
  return text.replace(INVISIBLE, (char) =>
    keep === "lines" && (char === "\n" || char === "\t") ? char : `\\u{${char.codePointAt(0)!.toString(16)}}`,
  );
}

/** JSON whose strings show what they hold: everything invisible as `\\uHHHH`, which is the same JSON. `indent` as JSON.stringify takes it. */
export function visibleJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(INVISIBLE, (char) =>
    char === "\n"
      ? char
      : Array.from({ length: char.length }, (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`).join(
          "",
        ),
  );
}

/** Cuts text to at most `maxBytes` of UTF-8 and says whether it did. */
export function clip(text: string, maxBytes: number): { text: string; cut: boolean } {
  if (text.length * 3 <= maxBytes) return { text, cut: false };
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return { text, cut: false };
  return { text: new TextDecoder().decode(bytes.subarray(0, maxBytes)).replace(/\ufffd$/, ""), cut: true };
}
