// The pipeline of a task that deploys in waves: its jobs run CD for some targets after the other. Pure.

import { approversOf } from "../access/approval.ts";
import { EMPTY_JOB, namesPassed } from "../child/fan-out.ts";
import { GantryError } from "../errors.ts";
import type { JsonObject } from "../json.ts";
import type { Job, ParamSchema, Pipeline, Template } from "../pipeline/pipeline.ts";
import type { Rollout } from "./rollout-shape.ts";
import type { Wave } from "./waves.ts";

/** No file may have this name. */
export const ROLLOUT = "rollout";

export type RolloutOf = {
  readonly rollout: Rollout;
  /** Not empty. */
  readonly waves: readonly Wave[];
  /** The params of CD that name its targets and its build. */
  readonly targetParam: string;
  readonly buildParam: string;
};

/** The params that the task has besides those of CD. */
const OWN_PARAMS = ["waves", "back"];

/**
 * `given`: the names of the params of the request. As in a fan-out, the targets are in the params of the task, so that few
 * definitions are stored. Throws GantryError `bad-params`.
 */
export function rolloutPipeline(cd: Pipeline, of: RolloutOf, given: readonly string[]): Pipeline {
  const { rollout, waves, targetParam, buildParam } = of;
  const names = namesPassed(cd, given, targetParam);
  const problem = problemOf(cd, names);
  if (problem !== undefined) throw new GantryError("bad-params", { pipeline: cd.name, problem });
  const { properties, required } = cd.params;
  const passed = names.map((name): [string, Template] => [name, `\${{ params.${name} }}`]);
  const child = { ...EMPTY_JOB, pipeline: cd.name };
  const never = { [buildParam]: NO_BUILD };
  const jobs = waves.flatMap((wave, at): readonly Job[] => {
    const gates = (wave.of.gates ?? []).map(
      ({ approval }, index): Job => ({
        ...{ ...child, id: `gate${at + 1}_${index + 1}`, title: `Before wave ${wave.of.name}`, params: never },
        approval: { ...approversOf({}), question: approval },
        rollout: { does: "gate" },
      }),
    );
    const deploys: Job = {
      ...{ ...child, id: waveId(at), title: `Wave ${wave.of.name}`, each: `\${{ params.waves[${at}] }}` },
      ...{ maxParallel: 1, failFast: "waiting", rollout: { does: "deploy", offline: wave.of.offline } },
      params: { ...Object.fromEntries(passed), [targetParam]: "${{ each.targets }}" },
    };
    return inTurn([...gates, deploys], at === 0 ? [] : [waveId(at - 1)]);
  });
  const back: Job = {
    ...{ ...child, id: "back", title: "Roll back", each: "${{ params.back }}", maxParallel: 1, params: never },
    ...{ when: 'status == "failed"', rollout: { does: "rollback" } },
  };
  return {
    ...{ name: ROLLOUT, title: cd.title, summary: `Runs ${cd.name} in waves.`, button: cd.button },
    ...{ app: cd.app, origin: "platform" },
    params: {
      type: "object",
      properties: {
        ...Object.fromEntries(names.flatMap((name) => (properties[name] ? [[name, properties[name]]] : []))),
        [targetParam]: properties[targetParam] ?? NAMES,
        waves: { type: "array", title: "Waves", items: { type: "array", items: BATCH } },
        back: { ...NAMES, title: "Targets, the last one first" },
      },
      required: [...new Set([...required, ...OWN_PARAMS])],
      additionalProperties: false,
    },
    // Two of one app would overtake each other between waves. One that runs is not interrupted; one that has not begun is replaced.
    concurrency: { group: `${ROLLOUT}/\${{ app.name }}`, policy: "cancel-older", until: waveId(0) },
    ...{ jobs, finally: rollout.onDegraded === "rollback" ? [back] : [], outputs: {}, remember: {} },
  };
}

/** The params of the task that those of its pipeline name. `params`: of the request. */
export function rolloutParams(
  { waves, targetParam }: Pick<RolloutOf, "waves" | "targetParam">,
  params: JsonObject,
): JsonObject {
  const batches = waves.map((wave) => [...wave.batches]);
  const targets = batches.flatMap((some) => some.flatMap((batch) => batch.targets));
  return { ...params, [targetParam]: targets, waves: batches, back: targets.toReversed() };
}

/** There is no such build: an agent that does not know `rollout` of a job starts nothing in its place. */
const NO_BUILD = "0";
const NAMES: ParamSchema = { type: "array", items: { type: "string" } };
const BATCH: ParamSchema = {
  type: "object",
  properties: { name: { type: "string" }, targets: NAMES },
  required: ["name", "targets"],
};

function waveId(at: number): string {
  return `wave${at + 1}`;
}

/** Each needs the one before it. */
function inTurn(jobs: readonly Job[], first: readonly string[]): readonly Job[] {
  return jobs.map((job, at) => ({ ...job, needs: at === 0 ? first : [jobs[at - 1]?.id ?? ""] }));
}

function problemOf({ name, params }: Pipeline, passed: readonly string[]): string | undefined {
  const taken = passed.find((one) => OWN_PARAMS.includes(one));
  if (taken !== undefined) return `${name} has a param ${taken}, which a rollout needs for itself`;
  const secret = passed.find((one) => params.properties[one]?.secret === true);
  return secret === undefined ? undefined : `${secret} is secret, and cannot be given to several tasks at once`;
}
