// A rule says when to send a message, how often, and to whom. Rules are compiled at the start: a misspelt expression or an
// unknown channel prevents it.

import { z } from "zod";

/**
 * As the configuration file writes it. `when`, `oncePer` and `to` are CEL over `event` (the fact, and the `type` of its
 * CloudEvent) and `task` (id, pipeline, title, app, requestedBy, url).
 */
export const ruleSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  /** e.g. `event.kind == "TaskEnded" && event.outcome != "succeeded"` */
  when: z.string(),
  /** e.g. `task.id`: a second event with the same value sends nothing. */
  oncePer: z.string(),
  send: z.array(z.strictObject({ channel: z.string(), to: z.string().optional() })).min(1),
});
export type RuleFile = z.infer<typeof ruleSchema>;
