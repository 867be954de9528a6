// How each editor is told to start us: its own form, with absolute paths, because editors started from a desktop know few folders. Facts: the editors'
// documentation, November 2026. Pure.

import { BrokeError } from "#src/core/errors.ts";
import { nearest } from "#src/core/nearest.ts";
import packageJson from "../package.json";

/** What is started: the launcher, and whose state it uses. Both absolute. */
export type Started = { command: string; home: string };

/** A string of JSON, which for these texts is one of Lua and of Emacs Lisp too: they hold nothing but printable characters. */
const quoted = (text: string): string => {
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new BrokeError("config", "a path has control characters in it", "install broke elsewhere");
  return JSON.stringify(text);
};
const json = (value: unknown) => JSON.stringify(value, null, 2);
const agent = ({ command, home }: Started) => ({ command, args: ["acp-server"], env: { BROKE_HOME: home } });

const forms: Record<string, { file: string; text(started: Started): string }> = {
  zed: {
    file: "~/.config/zed/settings.json",
    text: (started) => json({ agent_servers: { broke: { type: "custom", ...agent(started) } } }),
  },
  jetbrains: {
    file: "~/.jetbrains/acp.json",
    text: (started) =>
      json({
        default_mcp_settings: { use_idea_mcp: false, use_custom_mcp: false },
        agent_servers: { broke: agent(started) },
      }),
  },
  codecompanion: {
    file: "your Neovim configuration",
    text: ({ command, home }) => `require("codecompanion").setup({
  adapters = { acp = {
    broke = function()
      return require("codecompanion.adapters").extend("gemini_cli", {
        name = "broke", formatted_name = "broke",
        commands = { default = { ${quoted(command)}, "acp-server" } },
        defaults = { auth_method = nil, mcpServers = {}, timeout = 20000 },
        env = { BROKE_HOME = ${quoted(home)} },
      })
    end,
  } },
  interactions = { chat = { adapter = "broke" } },
})`,
  },
  avante: {
    file: "your Neovim configuration",
    text: ({ command, home }) => `require("avante").setup({
  provider = "broke",
  acp_providers = {
    ["broke"] = { command = ${quoted(command)}, args = { "acp-server" }, env = { BROKE_HOME = ${quoted(home)} } },
  },
})`,
  },
  "agent-shell": {
    file: "your Emacs configuration",
    text: ({ command, home }) => `(add-to-list 'agent-shell-agent-configs
  (agent-shell-make-agent-config
   :identifier 'broke :mode-line-name "broke" :buffer-name "broke"
   :shell-prompt "broke> " :shell-prompt-regexp "broke> "
   :client-maker (lambda (buffer)
     (acp-make-client :command ${quoted(command)} :command-params '("acp-server")
                      :environment-variables (agent-shell-make-environment-variables "BROKE_HOME" ${quoted(home)} :inherit-env t)
                      :context-buffer buffer))))`,
  },
  // What the ACP registry lists an agent by (agent.json of its schema, v1); who publishes a release adds where its archives are.
  registry: {
    file: "agent.json",
    text: () =>
      json({
        id: "broke",
        name: packageJson.name,
        version: packageJson.version,
        description: packageJson.description,
        license: packageJson.license,
        distribution: { npx: { package: `${packageJson.name}@${packageJson.version}`, args: ["acp-server"] } },
      }),
  },
  acpx: {
    file: "~/.acpx/config.json",
    text: ({ command }) => json({ agents: { broke: { argv: [command, "acp-server"] } } }),
  },
};

export const editors = Object.keys(forms);

/** The snippet for an editor, and the file it belongs in. Throws `usage` for one that is not known. */
export function editorConfig(editor: string, started: Started): { file: string; text: string } {
  const form = Object.hasOwn(forms, editor) ? forms[editor] : undefined;
  if (form !== undefined) return { file: form.file, text: form.text(started) };
  const guess = nearest(editor, editors);
  throw new BrokeError(
    "usage",
    "unknown editor",
    guess === undefined ? `use one of: ${editors.join(", ")}` : `did you mean ${guess}?`,
  );
}
