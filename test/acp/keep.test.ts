// What a session's client is held to, by a client that does what the test says: a folder for one at a time, an end when nobody needs it, deadlines;
// what broke's own methods and slash commands say of it.

import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentRuntime, RuntimeOptions, Turn } from "#acp/runtime.ts";
import type { ModelRequest } from "#harness/ports.ts";
import { BrokeError } from "#src/core/errors.ts";
import { chunk, codeOf, type Frame, openTalk, type Pair, stopOf, text, updatesOf } from "#test/support/acp-pair.ts";

const until = async (is: () => boolean) => {
  while (!is()) await Bun.sleep(1);
};
const say = (pair: Pair & { sessionId: string }, words = "go", sessionId = pair.sessionId) =>
  pair.ask("session/prompt", { sessionId, prompt: text(words) });
const reasonOf = ({ error }: Frame) => (error?.data as { reason?: string } | undefined)?.reason;
const metaOf = ({ result }: Frame) => (result as { _meta?: Record<string, unknown> } | undefined)?._meta;
const second = async (pair: Pair, cwd = pair.cwd) => {
  const { result } = await pair.ask("session/new", { cwd, mcpServers: [] });
  return (result as unknown as { sessionId: string }).sessionId;
};
const request = (over: Partial<ModelRequest>): ModelRequest => ({
  ...{ slot: "sonnet", backend: "b", path: "/v1/messages", status: 200, attempts: 1 },
  ...{ losses: [], ms: 1, aborted: false, begun: true },
  ...{ inputTokens: 10, outputTokens: 5, cacheReadTokens: 2, cacheWriteTokens: null, costUsd: 0.5, ...over },
});

describe("a folder", () => {
  test("is one session's while it works: another is told so, and has it when the first is idle", async () => {
    const gate = Promise.withResolvers<void>();
    using pair = await openTalk(async (blocks) => {
      if ((blocks[0] as { text: string }).text === "wait") await gate.promise;
      return "end_turn";
    });
    const other = await second(pair);
    const going = say(pair, "wait");
    await until(() => pair.runtimes.length === 1);
    const refused = await say(pair, "go", other);
    expect([codeOf(refused), refused.error?.data]).toEqual([
      -32603,
      { reason: "folder_busy", sessionId: pair.sessionId },
    ]);
    gate.resolve();
    await going;
    expect(stopOf(await say(pair, "go", other))).toBe("end_turn");
    expect(pair.runtimes.map(({ closed }) => closed)).toEqual([true, false]);
    await say(pair, "back");
    expect(pair.runtimes.map(({ closed }) => closed)).toEqual([true, true, false]);
    expect(pair.runtimes[2]!.options.transcript).toContain("user: wait");
  });
});

describe("a client", () => {
  test("that nobody needs is ended after a while; the next prompt has another, which is told what was said", async () => {
    using pair = await openTalk(undefined, { patience: { idleMs: 20 } });
    await say(pair, "first");
    await until(() => pair.runtimes[0]!.closed);
    expect(stopOf(await say(pair, "second"))).toBe("end_turn");
    expect(pair.runtimes[1]!.options.transcript).toContain("user: first");
  });

  test("that shows nothing for too long is ended with its turn, which says so; not while a person is asked", async () => {
    let silent = false;
    using pair = await openTalk(
      async (_, turn) => {
        if (silent) return new Promise(() => {});
        await turn.permit({ toolCall: { toolCallId: "t", title: "x" }, kind: "execute" });
        return "end_turn";
      },
      { patience: { quietMs: 100 } },
    );
    const asked = say(pair);
    const question = await pair.until(({ method }) => method === "session/request_permission");
    await Bun.sleep(300);
    pair.answer(question.id, { outcome: { outcome: "selected", optionId: "reject" } });
    expect(stopOf(await asked)).toBe("end_turn");
    silent = true;
    expect(reasonOf(await say(pair))).toBe("runtime_quiet");
    expect(pair.runtimes[0]!.closed).toBe(true);
    expect(pair.runtimes[0]!.recorded).toContainEqual({
      ...{ event: "tool.answered", tool: "x", allowed: false, by: "editor", for_session: false },
    });
  });

  test("whose model is asked is not quiet", async () => {
    using pair = await openTalk(
      async () => {
        const { watch } = pair.runtimes[0]!.options;
        for (let asked = 0; asked < 10; asked++) {
          watch.asking();
          await Bun.sleep(20);
          watch.asked(request({}));
        }
        return "end_turn";
      },
      { patience: { quietMs: 100 } },
    );
    expect(stopOf(await say(pair))).toBe("end_turn");
  });

  test("that does not answer as it is started is given up on, or when the turn is cancelled; one that cannot be is said so", async () => {
    let given = 0;
    const hangs = ({ signal }: RuntimeOptions) =>
      new Promise<never>((_, reject) =>
        signal.addEventListener("abort", () => {
          given += 1;
          reject(new Error("gone"));
        }),
      );
    let starting: (options: RuntimeOptions) => Promise<never> = hangs;
    using pair = await openTalk(undefined, { patience: { startMs: 200 }, starting: (options) => starting(options) });
    expect([reasonOf(await say(pair)), given]).toEqual(["start_timeout", 1]);
    const going = say(pair);
    pair.tell("session/cancel", { sessionId: pair.sessionId });
    expect([stopOf(await going), given <= 2]).toEqual(["cancelled", true]);
    starting = async () => {
      throw new Error(`a bug at /home/x${"x".repeat(5000)}`);
    };
    const failed = await say(pair);
    expect([codeOf(failed), failed.error?.data]).toEqual([-32603, { reason: "start_failed" }]);
    expect(pair.logged).toEqual([
      `the client of the lane claude could not be started: Error: a bug at /home/x${"x".repeat(5000)}`,
    ]);
    starting = async () => {
      throw new BrokeError("missing", "no such client here", "install it");
    };
    expect((await say(pair)).error).toMatchObject({
      message: "no such client here",
      data: { kind: "missing", hint: "install it" },
    } as never);
  });

  test("is not waited for when its turn was cancelled while the one before it ended", async () => {
    const gate = Promise.withResolvers<void>();
    const closing = Promise.withResolvers<void>();
    const first: AgentRuntime = {
      ended: gate.promise,
      prompt: () => Promise.resolve("end_turn"),
      async close() {
        closing.resolve();
        await gate.promise;
      },
    };
    const hangs = ({ signal }: RuntimeOptions) =>
      new Promise<never>((_, reject) => {
        if (signal.aborted) reject(new Error("gone"));
        signal.addEventListener("abort", () => reject(new Error("gone")));
      });
    let started = 0;
    using pair = await openTalk(undefined, {
      starting: (options) => (started++ === 0 ? Promise.resolve(first) : hangs(options)),
    });
    const { sessionId } = pair;
    await say(pair);
    await pair.ask("session/set_mode", { sessionId, modeId: "plan" });
    const going = say(pair);
    await closing.promise;
    pair.tell("session/cancel", { sessionId });
    // It has been taken in when what was sent after it is answered.
    await pair.ask("_broke/state", { sessionId });
    gate.resolve();
    expect(stopOf(await going)).toBe("cancelled");
    expect(started).toBe(2);
  });
});

describe("what is said of a session", () => {
  test("its usage is what the gateway saw, of the turn in the answer and of the session in the update", async () => {
    using pair = await openTalk(async () => {
      const { watch } = pair.runtimes[0]!.options;
      watch.asking();
      // It is counted a moment after the client has its answer.
      setTimeout(() => watch.asked(request({})), 20);
      return "end_turn";
    });
    expect(metaOf(await say(pair))?.["brokellm/usage"]).toEqual({
      ...{ requests: 1, inputTokens: 10, outputTokens: 5, cacheReadTokens: 2, cacheWriteTokens: 0, costUsd: 0.5 },
    });
    const answer = await say(pair);
    expect(metaOf(answer)).toMatchObject({ "brokellm/run": "run_1", "brokellm/laneState": "idle" });
    const usages = updatesOf(pair).filter(({ sessionUpdate }) => sessionUpdate === "usage_update");
    expect(usages.at(-1)).toEqual({
      ...{ sessionUpdate: "usage_update", used: 17, size: 200_000, cost: { amount: 1, currency: "USD" } },
    } as never);
  });

  test("what has no price is not said to cost nothing; what nobody answered is not counted", async () => {
    using pair = await openTalk(async () => {
      const { watch } = pair.runtimes[0]!.options;
      for (const over of [{ status: 429 }, { costUsd: null }]) {
        watch.asking();
        watch.asked(request(over));
      }
      return "end_turn";
    });
    expect(metaOf(await say(pair))?.["brokellm/usage"]).toMatchObject({ requests: 1, costUsd: null });
    expect(updatesOf(pair).find(({ sessionUpdate }) => sessionUpdate === "usage_update")).toEqual({
      ...{ sessionUpdate: "usage_update", used: 17, size: 200_000 },
    } as never);
  });

  test("its name comes from its first prompt, once; broke's own methods say the rest, and no others are there", async () => {
    using pair = await openTalk();
    await say(pair, "A title\nmore");
    await say(pair, "Another");
    const titles = updatesOf(pair).filter(({ sessionUpdate }) => sessionUpdate === "session_info_update");
    expect(titles).toMatchObject([{ title: "A title" }] as never);
    const { sessionId } = pair;
    const ask = async (method: string) => (await pair.ask(`_broke/${method}`, { sessionId })).result as unknown;
    expect(await ask("run")).toEqual({ run: "run_1", lane: "claude" });
    expect(await ask("verdict")).toEqual({ run: null, verdict: null });
    expect(await ask("heartbeat")).toMatchObject({ sessions: [{ sessionId, state: "idle" }] });
    expect(await ask("artifacts")).toEqual({ artifacts: [] });
    expect(await ask("approvals")).toEqual({ approvals: [] });
    await pair.ask("session/set_config_option", { sessionId, configId: "lane", value: "codex" });
    await say(pair);
    expect(await ask("verdict")).toEqual({ run: "run_1", verdict: "ACCEPT" });
    expect(await ask("artifacts")).toMatchObject({ artifacts: [{ run: "run_1", kind: "diff" }] });
    expect([
      codeOf(await pair.ask("_broke/no", { sessionId })),
      codeOf(await pair.ask("_broke/state", { sessionId: "sess_1_00000000" })),
    ]).toEqual([-32601, -32002]);
  });

  test("how hard a model is to think is asked of lanes that know, and is another client", async () => {
    using pair = await openTalk();
    const { sessionId } = pair;
    const set = (configId: string, value: string) =>
      pair.ask("session/set_config_option", { sessionId, configId, value });
    expect(codeOf(await set("thought_level", "high"))).toBe(-32602);
    await set("lane", "codex");
    await say(pair);
    await set("thought_level", "high");
    await say(pair);
    expect(pair.runtimes.map(({ options: { effort } }) => effort)).toEqual([undefined, "high"]);
  });
});

describe("slash commands", () => {
  const commands = {
    echo: { description: "Says it again", hint: "words", run: (words: string[]) => words.join("+") },
    fail: {
      description: "Fails",
      run() {
        throw new BrokeError("usage", "not so", "but so");
      },
    },
    judge: {
      description: "Ends the run",
      async run(
        _: string[],
        { endRun, runs }: { endRun(): Promise<void>; runs: readonly { verdict: string | null }[] },
      ) {
        await endRun();
        return String(runs.at(-1)?.verdict);
      },
    },
  };
  const seen: string[] = [];
  const model = async (blocks: readonly unknown[], turn: Turn) => {
    const { text: words } = blocks[0] as { text: string };
    seen.push(words);
    await turn.update(chunk("model"));
    return "end_turn" as const;
  };

  test("ours are told after the session is known, and answered without a client; every other text is the model's", async () => {
    using pair = await openTalk(model, { commands });
    const told = await pair.until(({ method }) => method === "session/update");
    expect(pair.frames.indexOf(told)).toBe(2);
    expect(updatesOf(pair)[0]).toMatchObject({
      availableCommands: [{ name: "echo", input: { hint: "words" } }, { name: "fail" }, { name: "judge" }],
    } as never);
    const answers = async (words: string) => {
      const from = updatesOf(pair).length;
      expect(stopOf(await say(pair, words))).toBe("end_turn");
      const chunks = updatesOf(pair).slice(from) as { sessionUpdate: string; content?: { text: string } }[];
      return chunks.flatMap(({ content }) => content?.text ?? []).join("");
    };
    expect(await answers("/echo a  b")).toBe("a+b");
    expect(await answers("/fail")).toBe("not so\nbut so");
    expect(pair.runtimes).toEqual([]);
    for (const words of ["/unknown a", "/constructor", "/echo a\nand more", "say /echo a"]) {
      expect(await answers(words)).toBe("model");
      expect(seen.at(-1)).toBe(words);
    }
    expect(await answers("/judge")).toBe("ACCEPT");
    expect(pair.runtimes[0]!.closed).toBe(true);
  });

  test("a client's own are told beside ours, ours first and once", async () => {
    using pair = await openTalk(
      async () => {
        pair.runtimes[0]!.options.onCommands([
          { name: "echo", description: "another" },
          { name: "cost", description: "theirs" },
        ]);
        return "end_turn";
      },
      { commands },
    );
    await say(pair);
    const last = updatesOf(pair).findLast(({ sessionUpdate }) => sessionUpdate === "available_commands_update");
    const names = (last as unknown as { availableCommands: { name: string; description: string }[] }).availableCommands;
    expect(names.map(({ name, description }) => [name, description])).toEqual([
      ["echo", "Says it again"],
      ["fail", "Fails"],
      ["judge", "Ends the run"],
      ["cost", "theirs"],
    ]);
  });
});

test("no secret is in what is stored, whoever said it", async () => {
  const secret = "a-provider's-own-key-1234567890";
  using pair = await openTalk(
    async (_, turn) => {
      await turn.update({ sessionUpdate: "tool_call", toolCallId: "t", title: `cat ${secret}`, rawInput: { secret } });
      await turn.update(chunk(`It is ${secret}.`));
      return "end_turn";
    },
    { secrets: [secret] },
  );
  await say(pair, `Keep ${secret}`);
  const file = readFileSync(join(pair.home, "acp", `${pair.sessionId}.jsonl`), "utf8");
  expect([file.includes(secret), file.includes("[redacted]")]).toEqual([false, true]);
});
