// Which commands begin anew in a view of an overlay, before they do anything else: those that start a run in one, and those that look at or go on
// in the tree of one.

import { BrokeError } from "#src/core/errors.ts";
import { isRunId, VIEW_VARIABLE } from "#src/core/ids.ts";
import { systemClock } from "#src/core/clock.ts";
import { note } from "./output.ts";

/** What a command needs of a run's overlay: its work to look at, a new run that goes on in it, or a new one that begins anew. */
export type Need = "look" | "next" | "anew";

async function openView() {
  const { openHome } = await import("#src/state/paths.ts");
  const view = await import("#harness/overlay-view.ts");
  const home = openHome(process.env, (path) => note(`${path} could be read by others; it is private again`));
  return { ...view, home };
}

/** The folder a run would work on. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new BrokeError("usage", "the folder you are in is gone", "change into a project's folder");
  }
}

/** For a new run here, where it is to work in an overlay: the run that is reserved, once this process is in its view. */
export async function newView(mode: string | undefined): Promise<string | undefined> {
  if (mode !== "overlay" && process.env[VIEW_VARIABLE] === undefined) return undefined;
  const { dropToOwner } = await import("#harness/identity.ts");
  const cwd = currentFolder();
  dropToOwner(cwd, process.env);
  const { home, viewEntered, enterNewView } = await openView();
  const entered = viewEntered(home, process.env);
  if (entered !== undefined || mode !== "overlay") return entered;
  // No folder to work in, as is said by who checks that.
  const { isWithin } = await import("#sandbox/protected.ts");
  const { realpathSync } = await import("node:fs");
  if (isWithin(realpathSync(cwd), home.root)) return undefined;
  return enterNewView(home, cwd, process.env, systemClock());
}

/**
 * For a run that is over, where it worked in an overlay; the run that is reserved, or looked at. Undefined, too, where nothing is left of it: that is
 * said by whoever then finds nothing.
 */
export async function viewOf(run: string, need: Need): Promise<string | undefined> {
  const { home, viewEntered, overlaidBy, hasLayer, enterNewView, enterNextView, enterOldView } = await openView();
  const entered = viewEntered(home, process.env);
  if (entered !== undefined) return entered;
  const workspace = isRunId(run) ? overlaidBy(home, run) : undefined;
  if (workspace === undefined) return undefined;
  if (need !== "anew" && !hasLayer(home, run)) return undefined;
  if (need === "look") return enterOldView(home, run, workspace, process.env);
  if (need === "anew") return enterNewView(home, workspace, process.env, systemClock());
  return enterNextView(home, run, workspace, process.env, systemClock());
}

/** Does it, and takes back what was reserved for a run that was then not begun. */
export async function inView<Result>(run: string | undefined, act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } finally {
    if (run !== undefined) {
      const { home, giveBack } = await openView();
      giveBack(home, run);
    }
  }
}
