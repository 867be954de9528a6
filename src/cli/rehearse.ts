// A launch that is not made: what bwrap would be told, or all of it in words. Prepared by what prepares a launch.

import type { Preview } from "#harness/preview.ts";
import { type ChooseLaunch, openLaunch } from "./launch.ts";
import { answer, answerJson } from "./output.ts";

/** Prints what bwrap and init would be told. */
export async function rehearseLaunch(choose: ChooseLaunch): Promise<number> {
  const { deps, contract } = await openLaunch(choose);
  const { previewRun } = await import("#harness/preview.ts");
  const { dryRun } = await import("#harness/explain.ts");
  const { BWRAP, bwrapWords } = await import("#sandbox/spawn.ts");
  const { ownCode } = await import("#sandbox/own-code.ts");
  const code = await ownCode();
  const rehearse = (preview: Preview) => dryRun(preview, code, { program: BWRAP, ...bwrapWords(preview.plan) });
  answerJson(previewRun(deps, contract, rehearse));
  return 0;
}

/** Prints the launch in words, or as one object. */
export async function explainLaunch(choose: ChooseLaunch, json: boolean): Promise<number> {
  const { deps, contract } = await openLaunch(choose);
  const { previewRun } = await import("#harness/preview.ts");
  const { explainLaunch: explain, explanationText } = await import("#harness/explain.ts");
  const told = previewRun(deps, contract, explain);
  if (json) answerJson(told);
  else answer(explanationText(told));
  return 0;
}
