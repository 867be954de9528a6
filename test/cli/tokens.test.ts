// Tokens by command, through the real launcher.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { makeBench } from "#test/support/broke.ts";
import { done, json, refused } from "#test/support/commands.ts";

describe("connect", () => {
  test("without a profile it tells the client token; with one it binds a token, by name, once", async () => {
    using bench = makeBench();
    await done(bench, "init", "team save work", "profile new app work");
    const global = readFileSync(join(bench.home, "client-token"), "utf8").trim();
    expect(await json(bench, "connect")).toEqual({
      ...{ url: "http://127.0.0.1:4000", profile: null, name: null, token: global, expires: null },
    });
    const bound = await json(bench, "connect --profile app --name ci --expires 30d");
    const { token: made } = bound;
    expect(made).toMatch(/^brokeapp_.{43}$/);
    expect([bound.profile, bound.name]).toEqual(["app", "ci"]);
    expect(Date.parse(bound.expires) - Date.now()).toBeWithin(29.9 * 86_400_000, 30.1 * 86_400_000);
    const [said] = await done(bench, "connect --profile app");
    for (const name of ["ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY", "GEMINI_API_KEY"])
      expect(said).toContain(`${name}=brokeapp_`);
    const piped = await bench.broke(["connect", "--profile", "app", "--name", "own", "--token", "-", "--json"], {
      stdin: "my-own-token-of-length\n",
    });
    expect(JSON.parse(piped.stdout).token).toBe("my-own-token-of-length");
    const [list] = await done(bench, "token list --json");
    expect(JSON.parse(list!).map(({ name, state }: { name: string; state: string }) => [name, state])).toEqual([
      ...[
        ["own", "live"],
        ["app", "live"],
        ["ci", "live"],
      ],
    ]);
    for (const token of [global, made, "my-own-token"]) expect(list).not.toContain(token);
    const [exported] = await done(bench, "export");
    for (const token of [global, made, "my-own-token"]) expect(exported).not.toContain(token);
  });

  test("what is wrong with it is said before anything is bound", async () => {
    using bench = makeBench();
    await done(bench, "team save work", "profile new app work", "connect --profile app --name ci");
    const global = readFileSync(join(bench.home, "client-token"), "utf8").trim();
    for (const [line, answer] of [
      ["connect --profile ap", refused(3, "no such profile", "did you mean app?")],
      [
        "connect --name x",
        refused(2, "--name, --token and --expires are for a token of a profile", "add --profile NAME"),
      ],
      ["connect --profile app --expires soon", refused(2, "--expires is 30d, 12h or 45m, ten years at most")],
      [
        "connect --profile app --token fifteen-letters",
        refused(2, "the token is too short", "use at least 16 characters, or let one be made"),
      ],
      [`connect --profile app --token ${global}`, refused(2, "that is the client token already", "choose another")],
      [
        "connect --profile app --name ci",
        refused(2, "there is a token of that name", "`broke token revoke <name>` ends it"),
      ],
    ] as const) {
      expect({ line, ran: await bench.broke(line.split(" ")) }).toEqual({ line, ran: answer });
    }
    expect((await json(bench, "token list")).length).toBe(1);
  });

  test("revoked by name, while frozen too; binding is not", async () => {
    using bench = makeBench();
    await done(bench, "team save work", "profile new app work", "connect --profile app --name ci", "freeze on");
    expect(await bench.broke(["connect", "--profile", "app"])).toEqual(
      refused(4, "the settings are frozen", "`broke freeze off` lets them change"),
    );
    expect(await bench.broke(["token", "revoke", "cj"])).toEqual(refused(3, "no such token", "did you mean ci?"));
    expect(await done(bench, "token revoke ci", "token list")).toEqual([
      ...["ci is revoked\n", "none; `broke connect --profile NAME` binds one\n"],
    ]);
  });

  test("deleting a profile ends its tokens for good: one of the same name made later is not theirs", async () => {
    using bench = makeBench();
    await done(bench, "team save work", "profile new app work --slots sonnet", "connect --profile app --name ci");
    expect(await json(bench, "profile delete app")).toMatchObject({ revoked: 1 });
    await done(bench, "profile new app work");
    expect(await json(bench, "token list --all")).toMatchObject([{ name: "ci", state: "revoked" }]);
  });
});
