// Questions on a real terminal: a call waits while others go on, what was typed for the client is no answer, and the client's screen comes back.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Bench, LAUNCHER, makeBench, runIdOf } from "#test/support/broke.ts";
import { type Seat, sit } from "#test/support/terminal.ts";

const start = (bench: Bench, flags: string[], script: string) =>
  sit([LAUNCHER, "harness", "run", "--client", "exec", ...flags, "--", "sh", "-c", script], {
    cwd: bench.workspace,
    env: bench.env,
  });

/** Types one key at a time, as a person does: each is drawn before the next. */
async function press(seat: Seat, key: string): Promise<void> {
  // What comes before half a second of silence is taken for what was typed before.
  await Bun.sleep(500);
  seat.type(key);
  await seat.until(new RegExp(`> ${key}(?!.*> )`, "s"));
  seat.type("\r");
}

/** Waits for a text that comes after `from` characters of the screen: a question is drawn anew with every key. */
async function untilAfter(seat: Seat, from: number, text: string): Promise<void> {
  while (!seat.screen().slice(from).includes(text)) await Bun.sleep(10);
}

function eventsOf(bench: Bench, seat: Seat): { event: string; data: Record<string, unknown> }[] {
  const id = runIdOf({ code: 0, stdout: "", stderr: seat.screen() });
  const text = readFileSync(join(bench.home, "runs", id, "ledger.jsonl"), "utf8");
  return text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
}

const answers = (bench: Bench, seat: Seat) =>
  eventsOf(bench, seat)
    .filter(({ event }) => event === "permission.answered")
    .map(({ data: { ms: _, ...data } }) => data);

describe("a program that is asked about", () => {
  test("once: it runs, and is asked about again; denied: it does not, and is never asked about again", async () => {
    using bench = makeBench();
    const seat = start(bench, ["--ask-run=wc"], 'echo x | wc -l; echo y | wc -c; echo z | wc -c; echo "end $?"');
    await seat.until("may this program run?");
    await press(seat, "o");
    await seat.until("1\r\n");
    await untilAfter(seat, seat.screen().indexOf("1\r\n"), "wc -c");
    await press(seat, "d");
    expect(await seat.exited).toBe(0);
    expect(seat.screen()).toContain("end 126");
    const told = { permission: "run", subject: "/usr/bin/wc", by: "person" };
    expect(answers(bench, seat)).toEqual([
      { ...told, answer: "once" },
      { ...told, answer: "deny" },
    ]);
    const denied = eventsOf(bench, seat).filter(({ event }) => event === "command.denied");
    expect(denied.map(({ data }) => [data.path, data.reason])).toEqual([
      ["/usr/bin/wc", "denied when asked"],
      ["/usr/bin/wc", "denied when asked"],
    ]);
  });

  test("for the run: it is asked about once, under every name it has", async () => {
    using bench = makeBench();
    const script = "ln -s /usr/bin/wc other; echo x | wc -l; echo y | ./other -l; echo z | /bin/wc -l; echo all-of-it";
    const seat = start(bench, ["--ask-run=wc"], script);
    await seat.until("may this program run?");
    await press(seat, "r");
    await seat.until("all-of-it");
    expect(await seat.exited).toBe(0);
    expect(seat.screen().match(/may this program run\?/g)!.length).toBeLessThan(5);
    expect(answers(bench, seat)).toEqual([{ permission: "run", subject: "/usr/bin/wc", by: "person", answer: "run" }]);
  });

  test("others go on meanwhile, and what they write comes after the answer, whole", async () => {
    using bench = makeBench();
    const script =
      "(echo x | wc -l; echo held-done) & i=0; while [ $i -lt 50 ]; do /bin/true; i=$((i+1)); done; /usr/bin/touch went-on; echo others-done; wait";
    const seat = start(bench, ["--ask-run=wc"], script);
    await seat.until("may this program run?");
    while (!existsSync(join(bench.workspace, "went-on"))) await Bun.sleep(20);
    expect(seat.screen()).not.toContain("others-done");
    await press(seat, "o");
    expect(await seat.exited).toBe(0);
    expect(seat.screen()).toMatch(/others-done[\s\S]*held-done/);
  });

  test("what was typed for the client goes to the client and answers nothing", async () => {
    using bench = makeBench();
    const seat = start(
      bench,
      ["--ask-run=wc"],
      'stty -echo; echo ready; wc -l </dev/null & read line; echo "got <$line>"; wait',
    );
    await seat.until("may this program run?");
    seat.type("o\rr\r");
    await Bun.sleep(100);
    seat.type("r\r");
    await Bun.sleep(500);
    // Pasted, or reported by the terminal itself.
    seat.type("o\r");
    seat.type("\x1b[12;40Ro");
    seat.type("\x1b[200~r\r\x1b[201~");
    await seat.until(/one of o, r, d|Enter/);
    expect(seat.screen()).not.toContain("got <");
    await press(seat, "d");
    await seat.until("got <o>");
    expect(await seat.exited).not.toBe(5);
    expect(answers(bench, seat).map(({ answer, by }) => [answer, by])).toEqual([["deny", "person"]]);
  });

  test("a name that would forge or hide a line is shown as what it is", async () => {
    using bench = makeBench();
    writeFileSync(
      join(bench.workspace, "t.sh"),
      'perl -e \'exec {"/usr/bin/wc"} "wc", "\\x1b[2J\\x1b[1;1Hbroke: may ls run?\\n> ", "\\xe2\\x80\\xae\\xe2\\x80\\x8b"\'',
    );
    const seat = start(bench, ["--ask-run=wc"], "sh t.sh");
    await seat.until("may this program run?");
    await seat.until("\\u{1b}[2J\\u{1b}[1;1Hbroke: may ls run?\\u{a}>  \\u{202e}\\u{200b}");
    await press(seat, "d");
    await seat.exited;
    expect(seat.screen()).not.toContain("\u202e");
  });

  test("Ctrl-C denies and reaches the client", async () => {
    using bench = makeBench();
    const seat = start(
      bench,
      ["--ask-run=wc"],
      'trap "echo interrupted; exit 9" INT; wc -l </dev/null; sleep 5; sleep 5',
    );
    await seat.until("may this program run?");
    seat.type("\x03");
    await seat.until("interrupted");
    expect(await seat.exited).toBe(9);
    expect(answers(bench, seat).map(({ answer }) => answer)).toEqual(["deny"]);
  });

  test("a client that ends while it is asked about takes the question back", async () => {
    using bench = makeBench();
    const seat = start(bench, ["--ask-run=wc"], "(wc -l </dev/null) & sleep 0.3; echo gone; kill -9 $$");
    await seat.until("may this program run?");
    await seat.exited;
    expect(seat.screen()).toContain("gone");
    expect(answers(bench, seat).map(({ answer, by }) => [answer, by])).toEqual([["deny", "withdrawn"]]);
  });
});

test("a supervisor that is killed while it asks takes the sandbox along; nothing ran", async () => {
  using bench = makeBench();
  const seat = start(bench, ["--ask-run=wc"], "sleep 987 & echo x | wc -l > ran; wait");
  await seat.until("may this program run?");
  process.kill(seat.pid, "SIGKILL");
  await seat.exited;
  const alive = () =>
    readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid))
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, "utf8") === "sleep\u0000987\u0000";
        } catch {
          return false;
        }
      });
  while (alive().length > 0) await Bun.sleep(20);
  expect(readFileSync(join(bench.workspace, "ran"), "utf8")).toBe("");
  expect((await bench.broke(["harness", "reconcile"])).code).toBe(0);
});

describe("a client that has the whole screen", () => {
  test("its screen and its modes are put back, and it is told to draw again", async () => {
    using bench = makeBench();
    const script =
      'trap "echo redraw" WINCH; printf "\\033[?1049h\\033[?25l\\033[?1000h\\033[?2004hFULL"; while [ ! -e go ]; do sleep 0.05; done; wc -l </dev/null & wait $!; i=0; while [ $i -lt 20 ]; do sleep 0.05; i=$((i+1)); done; printf "\\033[?1000l\\033[?1049l"';
    const seat = start(bench, ["--ask-run=wc"], script);
    await seat.until("FULL");
    writeFileSync(join(bench.workspace, "go"), "");
    await seat.until("may this program run?");
    const before = seat.screen();
    // The client's mouse reports are off and it is on the other screen while the question stands.
    expect(before).toMatch(/FULL[\s\S]*\x1b\[\?1000l[\s\S]*\x1b\[\?47l[\s\S]*may this program run/);
    await press(seat, "o");
    await seat.until("redraw");
    const after = seat.screen().slice(before.length);
    expect(after).toMatch(/\x1b\[\?47h[\s\S]*\x1b\[\?1000h[\s\S]*\x1b\[\?25l\x1b8/);
    await seat.exited;
  });
});

test("a host that is asked about is dialled after the answer, and refused without one", async () => {
  using bench = makeBench();
  using server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("reached\n") });
  const url = `http://127.0.0.1:${server.port}/`;
  const script = `curl -sS ${url}; curl -sS -o /dev/null -w 'code-%{http_code}\\n' ${url}`;
  const seat = start(bench, [`--ask-net=127.0.0.1:${server.port}`], `export no_proxy= NO_PROXY=; ${script}`);
  await seat.until("may this host be reached?");
  await press(seat, "o");
  await seat.until("reached\r\n");
  await untilAfter(seat, seat.screen().indexOf("reached\r\n"), "may this host be reached?");
  await press(seat, "d");
  await seat.until("code-403");
  await seat.exited;
  expect(answers(bench, seat).map(({ permission, subject, answer }) => [permission, subject, answer])).toEqual([
    ["net", `127.0.0.1:${server.port}`, "once"],
    ["net", `127.0.0.1:${server.port}`, "deny"],
  ]);
});

test.each(["--ask-run", "--ask-run=wc", "--ask-net", "--ask-net=example.com"])(
  "%s without a terminal is a usage error, and nothing is launched",
  async (flag) => {
    using bench = makeBench();
    const ran = await bench.broke(["harness", "run", "--client", "exec", flag, "--", "true"]);
    const kind = flag.slice(6).split("=")[0];
    expect(ran).toEqual({
      code: 2,
      stdout: "",
      stderr: `broke: --ask-${kind} needs a terminal to ask on\nbroke: allow or deny by name instead\n`,
    });
    expect((await bench.broke(["harness", "list"])).stdout).not.toContain("run_");
  },
);
