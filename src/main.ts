// argv → exit code. The only process.exit of the product's own process.

import { exitCodeOf } from "#src/core/errors.ts";
import { storageError } from "#src/core/system-errors.ts";
import { parse } from "#src/cli/front.ts";
import { exemptLoopback } from "#src/cli/loopback.ts";
import { answer, complain, READER_GONE_EXIT, ReaderGone } from "#src/cli/output.ts";
import { root } from "#src/cli/tree.ts";

async function main(argv: string[]): Promise<number> {
  if (argv[0] === "--version") {
    const { version } = await import("../package.json");
    answer(version);
    return 0;
  }
  const parsed = await parse(root, argv);
  if (parsed.kind === "help") {
    answer(parsed.text);
    return 0;
  }
  const { verb, invocation } = parsed;
  const view = await verb.view?.(invocation);
  await (await import("#src/cli/refresh.ts")).refreshed(process.env);
  return await verb.run(view === undefined ? invocation : { ...invocation, view });
}

exemptLoopback(process.env);
try {
  process.exit(await main(process.argv.slice(2)));
} catch (error) {
  if (error instanceof ReaderGone) process.exit(READER_GONE_EXIT);
  const told = storageError(error) ?? error;
  complain(told);
  process.exit(exitCodeOf(told));
}
