// A change to the outside world under a permit of the task-agent. Whatever crashes when, the change is made once, as far
// as the probe of the step can tell.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Masker } from "@gantry/core/mask/masker.ts";
import type { RunEffect } from "@gantry/core/step/step.ts";
import type { EffectPermit, JobRef } from "@gantry/wire/protocol.ts";
import { bounded, type WireObject } from "./clip.ts";
import type { DiskJournal } from "./disk-journal.ts";
import type { Link } from "./link.ts";
import { isCode, type RunnerDeps } from "./ports.ts";

export type EffectSetting = {
  readonly ref: JobRef;
  readonly step: { readonly id: string; readonly uses: string; readonly effects: readonly string[] };
  readonly link: Link;
  readonly disk: DiskJournal;
  readonly masker: Masker;
  readonly deps: Pick<RunnerDeps, "clock" | "logger">;
  /** Aborted when the step must stop: no effect begins any more. */
  readonly signal: AbortSignal;
  /** Aborted only when nothing counts any more: until then the end of an effect that was made is told. */
  readonly lost: AbortSignal;
  readonly onLost: () => void;
};

const MAX_WHAT = 500;
const MAX_RESULT = 65_536;

export function createEffect(setting: EffectSetting): RunEffect {
  return async <R extends JsonObject>({
    name,
    ordinal = 0,
    what,
    probe,
    perform,
  }: Parameters<RunEffect>[0]): Promise<R> => {
    if (!setting.step.effects.includes(name)) {
      throw new GantryError("internal", { problem: `${setting.step.uses} does not declare its effect ${name}.` });
    }
    const permit = await begin(setting, name, ordinal, setting.masker.text(what).slice(0, MAX_WHAT));
    if (permit.answer === "done") return permit.result as JsonObject as R;
    const { key } = permit;
    // Made by this runner, and the agent was never told: no need to look.
    const own = permit.answer === "verify" ? setting.disk.state.effects.get(key)?.result : undefined;
    const found = own ?? (permit.answer === "verify" ? await probe(key) : undefined);
    if (found === undefined) setting.signal.throwIfAborted();
    const made = found ?? (await perform(key));
    const result = bounded(setting.masker.json(made), MAX_RESULT, (size) => {
      return new GantryError("internal", { problem: `The result of the effect ${name} has ${size} bytes.` });
    });
    await setting.disk.commit({ k: "effect", key, result, atMs: setting.deps.clock.nowMs() });
    await end(setting, key, result);
    return result as JsonObject as R;
  };
}

function begin(setting: EffectSetting, effect: string, ordinal: number, what: string): Promise<EffectPermit> {
  const { ref, step, link, signal } = setting;
  return guarded(setting, () =>
    link.call(
      (client, session, options) => client.effectBegin({ session, ref, step: step.id, effect, ordinal, what }, options),
      { signal },
    ),
  );
}

async function end(setting: EffectSetting, key: string, result: WireObject): Promise<void> {
  const { ref, link, lost, disk } = setting;
  await guarded(setting, () =>
    link.call((client, session, options) => client.effectEnd({ session, ref, key, result }, options), {
      signal: lost,
    }),
  );
  disk.note({ k: "effect-told", key });
}

async function guarded<T>({ onLost }: EffectSetting, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isCode(error, "lease-lost")) onLost();
    throw error;
  }
}
