// A process of its own that puts launches through the audit of a home, for tests of several at once.

import { openAudit, auditLaunch } from "#harness/audit.ts";
import { openDatabase } from "#src/state/database.ts";
import { openHeads } from "#src/state/heads.ts";
import { openHome } from "#src/state/paths.ts";
import { signingKeys } from "#src/state/secrets.ts";

const [count = "0", name = ""] = process.argv.slice(2);
const home = openHome(process.env);
const log = openAudit({
  file: home.audit,
  heads: openHeads(openDatabase(home)),
  keys: signingKeys(home),
  clock: Date.now,
});
for (let index = 0; index < Number(count); index++) {
  const launch = auditLaunch(log, `run_${name}_${index}`, { client: "exec" });
  launch.started({ secret: 0 });
  launch.ended({ outcome: "completed", verdict: "ACCEPT", exit_code: 0, exit_source: "client" });
}
