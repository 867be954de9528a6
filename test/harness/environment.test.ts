// The client's environment is built from nothing, and the launcher's own is only counted.

import { describe, expect, test } from "bun:test";
import type { ClientContext } from "#harness/clients/client.ts";
import { clientOf } from "#harness/clients.ts";
import { clientEnvironment, countByClass } from "#harness/environment.ts";

const context: ClientContext = {
  home: "/home/agent",
  workspace: "/srv/work",
  gatewayUrl: "http://127.0.0.1:{bridge_port}",
  token: "brokerun_nonce",
  terminal: false,
  confined: true,
  userState: false,
  opened: [],
  slots: [],
};
const base = {
  PATH: "/run/broke/shims:/srv/node/bin:/usr/local/bin:/usr/bin:/bin",
  HOME: "/home/agent",
  USER: "agent",
  LOGNAME: "agent",
  SHELL: "/bin/bash",
  TMPDIR: "/tmp",
  LANG: "C.UTF-8",
  TERM: "dumb",
  GIT_TERMINAL_PROMPT: "0",
};
const gateway = { ANTHROPIC_BASE_URL: "http://127.0.0.1:{bridge_port}", ANTHROPIC_AUTH_TOKEN: "brokerun_nonce" };
const options = {
  shims: "/run/broke/shims",
  pathDirs: ["/srv/node/bin"],
  term: "screen-256color",
  egressPort: undefined,
};

test("any command: the base, the gateway and nothing else", () => {
  expect(clientEnvironment(clientOf("exec"), context, options)).toEqual({ ...base, ...gateway });
});

test("with a network: what programs go by to find the proxy, never for loopback", () => {
  const proxy = "http://127.0.0.1:{egress_port}";
  const all = "socks5h://127.0.0.1:{egress_port}";
  const none = "127.0.0.1,localhost";
  expect(clientEnvironment(clientOf("exec"), context, { ...options, egressPort: "{egress_port}" })).toEqual({
    ...{ ...base, ...gateway, HTTP_PROXY: proxy, HTTPS_PROXY: proxy, ALL_PROXY: all, NO_PROXY: none },
    ...{ http_proxy: proxy, https_proxy: proxy, all_proxy: all, no_proxy: none, NODE_USE_ENV_PROXY: "1" },
  });
});

test("Claude Code: every model it resolves is a slot", () => {
  expect(clientEnvironment(clientOf("claude"), context, options)).toEqual({
    ...base,
    ...gateway,
    ANTHROPIC_MODEL: "sonnet",
    ANTHROPIC_DEFAULT_SONNET_MODEL: "sonnet",
    ANTHROPIC_DEFAULT_OPUS_MODEL: "opus",
    ANTHROPIC_DEFAULT_HAIKU_MODEL: "haiku",
    ANTHROPIC_DEFAULT_FABLE_MODEL: "opus",
    ANTHROPIC_SMALL_FAST_MODEL: "haiku",
    CLAUDE_CONFIG_DIR: "/home/agent/.claude",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_TELEMETRY: "1",
    DISABLE_AUTOUPDATER: "1",
    DISABLE_ERROR_REPORTING: "1",
    DISABLE_INSTALLATION_CHECKS: "1",
    CLAUDE_CODE_SANDBOXED: "1",
    CLAUDE_CODE_ATTRIBUTION_HEADER: "0",
    CLAUDE_CODE_MAX_CONTEXT_TOKENS: "200000",
  });
});

test("Claude Code: its subagents and one more entry of its picker are slots where somebody answers for them", () => {
  const slots = ["subagent", "custom"].map((id) => ({ id, client: "claude", title: id, set: true }));
  const plain = clientEnvironment(clientOf("claude"), context, options);
  expect(clientEnvironment(clientOf("claude"), { ...context, slots }, options)).toEqual({
    ...plain,
    CLAUDE_CODE_SUBAGENT_MODEL: "subagent",
    ANTHROPIC_CUSTOM_MODEL_OPTION: "custom",
  });
});

test("the terminal's kind: the user's own with one, a common one when that is unknown, dumb without", () => {
  const term = (terminal: boolean, given: string | undefined) =>
    clientEnvironment(clientOf("exec"), { ...context, terminal }, { ...options, term: given }).TERM;
  expect([term(true, "foot"), term(true, undefined), term(false, "foot"), term(false, undefined)]).toEqual([
    ...["foot", "xterm-256color", "dumb", "dumb"],
  ]);
});

test("nothing of the launcher's environment comes through", () => {
  const planted = "planted_for_the_environment_test";
  process.env.PLANTED_VARIABLE = planted;
  process.env.LD_PRELOAD_PLANTED = planted;
  try {
    const made = clientEnvironment(clientOf("claude"), context, options);
    expect(JSON.stringify(made)).not.toContain(planted);
    expect(Object.keys(made).filter((name) => name.startsWith("LD_"))).toEqual([]);
  } finally {
    delete process.env.PLANTED_VARIABLE;
    delete process.env.LD_PRELOAD_PLANTED;
  }
});

describe("what was dropped, by class", () => {
  const classes: Record<string, string[]> = {
    secret: [
      ...["GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "PGPASSWORD", "OPENAI_API_KEY", "GEMINI_APIKEY"],
      ...["GOOGLE_APPLICATION_CREDENTIALS", "SSH_PRIVATE_KEY", "SIGNING_KEY", "GITLAB_PAT", "npm_token", "Api_Key"],
    ],
    loader: [
      ...["LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "BASH_ENV", "ENV", "NODE_OPTIONS", "BUN_OPTIONS"],
      ...["PYTHONPATH", "PERL5LIB", "RUBYOPT", "GIT_SSH_COMMAND", "JAVA_TOOL_OPTIONS"],
    ],
    broke: ["BROKE_HOME", "BROKE_API_KEY"],
    other: ["PATH", "HOME", "ENVIRONMENT", "KEYBOARD", "EDITOR", "BASH_ENVIRONMENT", "PATTERN"],
  };
  for (const [name, variables] of Object.entries(classes)) {
    test(name, () => {
      const counted = (variable: string) => countByClass({ [variable]: "x" });
      const expected = { secret: 0, loader: 0, broke: 0, other: 0, [name]: 1 };
      expect(variables.map((variable) => [variable, counted(variable)] as const)).toEqual(
        variables.map((variable) => [variable, expected] as const),
      );
    });
  }

  test("summed up without a name or a value; what is not set is not counted", () => {
    const all = Object.fromEntries(
      Object.values(classes)
        .flat()
        .map((name) => [name, "x"]),
    );
    expect(countByClass({ ...all, UNSET: undefined, UNSET_TOKEN: undefined })).toEqual({
      ...{ secret: 12, loader: 12, broke: 2, other: 7 },
    });
    expect(countByClass({})).toEqual({ secret: 0, loader: 0, broke: 0, other: 0 });
  });
});
