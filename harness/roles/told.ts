// What was said of the work while it went on, beside what the run's own reviewers say of it at its end. It can make a verdict harder, and stands for no
// reviewer that the run wants. Pure.

import type { Opinion, Role } from "../verdict/decide.ts";
import { atLeast } from "../verdict/words.ts";

export type Roles = Partial<Record<Role, Opinion>>;

/** Of what was said twice in one role's name: what was said, before what was not; the harder of two. Nothing said later takes it back. */
export function hardest(before: Opinion | undefined, now: Opinion): Opinion {
  if (before?.state !== "given") return now;
  if (now.state !== "given") return before;
  return atLeast(before.verdict, now.verdict) ? before : now;
}

/** Of a role that was asked its answer counts, unless what was said in its name before is harder. */
export function withTold(asked: Roles, told: Roles): Roles {
  const harderOf = (role: Role, answer: Opinion): Opinion => {
    const before = told[role];
    if (before?.state !== "given" || answer.state !== "given") return answer;
    return atLeast(answer.verdict, before.verdict) ? answer : before;
  };
  const answers = Object.entries(asked).map(([role, answer]) => [role, harderOf(role as Role, answer)]);
  return { ...told, ...(Object.fromEntries(answers) as Roles) };
}
