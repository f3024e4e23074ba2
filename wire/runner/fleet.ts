// The message with which a runner reports what an Argo CD of its site shows. One runner of the site watches each Argo CD: the
// answer says whether it is this one. Since this version; an older task-agent has no such call, and the runner then does not watch.

import { observedApplication, observedKey } from "@gantry/core/fleet/observed.ts";
import { z } from "zod";

const id = z.string().min(1).max(200);
const ms = z.int().min(0);

/** Applications of one Argo CD; further ones are left out. */
export const MAX_APPLICATIONS = 20_000;
/** Changed applications in one report. */
export const MAX_REPORTED = 200;

export const observeRequest = z.object({
  session: id,
  /** The name of the Argo CD in the configuration of the site. */
  system: id,
  /** How long ago Argo CD last answered this runner, or showed that the stream is open. Absent: it did not yet. */
  silentMs: ms.optional(),
  /** Why Argo CD cannot be watched now. */
  problem: z.string().max(1_000).optional(),
  /** All applications that there are: what the agent knows beyond them is gone. */
  all: z.array(observedKey).max(MAX_APPLICATIONS).optional(),
  changed: z.array(observedApplication).max(MAX_REPORTED),
  gone: z.array(observedKey).max(MAX_APPLICATIONS),
  /** The runner ends: another one may watch at once. */
  leaving: z.literal(true).optional(),
});
export type ObserveRequest = z.infer<typeof observeRequest>;

/** `stand-by`: another runner watches it, and nothing of this report was kept. */
export const observeReply = z.object({
  role: z.enum(["watch", "stand-by"]),
  /** When to report again, also without news. */
  againMs: ms,
});
export type ObserveReply = z.infer<typeof observeReply>;
