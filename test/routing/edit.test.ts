// What a backend may be, and that a refusal never says back what was written: it may be a key.

import { expect, test } from "bun:test";
import { BrokeError } from "#src/core/errors.ts";
import { addBackend } from "#src/routing/edit.ts";
import { emptyRouting, type StoredBackend } from "#src/routing/generation.ts";

const KEY_NAME = "the name of a variable, as in GROQ_API_KEY; the key itself goes into .env under that name";
const good: StoredBackend = {
  label: "own",
  provider: null,
  baseUrl: "http://127.0.0.1:9/v1",
  dialect: "openai-chat",
  model: "m",
  keyEnv: null,
  price: null,
};

function refusal(change: Partial<StoredBackend>): [message: string, hint: string | undefined] {
  try {
    addBackend(emptyRouting, { ...good, ...change });
  } catch (error) {
    if (error instanceof BrokeError && error.kind === "usage") return [error.message, error.hint];
    throw error;
  }
  throw new Error("it was taken");
}

test.each([
  ["label", { label: "x=y" }, "letters, digits, spaces and . _ + : / @ -, 64 at most"],
  ["model", { model: "" }, "1 to 256 characters"],
  ["model", { model: "m".repeat(257) }, "1 to 256 characters"],
  ["baseUrl", { baseUrl: "http://" }, "a URL, as in https://host/v1"],
  [
    "price.input",
    { price: { input: -1, output: 0, cached: null } },
    "US dollars for a million tokens, 1000000 at most",
  ],
  ["keyEnv", { keyEnv: "a key" }, KEY_NAME],
  ["keyEnv", { keyEnv: `sk-ant-api03-${"AbC1".repeat(10)}` }, KEY_NAME],
] as const)("%s that is none: %o", (where, change, hint) => {
  expect(refusal(change)).toEqual([`${where} is not valid`, hint]);
});

test.each(["http://h/v1?api-version=1", "http://h/v1?", "http://h/v1#part", "http://h#"])(
  "a base URL that nothing can be put after: %s",
  (baseUrl) => {
    expect(refusal({ baseUrl })).toEqual([
      "--base-url must end before any ? or #",
      "the path of each request is put after it",
    ]);
  },
);

test.each([`gsk_${"a1B2".repeat(10)}`, `AIza${"a1B2".repeat(9)}`, `hf_${"aBcD".repeat(8)}`, "a1b2".repeat(10)])(
  "a key that could be a variable's name: %s",
  (keyEnv) => {
    expect(refusal({ keyEnv })).toEqual(["keyEnv is a key, not the name of one", `it is ${KEY_NAME}`]);
  },
);

test.each(["GROQ_API_KEY", "OPENROUTER_API_KEY_2", "key", "MY_COMPANY_STAGING_INFERENCE_GATEWAY_TOKEN_2"])(
  "a variable's name: %s",
  (keyEnv) => {
    expect(addBackend(emptyRouting, { ...good, keyEnv }).backends.own).toMatchObject({ keyEnv });
  },
);
