// `broke sandbox trust`: the project's broke.toml, as it is now, may narrow the operator's permission sets.

import { BrokeError } from "#src/core/errors.ts";
import type { Verb } from "../front.ts";
import { answer, answerJson } from "../output.ts";

export const verb: Verb = {
  description: "Trust the permission sets in this folder's broke.toml, as they are now",
  args: {
    forget: { type: "boolean", description: "trust them no longer" },
    json: { type: "boolean", description: "print JSON" },
  },
  async run({ flags }) {
    const { realpathSync } = await import("node:fs");
    const { dropToOwner } = await import("#harness/identity.ts");
    const { readProjectFile, SET_FILE } = await import("#harness/permission-set.ts");
    const { parsePermissionSets } = await import("#sandbox/permission-sets.ts");
    const { systemClock } = await import("#src/core/clock.ts");
    const { openState } = await import("../compose.ts");
    const folder = realpathSync(process.cwd());
    dropToOwner(folder, process.env);
    const { trust } = openState();
    if (flags.has("forget")) {
      if (!trust.forget(folder)) throw new BrokeError("negative", "nothing here was trusted");
      if (flags.has("json")) answerJson({ folder, trusted: false });
      else answer(`${folder} is trusted no longer`);
      return 0;
    }
    const file = readProjectFile(folder);
    if (file === undefined) throw new BrokeError("missing", `there is no ${SET_FILE} in this folder`);
    const sets = [...parsePermissionSets(file.text, `${SET_FILE} here`).keys()];
    trust.set(folder, file.hash, systemClock());
    if (flags.has("json")) answerJson({ folder, trusted: true, hash: file.hash, sets });
    else answer(`${folder}/${SET_FILE} is trusted as it is: ${sets.join(", ") || "no sets"} (sha256 ${file.hash})`);
    return 0;
  },
};
