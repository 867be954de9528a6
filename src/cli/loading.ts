// Loading a team or a profile: the routing in one commit, and the mode of the team with it.

import { answer, answerJson } from "./output.ts";

async function load(kind: "team" | "profile", name: string, flags: ReadonlySet<string>): Promise<number> {
  const { openState } = await import("./compose.ts");
  const { loadProfile, loadTeam, profileOf, teamOf } = await import("#src/routing/presets.ts");
  const { edited } = await import("./shared.ts");
  const next = await edited(openState(), ({ generations, settings, db }) =>
    db
      .transaction(() => {
        const committed = generations.commit(`${kind} load ${name}`, (routing) =>
          kind === "team" ? loadTeam(routing, name) : loadProfile(routing, name),
        );
        settings.set("mode", teamOf(committed, kind === "team" ? name : profileOf(committed, name).team).mode);
        return committed;
      })
      .immediate(),
  );
  if (flags.has("json")) answerJson({ generation: next.id, slots: next.slots });
  else answer(`generation ${next.id}: ${kind} ${name} is live`);
  return 0;
}

/** Loads a team. */
export const loadedTeam = (name: string, flags: ReadonlySet<string>) => load("team", name, flags);
/** Loads a profile: its team, narrowed. */
export const loadedProfile = (name: string, flags: ReadonlySet<string>) => load("profile", name, flags);
