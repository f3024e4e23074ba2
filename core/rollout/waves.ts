// The waves of a rollout: which targets are deployed when, and which of them together. Pure.

import type { RolloutWave } from "./rollout-shape.ts";

export type RolloutTarget = {
  readonly name: string;
  readonly site?: string | undefined;
  readonly environment?: string | undefined;
};

/** Targets that are deployed at the same time. A type alias, so that it is a value of JSON. */
export type Batch = {
  /** Differs in all batches of a wave, and from every name of a target that it does not begin with. */
  readonly name: string;
  readonly targets: readonly string[];
};

export type Wave = {
  readonly of: RolloutWave;
  readonly batches: readonly Batch[];
};

type Selects = Pick<RolloutWave, "environments" | "targets">;

/** For each wave the names of its targets, in the order of the app. A target belongs to the first wave that fits it. */
export function takenByWaves(
  waves: readonly Selects[],
  targets: readonly RolloutTarget[],
): readonly (readonly string[])[] {
  const waveOf = targets.map((target) => waves.findIndex((wave) => isOf(wave, target)));
  return waves.map((_, at) => targets.filter((_target, index) => waveOf[index] === at).map(({ name }) => name));
}

/** `wanted`: the names of the targets to deploy to. Waves without such targets are left out. */
export function wavesOf(
  waves: readonly RolloutWave[],
  targets: readonly RolloutTarget[],
  wanted: readonly string[],
): readonly Wave[] {
  const taken = takenByWaves(waves, targets);
  return waves.flatMap((of, at): Wave[] => {
    const own = targets.filter(({ name }) => taken[at]?.includes(name) && wanted.includes(name));
    // A site without a runner must hold back no target of another one.
    const apart = of.offline === "wait" ? [own] : [...Map.groupBy(own, ({ site }) => site).values()];
    const batches = apart.flatMap((some) => chunks(some, of.maxParallel ?? some.length));
    return batches.length === 0 ? [] : [{ of, batches: batches.map(batchOf) }];
  });
}

function isOf({ environments, targets }: Selects, { name, environment }: RolloutTarget): boolean {
  if (environments === undefined && targets === undefined) return true;
  return (
    targets?.includes(name) === true || (environment !== undefined && environments?.includes(environment) === true)
  );
}

function chunks<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  return all.length <= size
    ? [all].filter((one) => one.length > 0)
    : [all.slice(0, size), ...chunks(all.slice(size), size)];
}

/** Names of targets have no `_`. */
function batchOf(targets: readonly RolloutTarget[]): Batch {
  const names = targets.map(({ name }) => name);
  const [first = ""] = names;
  return { name: names.length === 1 ? first : `${first.slice(0, 80)}_and_${names.length - 1}_more`, targets: names };
}
