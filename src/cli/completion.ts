// Completion scripts from the command tree: what may follow each path of words. Words of the tree are ours, so they need no quoting.

import type { Group } from "./front.ts";

/** What may follow a path: commands, and options with their dashes. `deep`: nothing of ours, the words are somebody else's. */
export type Place = { path: string[]; words: string[] };

const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];
export const isShell = (word: string): word is Shell => shells.some((shell) => shell === word);

/** Every place of the tree. */
export async function walkTree(root: Group): Promise<Place[]> {
  const places: Place[] = [];
  const visit = async (group: Group, path: string[]): Promise<void> => {
    places.push({ path, words: [...Object.keys(group.commands), "--help"] });
    for (const [name, lazy] of Object.entries(group.commands)) {
      const node = await lazy.load();
      if ("group" in node) await visit(node.group, [...path, name]);
      else {
        const options = Object.entries(node.verb.args).flatMap(([option, arg]) =>
          arg.type === "positional" ? [] : [`--${option}`],
        );
        places.push({ path: [...path, name], words: node.verb.whole ? [] : [...options, "--help"] });
      }
    }
  };
  await visit(root, []);
  return places;
}

/** In bash, and in zsh by its emulation: the path is what does not begin with a dash. */
function bashScript(places: Place[]): string {
  const cases = places.map(({ path, words }) => `    "${path.join(" ")}") words="${words.join(" ")}"; found=1 ;;`);
  return `_broke() {
  local path="" words="" found="" word index
  COMPREPLY=()
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="\${COMP_WORDS[index]}"
    case "$word" in -*) continue ;; esac
    path="\${path:+$path }$word"
  done
  while :; do
    case "$path" in
${cases.join("\n")}
    esac
    [ -n "$found" ] && break
    case "$path" in *" "*) path="\${path% *}" ;; *) break ;; esac
  done
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _broke broke
`;
}

function fishScript(places: Place[]): string {
  const lines = places.flatMap(({ path, words }) => {
    const condition = path.length === 0 ? "__broke_at" : `__broke_at ${path.join(" ")}`;
    return words.map((word) =>
      word.startsWith("--")
        ? `complete -c broke -n '${condition}' -l ${word.slice(2)}`
        : `complete -c broke -n '${condition}' -f -a ${word}`,
    );
  });
  return `function __broke_at
  set -l path
  for word in (commandline -opc)[2..-1]
    string match -q -- '-*' $word; or set -a path $word
  end
  test "$path" = "$argv"
end
${lines.join("\n")}
`;
}

/** The script for a shell to take in. */
export function completionScript(shell: Shell, places: Place[]): string {
  if (shell === "fish") return fishScript(places);
  const script = bashScript(places);
  return shell === "bash" ? script : `#compdef broke\nautoload -U +X bashcompinit && bashcompinit\n${script}`;
}
