// What secrets look like: whole, and as far as they are there at the end of a text that goes on. Pure data, for the redactor and its form for text in pieces.
// Does not stop: a secret in a shape not listed and not registered with the redactor.

/**
 * `whole` is global. `begun` and `open` end where the text does: one that is not whole yet, and one that is whole and goes on until `rest`.
 */
export type Shape = { whole: RegExp; begun: RegExp; open?: { at: RegExp; rest: RegExp } };

/** All that a word begins with, itself the last. */
const startsOf = (word: string) => Array.from({ length: word.length }, (_, at) => word.slice(0, at + 1));
const anyOf = (words: readonly string[]) => `(?:${[...new Set(words)].toReversed().join("|")})`;

/** One of the heads, and then at least so many of a class. */
function headed(heads: readonly string[], body: string, least: number): Shape {
  const head = anyOf(heads);
  const begun = [`${anyOf(heads.flatMap((word) => startsOf(word).slice(0, -1)))}`, `${head}[${body}]{0,${least - 1}}`];
  return {
    whole: new RegExp(`\\b${head}[${body}]{${least},}`, "g"),
    begun: new RegExp(`\\b(?:${begun.join("|")})$`),
    open: { at: new RegExp(`\\b${head}[${body}]{${least},}$`), rest: new RegExp(`[^${body}]`) },
  };
}

const LETTERS = "A-Za-z0-9";
const WORDS = `${LETTERS}_-`;

export const SECRET_SHAPES: readonly Shape[] = [
  headed(["sk-"], WORDS, 16), // Anthropic, OpenRouter, OpenAI
  headed(["gsk_"], LETTERS, 16), // Groq
  headed(["csk-"], LETTERS, 16), // Cerebras
  headed(["AIza"], WORDS, 30), // Google
  headed(["hf_"], LETTERS, 16), // Hugging Face
  headed(["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], LETTERS, 20), // GitHub
  headed(["github_pat_"], `${LETTERS}_`, 20),
  headed(["xoxa-", "xoxb-", "xoxp-", "xoxr-", "xoxs-"], `${LETTERS}-`, 10), // Slack
  // AWS access key id. Whether it is one shows with what comes after it.
  { whole: /\bAKIA[A-Z0-9]{16}\b/g, begun: /\b(?:A|AK|AKI|AKIA[A-Z0-9]{0,16})$/ },
  headed(["brokerun_", "brokecli_", "brokeapp_"], WORDS, 20), // our own tokens
  {
    // JWT. Its first part is short; without a bound a text of nothing but beginnings costs the square of its length.
    whole: /\beyJ[A-Za-z0-9_-]{8,1024}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}/g,
    begun: /\b(?:e|ey|eyJ[\w-]{0,1024}|eyJ[\w-]{8,1024}\.[\w-]*|eyJ[\w-]{8,1024}\.[\w-]{8,}\.[\w-]{0,7})$/,
    open: { at: /\beyJ[\w-]{8,1024}\.[\w-]{8,}\.[\w-]{8,}$/, rest: /[^\w-]/ },
  },
  {
    whole: /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
    begun: /(?:-{1,5}|-----B|-----BE|-----BEG|-----BEGI|-----BEGIN|-----BEGIN [A-Z ]{0,64}-{0,4})$/,
  },
];
/** A private key that has not ended. */
export const KEY_BEGUN = /-----BEGIN [A-Z ]*PRIVATE KEY-----(?![\s\S]*-----END [A-Z ]*PRIVATE KEY-----)[\s\S]*$/;
export const KEY_END = /-----END [A-Z ]*PRIVATE KEY-----/;
/** Every end of a key is shorter. */
export const KEY_END_LENGTH = 96;

const NAMED = ["apikey", "api_key", "api-key", "token", "secret", "passwd", "password", "authorization"];
const NAME = anyOf(NAMED);
const GIVEN = `${NAME}["']?\\s*[:=]\\s*["']?(?:bearer\\s+)?`;
const VALUE = `[^\\s"'&,;]`;
/** A value given to something whose name says that it is secret. The first group stays. */
export const ASSIGNED: Shape = {
  whole: new RegExp(`(${GIVEN})(${VALUE}{8,})`, "gi"),
  begun: new RegExp(`(?:${anyOf(NAMED.flatMap(startsOf))}|${NAME}["']?\\s*|${GIVEN}${VALUE}{0,7})$`, "i"),
  open: { at: new RegExp(`${GIVEN}${VALUE}{8,}$`, "i"), rest: /[\s"'&,;]/ },
};
/** The first group stays. */
export const URL_USERINFO: Shape = {
  whole: /(:\/\/)[^\s/@:]+:[^\s/@]+@/g,
  begun: /:(?:\/(?:\/[^\s/@:]*(?::[^\s/@]*)?)?)?$/,
};

/** What no secret of those shapes is without; looked for at once, because most texts hold none, and every event of a run is looked through. */
export const SIGNS = /sk-|gsk_|AIza|hf_|gh[pousr]_|github_pat_|xox|AKIA|broke(?:run|cli|app)_|eyJ|-----BEGIN/;
export const NAMES = /key|token|secret|passw|authorization/i;
