// Completion scripts from the command tree: what may follow each path of words. Words of the tree are ours, so they need no quoting.

import { type Group, loadFallback, type Verb } from "./front.ts";

/** What may follow a path: commands or the values of a choice, and options with their dashes. */
export type Place = { path: string[]; words: string[]; options: string[] };

const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];
export const isShell = (word: string): word is Shell => shells.some((shell) => shell === word);

const optionsOf = ({ args }: Verb) => [
  ...Object.entries(args).flatMap(([option, arg]) => (arg.type === "positional" ? [] : [`--${option}`])),
  "--help",
];

/** What the first word of a verb may be, where its hint says so. */
const choicesOf = ({ args }: Verb): string[] => {
  const first = Object.values(args).find((arg) => arg.type === "positional");
  return first?.valueHint?.split("|") ?? [];
};

/** Every place of the tree. */
export async function walkTree(root: Group): Promise<Place[]> {
  const places: Place[] = [];
  const visit = async (group: Group, path: string[]): Promise<void> => {
    const alone = await loadFallback(group);
    const options = alone === undefined ? ["--help"] : optionsOf(alone);
    places.push({ path, words: Object.keys(group.commands), options });
    for (const [name, lazy] of Object.entries(group.commands)) {
      const node = await lazy.load();
      if ("group" in node) await visit(node.group, [...path, name]);
      else {
        // Nothing of ours follows where the words are somebody else's.
        const options = node.verb.whole ? [] : optionsOf(node.verb);
        const words = choicesOf(node.verb);
        places.push({ path: [...path, name], words, options });
        for (const word of words) places.push({ path: [...path, name, word], words: [], options });
      }
    }
  };
  await visit(root, []);
  return places;
}

/** In bash, and in zsh by its emulation: the path is what does not begin with a dash. */
function bashScript(places: Place[]): string {
  const cases = places.map(
    ({ path, words, options }) =>
      `    "${path.join(" ")}") words="${words.join(" ")}"; options="${options.join(" ")}"; found=1 ;;`,
  );
  return `_broke() {
  local path="" words="" options="" found="" word index
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
  case "\${COMP_WORDS[COMP_CWORD]}" in -*) words="$options" ;; esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _broke broke
`;
}

function fishScript(places: Place[]): string {
  const lines = places.flatMap(({ path, words, options }) => {
    const at = `complete -c broke -n '__broke_at${path.map((word) => ` ${word}`).join("")}'`;
    return [...words.map((word) => `${at} -f -a ${word}`), ...options.map((option) => `${at} -l ${option.slice(2)}`)];
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
