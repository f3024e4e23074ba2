// `rollout:` of an app as people write it: the waves in which CD deploys to its targets, and what happens when one goes wrong.

import { z } from "zod";

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must have at most 63 lower case letters, digits and hyphens");
const targetName = z.string().min(1).max(120);

/** Whoever writes what is planned learns that nothing would do it. */
function notBuilt(instead: string): z.ZodOptional<z.ZodString> {
  const problem = `is not built yet: ${instead}`;
  return z
    .string(problem)
    .refine(() => false, problem)
    .describe("Not built yet")
    .optional();
}

const gate = z.strictObject({
  /** The question. Whoever may approve for the app answers it. */
  approval: z
    .string()
    .min(1)
    .max(300)
    .regex(/^(?!.*\$\{\{)[^\p{C}]*$/u, "must be one line of text, without expressions"),
  metric: notBuilt("a gate can be `approval`"),
  script: notBuilt("a gate can be `approval`"),
});

/** What happens to targets at a site that has no runner when their turn comes. */
export const OFFLINE = ["wait", "skip", "stop"] as const;
export const ON_DEGRADED = ["stop", "rollback"] as const;

const wave = z.strictObject({
  name,
  /** Targets in one of these environments, or with one of these names. Without both: all that no earlier wave takes. */
  environments: z.array(name).min(1).max(50).optional(),
  targets: z.array(targetName).min(1).max(100).optional(),
  /** Targets that are deployed at the same time, with one commit. Default: all of the wave. */
  maxParallel: z.int().min(1).max(100).optional(),
  /** Targets that may fail before the rollout stops. */
  maxUnavailable: z.literal(0, "can only be 0: that more targets may fail is not built yet").default(0),
  soak: notBuilt("a wave ends when its targets are healthy; a gate with `approval` holds the next one"),
  /** What must have happened before the wave begins. */
  gates: z.array(gate).min(1).max(10).optional(),
  offline: z.enum(OFFLINE).default("wait"),
});

export const rolloutShape = z.strictObject({
  waves: z.array(wave).min(1).max(20),
  /** When a target is unhealthy after its deployment: no other wave begins, or what was deployed goes back as well. */
  onDegraded: z.enum(ON_DEGRADED).default("stop"),
});
export type Rollout = z.output<typeof rolloutShape>;
export type RolloutWave = Rollout["waves"][number];
