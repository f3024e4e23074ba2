// Whether the waves of a rollout fit the targets of its app. Pure.

import { didYouMean } from "../suggest.ts";
import type { Rollout } from "./rollout-shape.ts";
import { type RolloutTarget, takenByWaves } from "./waves.ts";

type RolloutProblem = { readonly path: readonly (string | number)[]; readonly detail: string };

/** Paths begin at `rollout`. */
export function rolloutProblems({ waves }: Rollout, targets: readonly RolloutTarget[]): readonly RolloutProblem[] {
  const names = targets.map((one) => one.name);
  const environments = [...new Set(targets.flatMap(({ environment }) => environment ?? []))];
  const unknown = (at: number, key: "targets" | "environments", known: readonly string[]): RolloutProblem[] =>
    (waves[at]?.[key] ?? []).flatMap((one, index): RolloutProblem[] =>
      known.includes(one)
        ? []
        : [
            {
              path: ["waves", at, key, index],
              detail: `is ${one}, and ${key === "targets" ? "the app has no such target" : "no target of the app is in it"}${didYouMean(one, known)}`,
            },
          ],
    );
  const taken = takenByWaves(waves, targets);
  const left = names.filter((one) => !taken.flat().includes(one));
  return [
    ...waves.flatMap(({ name: own }, at): RolloutProblem[] => [
      ...(waves.findIndex((other) => other.name === own) < at
        ? [{ path: ["waves", at, "name"], detail: "is given to an earlier wave" }]
        : []),
      ...unknown(at, "targets", names),
      ...unknown(at, "environments", environments),
      ...(taken[at]?.length === 0 &&
      unknown(at, "targets", names).length + unknown(at, "environments", environments).length === 0
        ? [{ path: ["waves", at], detail: "takes no target: earlier waves take all that it names" }]
        : []),
    ]),
    ...(left.length === 0
      ? []
      : [
          {
            path: ["waves"],
            detail: `take no target ${left.join(", ")}: name them, or end with a wave without \`targets\` and \`environments\`, which takes the rest`,
          },
        ]),
  ];
}
