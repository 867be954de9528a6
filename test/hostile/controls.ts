// The probes there are, and for each the control in which it is seen to report a breach (controls.json): a probe without one does not count.

import * as v from "valibot";
import written from "./controls.json";

const ids = v.array(v.string());
/** `usability`: what an honest worker does, which must work. `elsewhere`: the control is another test's, and why. */
export const controls = v.parse(
  v.strictObject({
    usability: ids,
    ...{ outside: ids, terminal: ids, bare: ids, sham: ids },
    elsewhere: v.record(v.string(), v.string()),
  }),
  written,
);

const { elsewhere, ...lists } = controls;
export const probeIds = [...Object.values(lists).flat(), ...Object.keys(elsewhere)].sort();
export const judgeIds = ["home", "hooks", "repository", "artifacts", "placeholders", "orphan", "ledger"].map(
  (name) => `judge/${name}`,
);
