// Run before the package is packed: writes the manifest that an install of it is held against.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeManifest, MANIFEST } from "./installation.ts";
import { INSTALLATION } from "./workspace.ts";

writeFileSync(join(INSTALLATION, MANIFEST), `${JSON.stringify(makeManifest(INSTALLATION), null, 1)}\n`);
