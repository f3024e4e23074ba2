// Makes a change to an outside system under a permit of the task-agent. Even after a crash at any time, the change is made
// once, as far as the step's probe can tell.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Masker } from "@gantry/core/mask/masker.ts";
import type { RunEffect } from "@gantry/core/step/step.ts";
import { truncate } from "@gantry/core/truncate.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { isAhead } from "../attempts/moment.ts";
import type { Permit, Permits } from "../workers/job-executor.ts";
import { bounded } from "./clip.ts";

export type EffectContext = {
  readonly step: { readonly id: string; readonly uses: string; readonly effects: readonly string[] };
  readonly permits: Permits;
  readonly masker: Masker;
  readonly clock: Clock;
  /** Aborted when the step must stop: no effect begins after that. */
  readonly signal: AbortSignal;
};

const MAX_WHAT = 500;
const MAX_RESULT = 65_536;

export function createEffect({ step, permits, masker, clock, signal }: EffectContext): RunEffect {
  return async <R extends JsonObject>({
    name,
    ordinal = 0,
    what,
    probe,
    perform,
  }: Parameters<RunEffect>[0]): Promise<R> => {
    if (!step.effects.includes(name)) {
      throw new GantryError("internal", { problem: `${step.uses} does not declare its effect ${name}.` });
    }
    const request = { step: step.id, effect: name, ordinal, what: truncate(masker.text(what), MAX_WHAT) };
    let permit: Permit;
    let found: R | undefined;
    do {
      permit = await permits.begin(request, signal);
      if (permit.answer === "done") return permit.result as JsonObject as R;
      found = (permit.localResult ?? (permit.answer === "verify" ? await probe(permit.key) : undefined)) as
        | R
        | undefined;
      if (found === undefined) signal.throwIfAborted();
      // The expiry is checked at the last moment before the change; an expired permit is requested again.
    } while (found === undefined && !isAhead(permit.until, clock));
    const { key } = permit;
    const made = found ?? ((await perform(key)) as R);
    const result = bounded(masker.json(made), MAX_RESULT, (size) => {
      return new GantryError("internal", { problem: `The result of the effect ${name} has ${size} bytes.` });
    });
    await permits.end(key, result);
    return result as JsonObject as R;
  };
}
