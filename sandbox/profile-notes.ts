// What each profile stops and what it does not, in words: shown by `broke sandbox explain` and, word for word, in sandbox/README.md.

import type { ProfileName } from "./profile.ts";

export type ProfileNotes = { summary: string; stops: string[]; doesNotStop: string[] };

const confinedStops = [
  "reading or writing files outside the workspace that were not allowed; `BROKE_HOME` in any case",
  "changing what makes others run code later: git hooks and configuration, editor, agent and package manager settings",
  "any network but what was allowed: there is no interface but loopback, no route and no name server",
  "Unix sockets, device files, other processes, the kernel's keyrings, tracing, mounting, more user namespaces",
  "variables of your environment that were not allowed by name",
];
const confinedLeaves = [
  "changing or deleting what the workspace holds, and leaving scripts, tests and build files that somebody runs later",
  "reading whatever lies in the workspace under a name nobody masks",
  "reading what was ever committed to a repository it is shown, of what is masked or denied too",
  "sending anything it may read to the model, or to a host that was allowed",
  "using a file by another name it has (hard links) in what it is shown",
  "a hole in the kernel behind the calls that are left; side channels of the processor",
];

/** The words, by profile. */
export const profileNotes: Record<ProfileName, ProfileNotes> = {
  strict: {
    summary: "the workspace, the system's programs read-only, the run's own socket, no environment",
    stops: confinedStops,
    doesNotStop: confinedLeaves,
  },
  hardened: {
    summary: "as strict, files made for their owner alone, and any public host through the recording proxy",
    stops: [...confinedStops, "others on this machine reading what it makes (umask 077)"],
    doesNotStop: [...confinedLeaves, "telling any public host what it knows, unless `--allow-net=…` narrows it"],
  },
  normal: {
    summary: "your files and network as they are, but for `BROKE_HOME`, your environment and more privileges",
    stops: [
      "reading the keys and changing the record of runs, as long as `BROKE_HOME` can be hidden",
      "seeing your environment; gaining privileges by setuid programs (sudo)",
      "seeing other processes, tracing, mounting, the kernel's keyrings",
    ],
    doesNotStop: [
      "reading and writing every other file that you can, start-up files among them",
      "reaching your network, your sockets and agents, and through them programs that are in no sandbox",
    ],
  },
};

/** What wide permissions take away of that, in words; shown where a run has them. */
export const wideNotes = {
  read: "it reads every file that you can, but for those listed as hidden: secrets under other names are among them",
  home: "it writes your home, what your shell and your session start from among it",
  write: "it writes every file that you can: what your shell and your session start from, hooks of other repositories",
};
