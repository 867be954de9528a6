// Controls of a run that are weaker than its profile's own, said before it starts.

import { canChange } from "./client-identity.ts";
import { openedOf, type RunContract, unixOpen } from "./contract/contract.ts";
import type { Prepared } from "./prepare.ts";
import { weakFiles } from "./shown.ts";
import { holdsInstallation } from "./workspace.ts";

/** Controls that are weaker than the profile's own, in words. */
export function weakControls(
  { env }: { env: Record<string, string | undefined> },
  contract: RunContract,
  { input: { profile, workspace, programs }, state, identity }: Prepared,
): string[] {
  const warnings: string[] = [];
  const opened = openedOf(contract);
  if (opened.length > 0) warnings.push(`opened by --allow-protected: ${opened.join(", ")}`);
  if (state !== undefined)
    warnings.push(`the client works with your own ${state.folder}: it reads and writes its sessions there`);
  if (holdsInstallation(workspace))
    warnings.push(
      "the workspace holds the broke that runs it: what the client changes there runs with the next command",
    );
  warnings.push(...weakFiles(contract.files, env));
  if (profile.root === "host") warnings.push("normal shows the host's file system and network");
  if (profile.root === "host" && identity !== undefined && canChange(identity.path, undefined))
    warnings.push("the client could change its own program, for every later start of it");
  if (contract.route !== "broke_router") warnings.push(`${contract.route}: the worker holds a credential of yours`);
  if (unixOpen(contract))
    warnings.push("Unix sockets are open: what is shown of other programs' sockets can be spoken to");
  warnings.push(...(programs?.warnings ?? []));
  return warnings;
}
