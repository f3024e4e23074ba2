// A runner's messages about an attempt that it has claimed: start, progress, effects, report. All of them go through the
// fence check of core/task; a stale fence changes nothing.

import { hash } from "node:crypto";
import { canonicalJson } from "@gantry/core/canonical-json.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import {
  decideEffectBegin,
  decideEffectEnd,
  decideLateReport,
  decideProgress,
  decideReport,
  decideStart,
  type Permit,
} from "@gantry/core/task/decide-lease.ts";
import type { Claimant, Decision } from "@gantry/core/task/decision.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import { effectKey } from "@gantry/wire/runner/effect-key.ts";
import type * as wire from "@gantry/wire/runner/protocol.ts";
import type { z } from "zod";
import type { Alarms } from "../alarms.ts";
import type { Limits } from "../limits.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { AttemptBudget } from "./attempt-budget.ts";
import { withinLimits } from "./decide-limits.ts";
import { jobOf } from "./job-spec.ts";

export type AttemptHandlersDeps = {
  readonly tasks: Tasks;
  readonly alarms: Alarms;
  readonly limits: Limits;
  readonly budget: AttemptBudget;
  /** The sender of a message. Throws `session-gone` and `lease-lost`. */
  readonly claimantOf: (session: string, site: string, ref: wire.JobRef) => Promise<Claimant>;
};

export function attemptHandlers({ tasks, alarms, limits, budget, claimantOf }: AttemptHandlersDeps) {
  const within = (ref: wire.JobRef, state: TaskState, decision: Decision): Decision =>
    budget(ref, withinLimits(limits, state, decision));
  return {
    start: async ({ session, ref }: z.infer<typeof wire.startRequest>, site: string): Promise<JsonObject> => {
      const claimant = await claimantOf(session, site, ref);
      await tasks.change(ref.task, ({ state }, now) => decideStart(state, claimant, now));
      return {};
    },

    progress: async (request: z.infer<typeof wire.progressRequest>, site: string): Promise<{ ack: number }> => {
      const claimant = await claimantOf(request.session, site, request.ref);
      const task = await tasks.change(request.ref.task, ({ state }, now) =>
        within(request.ref, state, decideProgress(state, claimant, request.from, request.events, now)),
      );
      return { ack: jobOf(task, request.ref.job).progress };
    },

    effectBegin: async (request: z.infer<typeof wire.effectBegin>, site: string): Promise<wire.EffectPermit> => {
      const claimant = await claimantOf(request.session, site, request.ref);
      const { step, effect, what, ordinal, ref } = request;
      const key = effectKey(ref.task, ref.job, step, effect, ordinal);
      let permit: Permit | undefined;
      await tasks.change(ref.task, ({ state }, now) => {
        const answer = decideEffectBegin(state, claimant, { key, step, effect, what }, now);
        permit = answer.permit;
        return within(ref, state, answer.decision);
      });
      if (!permit) throw new Error("an effect that began has no permit");
      return permit.answer === "done"
        ? { answer: "done", key, result: permit.result as Record<string, z.core.util.JSONType> }
        : { answer: permit.answer, key };
    },

    effectEnd: async (request: z.infer<typeof wire.effectEnd>, site: string): Promise<JsonObject> => {
      const claimant = await claimantOf(request.session, site, request.ref);
      await tasks.change(request.ref.task, ({ state }, now) =>
        within(request.ref, state, decideEffectEnd(state, claimant, request.key, request.result, now)),
      );
      return {};
    },

    /** A late report is refused with `lease-lost` and stored for people to see. Throws `report-differs` as well. */
    report: async (request: wire.ReportRequest, site: string): Promise<JsonObject> => {
      const { ref, session: _, ...result } = request;
      const claimant = await claimantOf(request.session, site, ref);
      const report = { ...result, digest: digestOf(result) };
      try {
        await tasks.change(ref.task, ({ state, pipeline }, now) =>
          withinLimits(limits, state, decideReport(pipeline, state, claimant, report, now)),
        );
      } catch (error) {
        if (!(error instanceof GantryError)) throw error;
        if (error.code === "lease-lost")
          await tasks.change(ref.task, ({ state }, now) =>
            withinLimits(limits, state, decideLateReport(state, claimant, report, now)),
          );
        if (error.code === "report-differs")
          alarms.raise(
            "report-differs",
            { ...ref, runner: claimant.runner, ...error.details },
            "an attempt was reported twice with different results",
          );
        throw error;
      }
      if (result.failure?.code === "kill-failed")
        alarms.raise(
          "kill-failed",
          { ...ref, runner: claimant.runner },
          "processes of a job are still alive on a runner after SIGKILL",
        );
      return {};
    },
  };
}

/** The same for a repeated report, whatever the order of its keys. The progress number does not count. */
function digestOf({ outcome, outputs, failure }: Pick<wire.ReportRequest, "outcome" | "outputs" | "failure">): string {
  return hash("sha256", canonicalJson([outcome, outputs, (failure ?? null) as JsonObject | null]), "hex");
}
