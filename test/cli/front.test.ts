// What a command takes no sense from is refused before anything is opened or changed.

import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { makeBench } from "#test/support/broke.ts";

const CALLED = "add --help to see how it is called";

test.each([
  ["fallback sonnet --clear OR/GLM-4.5", "--clear does not go with targets", CALLED],
  ["key-policy groq --clear --mode sticky", "--clear does not go with --mode", CALLED],
  ["model-policy sonnet --retries 2 --clear", "--clear does not go with --retries", CALLED],
  ["metrics --raw --json", "--raw does not go with --json", CALLED],
  ["metrics --raw --since 2h", "--raw does not go with --since", CALLED],
  [
    "backend add f --provider groq --base-url http://127.0.0.1:9/v1 --model m",
    "--provider does not go with --base-url",
    CALLED,
  ],
  [
    "harness explain-verdict --policy nope",
    "--policy goes with a --finding, or what a role says",
    "as in --worker ACCEPT",
  ],
  ["harness explain-verdict --risk high", "--risk goes with a --finding, or what a role says", "as in --worker ACCEPT"],
  ["active-model --lines=", "--lines needs a value", CALLED],
])("%s", async (line, message, hint) => {
  using bench = makeBench();
  expect(await bench.broke(line.split(" "))).toEqual({
    code: 2,
    stdout: "",
    stderr: `broke: ${message}\nbroke: ${hint}\n`,
  });
  expect(existsSync(bench.home)).toBe(false);
});

test("`fallback policy` shows every chain, and takes no scope", async () => {
  using bench = makeBench();
  expect(await bench.broke(["fallback", "policy", "--scope", "lane"])).toMatchObject({
    code: 2,
    stderr: "broke: `policy` only shows\n",
  });
});
