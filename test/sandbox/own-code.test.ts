// The programs that every launch starts: each whole in one file, and where the two of them stand that run inside.

import { expect, test } from "bun:test";
import { hostFacts } from "#sandbox/host.ts";
import { ownCode } from "#sandbox/own-code.ts";
import { planSandbox } from "#sandbox/plan.ts";
import { profileOf } from "#sandbox/profile.ts";
import { nothingShown } from "#sandbox/shown.ts";

test("each is one file that needs nothing but libc, and is not translated again", async () => {
  const code = await ownCode();
  for (const bytes of Object.values(code)) {
    const text = new TextDecoder().decode(bytes);
    // Any other comment would say inside where our sources lie outside.
    expect([text.startsWith("// @bun\n"), text.match(/^\/\/.*$/gm)?.length]).toEqual([true, 1]);
    // node:fs too: it takes longer to load than all the rest.
    expect(new Set(new Bun.Transpiler({ loader: "js" }).scanImports(text).map(({ path }) => path))).toEqual(
      new Set(["bun:ffi"]),
    );
  }
  expect(await ownCode()).toBe(code);
});

for (const [name, shown, folder, sealed] of [
  ["in the root, which is ours and sealed", nothingShown, "/opt/broke/sandbox", false],
  [
    "in a folder that is sealed, where the root is the host's",
    { ...nothingShown, permission: { ...nothingShown.permission, anyRead: true } },
    "/run/broke/own/sandbox",
    true,
  ],
] as const)
  test(`those for the inside are files of their own ${name}`, () => {
    const plan = planSandbox({
      ...{ profile: profileOf("strict"), host: hostFacts(), workspace: "/w", tree: "/w", objects: [], home: "/h" },
      ...{ homeReadOnly: [], homeState: [], ignored: [], shown, shims: undefined, events: undefined },
      protect: { files: [], dirs: [], missing: [], masked: [], pins: [] },
      ...{ socketDir: undefined, tools: [], hidden: [], emptied: [], portMark: "{port}", egressMark: undefined },
      ...{ terminal: false, argv: ["/bin/true"], env: {} },
    });
    const code = plan.files.filter((file) => file.kind === "code");
    expect(code.map(({ program }) => program)).toEqual(["init", "stage-two"]);
    const words = [
      ...(sealed ? ["--size", "1048576", "--tmpfs", folder] : []),
      ...code.flatMap(({ token, program }) => ["--perms", "0444", "--file", token, `${folder}/${program}.ts`]),
      ...(sealed ? ["--remount-ro", folder] : []),
    ];
    const at = plan.words.indexOf(code[0]!.token) - 3 - (sealed ? 4 : 0);
    expect(plan.words.slice(at, at + words.length)).toEqual(words);
    expect(plan.words.slice(-9).join(" ")).toContain("--remount-ro /");
  });
