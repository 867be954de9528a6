// What could have loaded somebody's code into broke is named; what cannot is not minded.

import { expect, test } from "bun:test";
import { requireCleanStart } from "#harness/start-hooks.ts";

for (const name of [
  "LD_PRELOAD",
  "LD_AUDIT",
  "LD_LIBRARY_PATH",
  "DYLD_INSERT_LIBRARIES",
  "BUN_OPTIONS",
  "BUN_INSPECT_BRK",
  "NODE_OPTIONS",
]) {
  test(`${name} is refused`, () => {
    expect(() => requireCleanStart({ PATH: "/bin", [name]: "x" })).toThrow(
      expect.objectContaining({
        kind: "denied",
        message: `broke was started with ${name} set, which can run somebody's code in it`,
      }),
    );
    requireCleanStart({ PATH: "/bin", [name]: "" });
  });
}

test("several are named in order, without their values", () => {
  expect(() => requireCleanStart({ NODE_OPTIONS: "--require ./secret", LD_PRELOAD: "secret.so" })).toThrow(
    "broke was started with LD_PRELOAD, NODE_OPTIONS set, which can run somebody's code in it",
  );
});

test("others are nobody's business here", () => {
  requireCleanStart({
    PATH: "/bin",
    NODE_EXTRA_CA_CERTS: "/etc/ca.pem",
    BUN_RUNTIME_TRANSPILER_CACHE_PATH: "0",
    LD: "x",
  });
});
