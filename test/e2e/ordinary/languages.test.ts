// Ordinary work in other languages in a strict run: Python, C, Java from /usr, and Rust from the person's own home, which takes two permissions.

import { expect, test } from "bun:test";
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { launchers, makeTree } from "#test/support/tree.ts";

const python = `
import asyncio, multiprocessing, sqlite3, subprocess, tempfile, threading
print(multiprocessing.Pool(2).map(abs, [-1, 2]))
async def main():
    child = await asyncio.create_subprocess_exec("echo", "child", stdout=asyncio.subprocess.PIPE)
    print((await child.communicate())[0].decode().strip())
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    await asyncio.open_connection(*server.sockets[0].getsockname())
    print("loopback")
asyncio.run(main())
with sqlite3.connect("x.db") as base: print(base.execute("select 6*7").fetchone()[0])
with tempfile.NamedTemporaryFile() as file: print(subprocess.run(["wc", "-c", file.name], capture_output=True).returncode)
`;
const makefile = `OBJECTS = $(patsubst src/%.c,build/%.o,$(wildcard src/*.c))
build/program: $(OBJECTS)
\t$(CC) -o $@ $^ -lpthread
build/%.o: src/%.c
\t@mkdir -p build
\t$(CC) -O1 -Wall -Werror -c -o $@ $<
`;
const main = `#include <pthread.h>
#include <stdio.h>
int twice(int);
static void *run(void *at) { *(int *)at = twice(21); return 0; }
int main(void) { int n = 0; pthread_t t; pthread_create(&t, 0, run, &n); pthread_join(t, 0); printf("%d\\n", n); return 0; }
`;
const rust = `use std::process::Command;
fn main() { print!("{}", String::from_utf8(Command::new("echo").arg("from a child").output().unwrap().stdout).unwrap()); }
#[test]
fn adds() { assert_eq!(1 + 1, 2); }
`;
const java =
  'public class Main { public static void main(String[] a) throws Exception { System.out.println(new ProcessBuilder("echo", "x").start().waitFor()); } }\n';

const files = {
  ...{ "ws/main.py": python, "ws/Makefile": makefile, "ws/src/main.c": main },
  ...{ "ws/src/twice.c": "int twice(int n) { return 2 * n; }\n", "ws/Main.java": java },
  ...{
    "ws/crate/Cargo.toml": '[package]\nname = "crate"\nversion = "0.1.0"\nedition = "2021"\n',
    "ws/crate/src/main.rs": rust,
  },
};
const lines = (text: string) => text.trim().split("\n");

for (const launcher of launchers) {
  const inside = async (script: string, flags: string[] = []) => {
    using tree = makeTree(launcher, files);
    const ran = await tree.broke(["sandbox", "run", ...flags, "--", "sh", "-ec", script], { cwd: tree.ws });
    return { code: ran.code, lines: lines(ran.stdout), verdict: / (ACCEPT\w*) exit/.exec(ran.stderr)?.[1] };
  };

  test(`python3: processes, sockets, SQLite and a venv, launched by ${launcher}`, async () => {
    const script =
      "python3 main.py; python3 -m venv --without-pip v; v/bin/python -c 'import sys; print(sys.prefix.endswith(\"/ws/v\"))'";
    expect(await inside(script)).toEqual({
      ...{ code: 0, lines: ["[1, 2]", "child", "loopback", "42", "0", "True"], verdict: "ACCEPT" },
    });
  });

  test(`a C program by make, launched by ${launcher}`, async () => {
    const found = await inside("make -s -j2 && build/program && make");
    expect(found).toEqual({ code: 0, lines: ["42", "make: 'build/program' is up to date."], verdict: "ACCEPT" });
  });

  test.skipIf(!existsSync("/usr/bin/javac"))(`Java (needs javac), launched by ${launcher}`, async () => {
    expect(await inside("javac Main.java && java Main")).toEqual({ code: 0, lines: ["0"], verdict: "ACCEPT" });
  });
}

const [cargoHome, rustupHome] = [join(homedir(), ".cargo"), join(homedir(), ".rustup")];
const rustup = existsSync(join(cargoHome, "bin", "cargo")) && existsSync(join(rustupHome, "toolchains"));

test.skipIf(!rustup)(
  "cargo build, test and run, offline, with the toolchain of the home (needs ~/.cargo and ~/.rustup)",
  async () => {
    using tree = makeTree("whoever runs this", files);
    const flags = [`--allow-read=${cargoHome},${rustupHome}`, "--allow-env=CARGO_HOME,RUSTUP_HOME"];
    const env = { CARGO_HOME: cargoHome, RUSTUP_HOME: rustupHome, PATH: `${cargoHome}/bin:/usr/bin:/bin` };
    const script =
      "cargo build -q --offline && cargo test -q --offline | grep 'test result' | cut -d. -f1 && target/debug/crate";
    const ran = await tree.broke(["sandbox", "run", ...flags, "--", "sh", "-ec", script], {
      cwd: join(tree.ws, "crate"),
      env,
    });
    expect({ code: ran.code, lines: lines(ran.stdout) }).toEqual({
      code: 0,
      lines: ["test result: ok", "from a child"],
    });
    // By its name too, because the folder of the launcher's PATH is shown; and nothing is written in the home.
    const before = readdirSync(realpathSync(cargoHome)).sort();
    const direct = await tree.broke(["sandbox", "run", ...flags, "--", "cargo", "build", "--offline"], {
      cwd: join(tree.ws, "crate"),
      env,
    });
    expect({ code: direct.code, after: readdirSync(realpathSync(cargoHome)).sort() }).toEqual({
      code: 0,
      after: before,
    });
  },
);
