// What each tool does, by its verbs and options: data for classify.ts. A tool that is not here is unknown, an option that is not here changes nothing.

import type { ClassWord } from "./classes.ts";

/** How the words after a tool's name, or after a verb, decide. In this order: an option, the verb, `bare`, `class`. */
export type Rule = {
  class: ClassWord;
  /** Without a verb. */
  bare?: ClassWord;
  verbs?: Record<string, ClassWord | Rule>;
  /** Options by which it is something else; of one letter also among others behind one dash. The first row that is met counts. */
  options?: [words: string, is: ClassWord][];
  /** Options whose next word is theirs. */
  valued?: string;
  /** Whether it runs whatever is named after it: `npx jest` is what jest is. */
  carries?: boolean;
};

const same = (words: string, is: ClassWord | Rule): Record<string, ClassWord | Rule> =>
  Object.fromEntries(words.split(" ").map((word) => [word, is]));

/** Package managers: `test` is their own verb, a script's name is the word after `run`. */
const scripts: Rule = {
  class: "runtime",
  verbs: {
    ...same("test tests test:unit test:ci test:all test:integration test:e2e unit e2e", "test"),
    ...same("lint typecheck type-check types tsc check check:types", "check"),
    ...same("build compile", "build"),
  },
};
const carrier: Rule = { class: "install", carries: true };
const manager = (more: Record<string, ClassWord | Rule>): Rule => ({
  class: "unknown",
  bare: "read",
  valued: "-C --prefix --cwd --dir -w --workspace --filter -F",
  verbs: {
    ...same("test t tst", "test"),
    ...same("run run-script rum", scripts),
    ...same(
      "install i ci in isntall add remove uninstall rm update up upgrade link unlink dedupe prune rebuild",
      "install",
    ),
    ...same("ls list ll la view info show why outdated help config root prefix bin --version", "read"),
    ...same("publish pack login logout whoami ping audit", "network"),
    ...same("exec x dlx", carrier),
    ...same("init create version set-script", "write"),
    ...same("start restart stop", "runtime"),
    ...more,
  },
});

const gitVerbs: Rule["verbs"] = {
  ...same("status ls-files ls-tree ls-remote rev-parse rev-list blame annotate grep describe", "read"),
  ...same("cat-file name-rev merge-base for-each-ref show-ref cherry var version help check-ignore", "read"),
  ...same("log show shortlog whatchanged diff diff-tree diff-index diff-files", {
    class: "read",
    options: [["--output", "write"]],
  }),
  "format-patch": { class: "write", options: [["--stdout", "read"]] },
  ...same("add commit-tree write-tree notes update-index stage", "vcs"),
  commit: { class: "vcs", options: [["--amend", "history"]] },
  branch: {
    class: "vcs",
    bare: "read",
    options: [
      ["-D -f --force", "history"],
      ["-a -r -v --list --show-current --contains", "read"],
    ],
  },
  tag: {
    class: "vcs",
    bare: "read",
    options: [
      ["-d -f --delete --force", "history"],
      ["-l --list", "read"],
    ],
  },
  config: { class: "write", options: [["--get --get-all --get-regexp --list -l", "read"]] },
  remote: { class: "write", bare: "read", verbs: same("show get-url", "read"), options: [["-v --verbose", "read"]] },
  stash: { class: "write", verbs: { ...same("list show", "read"), ...same("drop clear", "history") } },
  reflog: { class: "read", verbs: same("expire delete", "history") },
  reset: { class: "vcs", options: [["--hard --merge --keep", "history"]] },
  clean: { class: "destructive", options: [["-n --dry-run", "read"]] },
  push: { class: "network", options: [["-f -d --force --force-with-lease --mirror --delete --prune", "history"]] },
  ...same("fetch clone submodule", "network"),
  ...same(
    "checkout switch restore merge pull cherry-pick revert apply am mv rm worktree sparse-checkout init",
    "write",
  ),
  ...same("rebase filter-branch filter-repo replace prune update-ref symbolic-ref fast-import", "history"),
  // What git starts of its own.
  ...same("maintenance pack-objects index-pack unpack-objects repack pack-refs commit-graph multi-pack-index", "vcs"),
  ...same(
    "fetch-pack send-pack upload-pack receive-pack remote-http remote-https submodule--helper credential",
    "network",
  ),
  gc: { class: "vcs", options: [["--prune --aggressive", "history"]] },
};

const cargo: Rule = {
  class: "unknown",
  bare: "read",
  valued: "-C --config -Z --color",
  verbs: {
    ...same("test t", { class: "test", options: [["--no-run", "build"]] }),
    nextest: { class: "read", verbs: { run: { class: "test", options: [["--no-run", "build"]] } } },
    ...same("check c", "check"),
    clippy: { class: "check", options: [["--fix", "write"]] },
    fmt: { class: "write", options: [["--check", "check"]] },
    ...same("build b doc bench rustc", "build"),
    ...same("run r", "runtime"),
    ...same("tree metadata version help search locate-project pkgid", "read"),
    ...same("add remove install uninstall update fetch vendor generate-lockfile", "install"),
    ...same("clean new init fix", "write"),
    publish: "network",
  },
};

const go: Rule = {
  class: "unknown",
  bare: "read",
  verbs: {
    test: {
      class: "test",
      options: [
        ["-c", "build"],
        ["-list", "read"],
      ],
    },
    vet: "check",
    build: "build",
    ...same("run generate", "runtime"),
    ...same("install get mod work", "install"),
    ...same("env version list doc help tool", { class: "read", options: [["-w", "write"]] }),
    ...same("fmt fix clean", "write"),
  },
};

const testTasks =
  "test tests check verify unittest unittests unit-test unit-tests test-all test-unit unit e2e integration";
const maker = (valued: string): Rule => ({
  class: "build",
  valued,
  options: [["-n --dry-run --just-print --recon -q --question --version -v --help -h", "read"]],
  verbs: same(testTasks, "test"),
});

const python: Rule = { class: "runtime", bare: "opaque", options: [["-V --version -h --help", "read"]] };
const javascript: Rule = {
  class: "runtime",
  bare: "opaque",
  valued: "-r --require --import --loader --conditions -C --env-file --title --max-old-space-size",
  options: [
    ["-e --eval -p --print -i --interactive", "opaque"],
    ["-v --version -h --help", "read"],
    ["--test", "test"],
    ["-c --check", "check"],
  ],
};

const runner = (writing = ""): Rule => ({
  class: "test",
  ...(writing === "" ? {} : { options: [[writing, "write"]] }),
});
const checker = (fixing: string, otherwise: ClassWord = "check"): Rule => ({
  class: otherwise,
  ...(fixing === "" ? {} : { options: [[fixing, "write"]] }),
});

const reads =
  "ls cat head tail more grep egrep fgrep zgrep rg ag ack fd fdfind wc cut tr diff cmp comm file stat du df pwd echo printf true false test [ " +
  "date printenv whoami id hostname uname which whereis basename dirname realpath readlink jq column nl od hexdump strings md5sum sha1sum sha256sum " +
  "sha512sum cksum sleep seq expr ps top free uptime tput stty tty clear nproc lsb_release getconf locale arch groups bat fold fmt paste join tac rev cal bc " +
  "yes man info kill pgrep pidof lsof lscpu git-lfs ldd nm objdump readelf size zcat xzcat bzcat getent sw_vers numfmt tsort logname users who w";
const writers = "touch mkdir rmdir mv cp ln install tee truncate chmod chown chgrp rm unlink shred mktemp";
const editors =
  "patch ed ex vi vim nvim nano emacs sponge dd split csplit unzip zip gzip gunzip xz unxz bzip2 bunzip2 zstd rename ar cpio mkfifo mknod setfacl";
const builders =
  "cc c++ gcc g++ clang clang++ ld ld.bfd ld.gold as ar ranlib strip javac kotlinc rustc swiftc tsc esbuild webpack rollup vite swc protoc cc1 cc1plus collect2 meson";

export const tools: Record<string, Rule> = {
  ...(same(reads, { class: "read" }) as Record<string, Rule>),
  ...(same(writers, { class: "write" }) as Record<string, Rule>),
  ...(same(editors, { class: "write" }) as Record<string, Rule>),
  ...(same(builders, { class: "build" }) as Record<string, Rule>),
  ...(same("timeout nice ionice nohup stdbuf setsid xargs chrt taskset flock", {
    class: "wrapper",
  }) as Record<string, Rule>),
  ...(same(
    "sudo su doas pkexec mount umount chroot unshare nsenter insmod modprobe setcap chattr useradd usermod passwd",
    { class: "privileged" },
  ) as Record<string, Rule>),
  ...(same(
    "git-remote-http git-remote-https git-upload-pack git-receive-pack curl wget ssh scp sftp rsync nc ncat netcat telnet ftp dig nslookup host ping gh hub docker podman kubectl aws gcloud az",
    { class: "network" },
  ) as Record<string, Rule>),
  ...(same("apt apt-get dpkg apk yum dnf brew pip pip3 pipx gem composer conda mamba nix corepack", {
    class: "install",
  }) as Record<string, Rule>),
  ...(same("perl ruby php lua Rscript java dotnet elixir erl julia tclsh", {
    class: "runtime",
    bare: "opaque",
    options: [
      ["-e -E -r --eval", "opaque"],
      ["-v --version -h --help", "read"],
    ],
  }) as Record<string, Rule>),
  ...(same("sort shuf", { class: "read", options: [["-o --output", "write"]] }) as Record<string, Rule>),
  uniq: { class: "read" },
  tree: { class: "read", options: [["-o", "write"]] },
  less: { class: "read", options: [["-o -O --log-file --LOG-FILE", "write"]] },
  time: { class: "wrapper", options: [["-o --output", "write"]] },
  script: { class: "write" },
  yq: { class: "read", options: [["-i --inplace --in-place", "write"]] },
  tsc: { class: "build", options: [["--noEmit", "check"]] },
  find: {
    class: "read",
    options: [
      ["-delete", "destructive"],
      ["-fprint -fprint0 -fprintf -fls", "write"],
    ],
  },
  tar: { class: "write", options: [["-t --list", "read"]] },
  git: {
    class: "unknown",
    bare: "read",
    valued: "-C -c --git-dir --work-tree --namespace --exec-path",
    options: [["--version --help -h", "read"]],
    verbs: gitVerbs!,
  },
  python,
  node: javascript,
  bun: {
    options: [["-e --eval -p --print", "opaque"]],
    ...manager({ test: "test", run: scripts, build: "build", pm: "install", x: carrier, upgrade: "install" }),
  },
  deno: {
    class: "runtime",
    verbs: {
      test: "test",
      ...same("lint check", "check"),
      fmt: "write",
      eval: "opaque",
      ...same("info doc", "read"),
      ...same("install add cache", "install"),
      task: scripts,
    },
  },
  npm: manager({}),
  pnpm: manager({}),
  yarn: manager({ ...same("lint typecheck", "check"), build: "build" }),
  ...(same("npx bunx pnpx uvx", carrier) as Record<string, Rule>),
  uv: { class: "install", verbs: { run: carrier, ...same("version help tree", "read") } },
  poetry: { class: "install", verbs: { run: carrier, ...same("show version check", "read") } },
  bundle: { class: "install", verbs: { exec: carrier } },
  pytest: runner("--snapshot-update --inline-snapshot --force-regen"),
  "py.test": runner("--snapshot-update"),
  ...(same("nose2 tox nox mocha ava tap jasmine karma rspec phpunit ctest nextest bats", runner()) as Record<
    string,
    Rule
  >),
  jest: runner("-u --updateSnapshot"),
  vitest: { class: "test", options: [["-u --update", "write"]], verbs: { list: "read", bench: "runtime" } },
  playwright: { class: "unknown", verbs: { test: runner("-u --update-snapshots"), install: "install" } },
  cargo,
  go,
  make: maker("-C --directory -f --file --makefile -I -o -W"),
  gmake: maker("-C --directory -f --file --makefile -I -o -W"),
  ...(same(
    "just task rake ninja mage gradle gradlew mvn mvnw bazel sbt lein",
    maker("-C -f --file -d --dir -t -j"),
  ) as Record<string, Rule>),
  cmake: {
    class: "build",
    options: [
      ["--version --help", "read"],
      ["-E", "write"],
    ],
  },
  eslint: checker("--fix"),
  ruff: {
    class: "check",
    verbs: { check: checker("--fix"), format: { class: "write", options: [["--check --diff", "check"]] } },
  },
  black: { class: "write", options: [["--check --diff", "check"]] },
  isort: { class: "write", options: [["-c --check --check-only --diff", "check"]] },
  prettier: {
    class: "read",
    options: [
      ["-w --write", "write"],
      ["-c --check", "check"],
    ],
  },
  biome: checker("--write --fix --apply"),
  ...(same(
    "mypy pyright flake8 pylint shellcheck golangci-lint stylelint hadolint yamllint",
    checker("--fix"),
  ) as Record<string, Rule>),
  rustfmt: { class: "write", options: [["--check", "check"]] },
  gofmt: { class: "read", options: [["-w", "write"]] },
};

/** What a runner's script or a program with a number is called otherwise. */
const aliases: [RegExp, string][] = [
  [/^python[\d.]*$|^pypy[\d.]*$/, "python"],
  [/^(?:nodejs|node)[\d.]*$/, "node"],
  [/^(perl|ruby|php|lua)[\d.]+$/, "$1"],
  [
    /^(npm|npx|pnpm|pnpx|yarn|jest|vitest|mocha|ava|tap|eslint|prettier|tsc|webpack|rollup|vite|playwright|karma|jasmine|corepack)(?:-cli)?\.[cm]?js$/,
    "$1",
  ],
  [/^(?:gawk|mawk|nawk|original-awk)$/, "awk"],
  [/^(?:x86_64|aarch64)-linux-gnu-(gcc|g\+\+|cpp|ld|ar|as|ranlib|strip|nm|objdump|readelf)[-\d.]*$/, "$1"],
  [/^(gcc|g\+\+|clang|clang\+\+|pip)-?[\d.]+$/, "$1"],
  [/^(vim|nano|emacs)(?:\.\w+|-\w+)$/, "$1"],
  [/^g?make$/, "make"],
];

/** The tool's usual name, from its file's. */
export function toolNamed(file: string): string {
  for (const [pattern, name] of aliases) if (pattern.test(file)) return file.replace(pattern, name);
  return file;
}

export const SHELLS: ReadonlySet<string> = new Set("sh bash dash zsh ksh mksh ash fish rbash".split(" "));
/** One program under many names: it is what it is called as. */
export const MULTI_CALL: ReadonlySet<string> = new Set(["busybox", "coreutils", "toybox", "uutils"]);
