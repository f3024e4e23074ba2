// The pipeline of a task that runs another pipeline once for each value of one of its params. Pure.

import { GantryError, type Problem } from "../errors.ts";
import type { JsonValue } from "../json.ts";
import { MAX_EXPANDED, nameOfElement } from "../matrix/matrix.ts";
import type { Job, ParamSchema, Pipeline, Template } from "../pipeline/pipeline.ts";

/** No file may have this name. */
export const FAN_OUT = "fan-out";

export type FanOut = {
  /** The param that differs: each task gets one of the values, in their order. */
  readonly param: string;
  readonly values: readonly JsonValue[];
  readonly maxParallel?: number | undefined;
  /** After the first task that did not succeed, no other one begins. */
  readonly stopOnFailure?: boolean | undefined;
};

/**
 * `given`: the names of the params of the request. It depends on nothing else of the request, so that few definitions are stored: the
 * values are in the params of the task, and are never read as expressions. Throws GantryError `bad-params`.
 */
export function fanOutPipeline(child: Pipeline, fanOut: FanOut, given: readonly string[]): Pipeline {
  const problems = problemsOf(child, fanOut, given);
  if (problems.length > 0) {
    const problem = problems.map(({ detail }) => detail).join("; ");
    throw new GantryError("bad-params", { pipeline: child.name, problem }, { problems });
  }
  const { properties, required } = child.params;
  const { param, maxParallel, stopOnFailure } = fanOut;
  const names = namesPassed(child, given, param);
  const ofEach = properties[param];
  const isList = ofEach?.type === "array";
  const passed = names.map((name): [string, Template] => [name, `\${{ params.${name} }}`]);
  const job: Job = {
    ...{ ...EMPTY_JOB, title: child.title, pipeline: child.name, each: `\${{ params.${param} }}` },
    ...(maxParallel === undefined ? {} : { maxParallel }),
    ...(stopOnFailure === true ? { failFast: "waiting" } : {}),
    params: { ...Object.fromEntries(passed), [param]: isList ? ["${{ each }}"] : "${{ each }}" },
  };
  return {
    ...{ name: FAN_OUT, title: child.title, summary: `Runs ${child.name} once for each ${param}.` },
    ...{ button: `${child.button}, for each ${param}`, app: child.app, origin: "platform" },
    params: {
      type: "object",
      properties: {
        ...Object.fromEntries(names.flatMap((name) => (properties[name] ? [[name, properties[name]]] : []))),
        [param]: listOf(ofEach),
      },
      required: [param, ...required.filter((name) => name !== param)],
      additionalProperties: false,
    },
    ...{ concurrency: undefined, jobs: [job], finally: [], outputs: {}, remember: {} },
  };
}

/** The params that each task gets from the one that starts it, besides the one that differs. */
export function namesPassed({ params }: Pipeline, given: readonly string[], differs: string): readonly string[] {
  const { properties, required } = params;
  // The build is chosen once, so that all tasks deploy the same one.
  const builds = Object.keys(properties).filter((name) => properties[name]?.["x-ui"] === "build");
  return [...new Set([...given, ...required, ...builds])].filter((name) => name !== differs).toSorted();
}

export const EMPTY_JOB: Job = {
  ...{ id: "each", title: "", needs: [], site: "", labels: [], each: undefined, matrix: undefined, when: undefined },
  ...{ timeoutMs: 0, retry: { max: 0, delayMs: 0 }, mode: "strict", retrySafe: false, env: {}, outputs: {}, steps: [] },
};

/** The values of the param, one after the other. */
function listOf(one: ParamSchema | undefined): ParamSchema {
  if (one?.type === "array") {
    const { default: _, ...list } = one;
    return list;
  }
  const { default: _, title, description, "x-ui": ui, ...items } = one ?? { type: "string" };
  return {
    ...{ type: "array", items },
    ...(title === undefined ? {} : { title }),
    ...(description === undefined ? {} : { description }),
    ...(ui === undefined ? {} : { "x-ui": ui }),
  };
}

function problemsOf(child: Pipeline, { param, values }: FanOut, given: readonly string[]): readonly Problem[] {
  const { properties } = child.params;
  const secret = given.filter((name) => Object.hasOwn(properties, name) && properties[name]?.secret === true);
  const names = values.map(nameOfElement);
  const twice = names.find((name, index) => names.indexOf(name) < index);
  const at = (pointer: string, detail: string): Problem => ({ pointer, detail });
  return [
    ...(child.app === "new" ? [at("/pipeline", `${child.name} creates one app, and is started for each of them`)] : []),
    ...(child.origin === "app" ? [at("/pipeline", "a pipeline of an app is started for each value by itself")] : []),
    ...(Object.hasOwn(properties, param) ? [] : [at("/fanOut/param", `${child.name} has no param ${param}`)]),
    ...(given.includes(param) ? [at(`/params/${param}`, `${param} is given by \`fanOut\``)] : []),
    ...(properties[param]?.secret === true ? [at("/fanOut/param", `${param} is secret`)] : []),
    ...secret.map((name) => at(`/params/${name}`, `${name} is secret, and cannot be given to several tasks at once`)),
    ...(values.length > MAX_EXPANDED ? [at("/fanOut/values", `there are more than ${MAX_EXPANDED} values`)] : []),
    ...(twice === undefined ? [] : [at("/fanOut/values", `two values have the name ${twice}`)]),
  ];
}
