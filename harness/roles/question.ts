// What a reviewer is asked: the task, and the evidence of the run. All that the worker could have had a hand in is quoted between marks of its own hash, and
// bounded; what is cut says so. Pure.
// Does not stop: a model from obeying what is quoted. Its opinion takes nothing away of what was observed (verdict/decide.ts).

import { clip } from "#src/core/text.ts";
import { promptOf, quote } from "../contract/prompt.ts";
import type { Task } from "../contract/terms.ts";
import type { EvidencePacket } from "../evidence/packet.ts";

const MAX_PACKET_BYTES = 96 * 1024;
const MAX_DIFF_BYTES = 96 * 1024;
const MAX_OUTPUT_BYTES = 8 * 1024;
const MAX_OUTPUTS = 8;
const MAX_TASK_BYTES = 64 * 1024;

const quoted = (name: string, text: string, maxBytes: number) => quote({ name, ...clip(text, maxBytes) });

/** `cut`: in words, what of the evidence a reviewer is not shown. */
export type Question = { text: string; cut: string[] };

const cutOf = (name: string, text: string | undefined, maxBytes: number): string[] => {
  const bytes = Buffer.byteLength(text ?? "");
  return bytes <= maxBytes ? [] : [`reviewers are shown ${maxBytes} of ${bytes} bytes of the ${name}`];
};

/** The question. `read` gives the text of an artifact by its name. */
export function reviewQuestion(
  task: Task | null,
  packet: EvidencePacket,
  read: (sha256: string) => string | undefined,
): Question {
  const asked = promptOf({ task, doctrines: [] });
  const diff = packet.diff === null ? undefined : read(packet.diff.sha256);
  const outputs = packet.verification
    .filter(({ baseline, output }) => !baseline && output !== null)
    .slice(-MAX_OUTPUTS)
    .flatMap(({ seq, output }) => {
      const text = read(output!);
      return text === undefined ? [] : [quoted(`output of ledger:${seq}`, text, MAX_OUTPUT_BYTES)];
    });
  const told = JSON.stringify(packet);
  const lines = [
    asked === undefined
      ? "The worker was given no task in words: judge what it did by itself."
      : `What the worker was asked:\n\n${clip(asked, MAX_TASK_BYTES).text}`,
    "The evidence packet that the supervisor collected:",
    quoted("evidence packet", told, MAX_PACKET_BYTES),
    diff === undefined ? "There is no diff." : quoted("diff", diff, MAX_DIFF_BYTES),
    ...outputs,
    "Review it by your contract, and answer with the one JSON object.",
  ];
  return {
    text: lines.join("\n\n"),
    cut: [...cutOf("evidence packet", told, MAX_PACKET_BYTES), ...cutOf("diff", diff, MAX_DIFF_BYTES)],
  };
}

/** What is asked once more of an answer that cannot be used. */
export const repairQuestion = (why: string): string =>
  `That cannot be used: ${why}. Answer once more, with the one JSON object of your contract and nothing else.`;
