// Our own agent's files by the editor, through the real server in strict: what stands there unsaved is what the model sees, what it writes goes through the
// editor, and the sandbox's rules hold for what the editor is asked for, which lives outside of it.

import { expect, test } from "bun:test";
import { linkSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { EditorFs } from "#test/support/acp.ts";
import { type Headless, openHeadless, steps } from "#test/support/headless.ts";
import { type Reply, say, tool } from "#test/support/upstream/script.ts";

const read = (path: string) => tool("read_file", { path });
const write = (path: string, content: string) => tool("write_file", { path, content });
const edit = (path: string, old_text: string, new_text: string) => tool("edit_file", { path, old_text, new_text });

/** An editor that has buffers, and says what it was asked for. */
function makeEditor(buffers: Record<string, string> = {}) {
  const asked: string[] = [];
  const editor: EditorFs = {
    read({ path }) {
      asked.push(`read ${path}`);
      const text = buffers[path.split("/").at(-1)!];
      if (text !== undefined) return { content: text };
      return { content: readFileSync(path, "utf8") };
    },
    write({ path, content }) {
      asked.push(`write ${path}`);
      buffers[path.split("/").at(-1)!] = content;
      writeFileSync(path, content);
      return null;
    },
  };
  return { editor, asked, buffers };
}

const BOTH = { fs: { readTextFile: true, writeTextFile: true } };

type Options = Partial<Parameters<typeof openHeadless>[0]>;
async function open(results: string[][], replies: Reply[], options: Options): Promise<Headless> {
  const script = steps(
    ...replies.map((reply) => (said: string[]) => {
      if (said.length > 0) results.push(said);
      return reply;
    }),
  );
  return openHeadless({ script, mode: "auto", capabilities: BOTH, ...options });
}

type LedgerLine = { event: string; data: Record<string, unknown> };
function ledgerOf({ bench }: Headless): LedgerLine[] {
  const [run] = readdirSync(join(bench.home, "runs"));
  const text = readFileSync(join(bench.home, "runs", run!, "ledger.jsonl"), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LedgerLine);
}
const outsideOf = (work: Headless) =>
  ledgerOf(work).flatMap(({ event, data }) =>
    event.startsWith("outside.") ? [[event, data["path"], data["act"], data["why"]].filter(Boolean).join(" ")] : [],
  );

test("what is unsaved is what the model sees and edits, and what it writes goes through the editor and is explained by its lane", async () => {
  const { editor, asked, buffers } = makeEditor({ "a.txt": "unsaved\n" });
  const results: string[][] = [];
  await using work = await open(
    results,
    [
      say(read("a.txt")),
      say(edit("a.txt", "unsaved", "edited")),
      say(write("new/b.txt", "b\n")),
      say(tool("run_command", { command: "cat a.txt new/b.txt" })),
      say("Done."),
    ],
    { editor, files: { "a.txt": "saved\n" } },
  );
  writeFileSync(join(work.bench.home, "broke.toml"), '[harness]\nverify = ["test -e a.txt"]\n', { mode: 0o600 });
  await work.server.connection.agent.request("session/set_config_option", {
    ...{ sessionId: work.sessionId, configId: "policy", value: "throughput" },
  });
  expect((await work.ask("Work.")).stopReason).toBe("end_turn");
  const [a, b] = [join(work.bench.workspace, "a.txt"), join(work.bench.workspace, "new/b.txt")];
  expect(results).toEqual([
    ["1\tunsaved\n"],
    ["a.txt was changed in 1 place."],
    ["new/b.txt was written, 2 bytes."],
    ["[exit code 0]\nedited\nb\n"],
  ]);
  expect(buffers).toEqual({ "a.txt": "edited\n", "b.txt": "b\n" });
  // The change is shown before it is made, and made of what stands there then.
  expect(asked).toEqual([`read ${a}`, `read ${a}`, `read ${a}`, `write ${a}`, `write ${b}`]);
  await work.server.connection.agent.request("session/close", { sessionId: work.sessionId });
  expect(outsideOf(work)).toEqual([
    ...[`outside.read ${a}`, `outside.read ${a}`, `outside.read ${a}`, `outside.written ${a}`, `outside.written ${b}`],
  ]);
  const listed = JSON.parse((await work.bench.broke(["harness", "list", "--json"])).stdout) as { verdict: string }[];
  expect(listed.map(({ verdict }) => verdict)).toEqual(["ACCEPT"]);
  expect(work.server.faults).toEqual([]);
}, 60_000);

test("an editor that offers nothing, or one of the two, is asked for no more", async () => {
  for (const fs of [{}, { readTextFile: true }, { writeTextFile: true }, { readTextFile: "yes", writeTextFile: 1 }]) {
    const { editor, asked } = makeEditor();
    const results: string[][] = [];
    await using work = await open(results, [say(read("a.txt")), say(write("a.txt", "b\n")), say("Done.")], {
      ...{ editor, files: { "a.txt": "a\n" } },
      capabilities: { fs } as never,
    });
    await work.ask("Work.");
    const acts = [
      ...("readTextFile" in fs && fs.readTextFile === true ? ["read"] : []),
      ...("writeTextFile" in fs && fs.writeTextFile === true ? ["write"] : []),
    ];
    expect([...new Set(asked.map((each) => each.split(" ")[0]!))]).toEqual(acts);
    expect(readFileSync(join(work.bench.workspace, "a.txt"), "utf8")).toBe("b\n");
  }
}, 120_000);

test("nothing beyond the sandbox is asked of the editor: links, what is protected, masked or denied, other names, and what is outside", async () => {
  const { editor, asked } = makeEditor();
  const results: string[][] = [];
  const paths = ["link.txt", "out/secret.txt", ".env", "denied.txt", ".git/config", "/etc/hostname", "../secret.txt"];
  const writes = ["link.txt", "out/x.txt", ".git/hooks/pre-commit", ".mcp.json", ".claude/settings.json", "twin.txt"];
  await using work = await open(
    results,
    [say(...paths.map(read)), ...writes.map((path) => say(write(path, "hostile\n"))), say("Done.")],
    {
      ...{ editor, args: ["--deny-read=denied.txt"] },
      files: { "denied.txt": "secret\n", ".env": "KEY=secret\n", "one.txt": "one\n", ".git/config": "" },
      arrange(workspace) {
        const outside = join(workspace, "..", "outside");
        mkdirSync(outside);
        writeFileSync(join(outside, "secret.txt"), "secret\n");
        symlinkSync(join(outside, "secret.txt"), join(workspace, "link.txt"));
        symlinkSync(outside, join(workspace, "out"));
        linkSync(join(workspace, "one.txt"), join(workspace, "twin.txt"));
      },
    },
  );
  await work.ask("Work.");
  // What is protected and not masked may be read: what would become of it is shown before it is refused.
  const shown = [".mcp.json", ".claude/settings.json", "twin.txt"];
  expect(asked).toEqual(shown.map((path) => `read ${join(work.bench.workspace, path)}`));
  expect(JSON.stringify(results)).not.toContain("secret\\n");
  expect(readdirSync(join(work.bench.workspace, "..", "outside"))).toEqual(["secret.txt"]);
  expect(readFileSync(join(work.bench.workspace, "..", "outside", "secret.txt"), "utf8")).toBe("secret\n");
  expect(readFileSync(join(work.bench.workspace, "one.txt"), "utf8")).toBe("hostile\n");
  const refused = outsideOf(work).map((line) => line.replaceAll(`${work.bench.workspace}/`, ""));
  expect(refused).toContain("outside.refused .git/hooks/pre-commit write it is not shown");
  expect(refused).toContain("outside.refused .mcp.json write it is protected");
  expect(refused).toContain("outside.refused denied.txt read reading it is denied");
  expect(refused).toContain("outside.refused link.txt read it is no plain file");
  expect(refused).toContain("outside.refused out/secret.txt read what holds it is no plain folder");
  expect(refused).toContain("outside.refused twin.txt write it has other names");
  expect(work.server.faults).toEqual([]);
}, 60_000);

test("in plan mode the editor is read and never written", async () => {
  const { editor, asked } = makeEditor({ "a.txt": "unsaved\n" });
  const results: string[][] = [];
  await using work = await open(results, [say(read("a.txt")), say(write("a.txt", "b\n")), say("Done.")], {
    ...{ editor, mode: "plan", files: { "a.txt": "a\n" } },
  });
  await work.ask("Work.");
  expect(results[0]).toEqual(["1\tunsaved\n"]);
  expect(asked.filter((each) => each.startsWith("write"))).toEqual([]);
  expect(readFileSync(join(work.bench.workspace, "a.txt"), "utf8")).toBe("a\n");
}, 60_000);

test("a write that was refused never reaches the editor", async () => {
  const { editor, asked } = makeEditor();
  await using work = await open([], [say(write("a.txt", "b\n")), say("Done.")], {
    ...{ editor, mode: "ask", files: { "a.txt": "a\n" }, permit: () => "reject" },
  });
  await work.ask("Work.");
  expect([work.asked, asked.filter((each) => each.startsWith("write"))]).toEqual([["Write a.txt"], []]);
}, 60_000);

test.each<[string, () => unknown]>([
  ["an error", () => Promise.reject(new Error("no"))],
  ["nothing", () => null],
  ["no text", () => ({ content: 7 })],
  ["a text that is none", () => "text"],
])(
  "a read that is answered by %s is of the file itself",
  async (_, answer) => {
    const results: string[][] = [];
    await using work = await open(results, [say(read("a.txt"), read("none.txt")), say("Done.")], {
      ...{ editor: { read: answer }, capabilities: { fs: { readTextFile: true } }, files: { "a.txt": "saved\n" } },
    });
    await work.ask("Work.");
    expect(results).toEqual([["1\tsaved\n", expect.stringContaining("no such file") as unknown as string]]);
  },
  60_000,
);

test.each<[string, () => unknown]>([
  ["an error", () => Promise.reject(new Error("no"))],
  ["words", () => "written"],
])(
  "a write that is answered by %s is a tool that failed, and the file is as it was",
  async (_, answer) => {
    const results: string[][] = [];
    await using work = await open(results, [say(write("a.txt", "b\n")), say("Done.")], {
      ...{ editor: { write: answer }, capabilities: { fs: { writeTextFile: true } }, files: { "a.txt": "saved\n" } },
    });
    await work.ask("Work.");
    expect([results[0]?.[0], work.statuses()]).toEqual([
      expect.stringContaining("the editor did not say that it wrote it") as unknown as string,
      ["failed"],
    ]);
    expect(readFileSync(join(work.bench.workspace, "a.txt"), "utf8")).toBe("saved\n");
    expect(outsideOf(work)).toEqual([`outside.failed ${join(work.bench.workspace, "a.txt")}`]);
  },
  60_000,
);

test("an editor that never answers is given up once a turn, and the file itself is read", async () => {
  let asked = 0;
  const results: string[][] = [];
  const never = () => new Promise(() => void (asked += 1));
  await using work = await open(results, [say(read("a.txt")), say(read("a.txt")), say("Done.")], {
    ...{ editor: { read: never }, capabilities: { fs: { readTextFile: true } }, files: { "a.txt": "saved\n" } },
  });
  const began = performance.now();
  await work.ask("Work.");
  expect([results, asked]).toEqual([[["1\tsaved\n"], ["1\tsaved\n"]], 1]);
  expect(performance.now() - began).toBeLessThan(20_000);
}, 60_000);

test("a cancel while the editor thinks ends the turn, withdraws the question, and lets the sandbox go on", async () => {
  const begun = Promise.withResolvers<void>();
  const withdrawn = Promise.withResolvers<void>();
  const results: string[][] = [];
  const never = (_: unknown, signal: AbortSignal) => {
    signal.addEventListener("abort", () => withdrawn.resolve());
    begun.resolve();
    return new Promise(() => {});
  };
  await using work = await openHeadless({
    script: (seen) => {
      if (!JSON.stringify(seen.body).includes("Again")) return say(read("a.txt"));
      const said = seen.history.at(-1)!.results.map(({ text }) => text);
      results.push(said);
      return said.length > 0 ? say("Done.") : say(tool("run_command", { command: "echo alive" }));
    },
    ...{ mode: "auto", files: { "a.txt": "saved\n" } },
    ...{ editor: { read: never }, capabilities: { fs: { readTextFile: true } } },
  });
  const going = work.ask("Work.");
  await begun.promise;
  await work.server.connection.agent.notify("session/cancel", { sessionId: work.sessionId });
  expect((await going).stopReason).toBe("cancelled");
  await withdrawn.promise;
  expect((await work.ask("Again.")).stopReason).toBe("end_turn");
  expect(results).toEqual([[], ["[exit code 0]\nalive\n"]]);
}, 60_000);

test("while the editor is asked everything in the sandbox stands still: nobody swaps the folder it reads from", async () => {
  const results: string[][] = [];
  const seen: string[] = [];
  const reached: number[] = [];
  await using work = await open(
    results,
    [say(tool("search", { pattern: "(x+x+)+y", path: "slow.txt" }), read("a.txt")), say("Done.")],
    {
      ...{ capabilities: { fs: { readTextFile: true } }, files: { "a.txt": "saved\n", "slow.txt": "x".repeat(30) } },
      editor: {
        async read({ path }) {
          seen.push(path);
          reached.push(cpuOf("search-main.ts"));
          await Bun.sleep(300);
          reached.push(cpuOf("search-main.ts"));
          return { content: "buffer\n" };
        },
      },
    },
  );
  await work.ask("Work.");
  expect(seen.length).toBe(1);
  expect(reached[1]! - reached[0]!).toBeLessThanOrEqual(1);
  expect(results[0]![1]).toBe("1\tbuffer\n");
}, 60_000);

/** Processor time, in ticks, of the processes that run this file. */
function cpuOf(file: string): number {
  return readdirSync("/proc").reduce((sum, name) => {
    try {
      if (!/^\d+$/.test(name) || !readFileSync(`/proc/${name}/cmdline`, "utf8").includes(file)) return sum;
      const stat = readFileSync(`/proc/${name}/stat`, "latin1");
      const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return sum + Number(fields[11]) + Number(fields[12]);
    } catch {
      return sum;
    }
  }, 0);
}
