// What a run was asked to be, checked at the boundary and stored with it.

import * as v from "valibot";
import { BrokeError } from "#src/core/errors.ts";
import { profileNames, profileOf } from "#sandbox/profile.ts";
import { clientOf } from "./clients.ts";
import { checkWorkspace } from "./workspace.ts";

export const contractSchema = v.strictObject({
  client: v.picklist(["claude", "exec"]),
  profile: v.picklist(profileNames),
  workspace: v.string(),
  args: v.array(v.string()),
});
export type RunContract = v.InferOutput<typeof contractSchema>;

/** Checks what the caller asked for. Throws `usage` or `denied` naming what is wrong. */
export function checkContract(asked: {
  client: string;
  profile: string;
  cwd: string;
  args: string[];
  brokeHome: string;
  env: Record<string, string | undefined>;
}): RunContract {
  const client = clientOf(asked.client).id;
  const profile = profileOf(asked.profile).name;
  if (client === "exec" && asked.args.length === 0) {
    throw new BrokeError("usage", "no command given", "broke harness run --client exec -- <command> [args]");
  }
  return { client, profile, workspace: checkWorkspace(asked.cwd, asked.brokeHome, asked.env), args: asked.args };
}
