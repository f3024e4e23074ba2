// What a task builds or deploys, for rows of tasks. Pure.

import { isJsonObject, type JsonObject } from "@gantry/core/json.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { TaskAbout } from "@gantry/wire/agent/deployed-views.ts";
import { targetParamsOf } from "../builds/choose-build.ts";

/** Undefined where nothing is known. `made`: the number of the build that it made. */
export function taskAbout(state: TaskState, pipeline: Pipeline, made?: number): TaskAbout | undefined {
  const { build, trigger, result } = state;
  const facts: JsonObject = build ?? (result?.build ? { ...result.build } : (trigger ?? {}));
  const { number = made } = build ?? {};
  const text = (name: string): string | undefined => {
    const value = facts[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const texts = {
    commit: text("commit"),
    branch: text("branch"),
    subject: text("subject") ?? text("title"),
    author: text("author"),
  };
  const known = Object.entries(texts).filter(([, value]) => value !== undefined);
  const targets = targetsOf(state, pipeline);
  if (known.length === 0 && targets.length === 0) return undefined;
  return {
    ...(typeof number === "number" && number > 0 ? { build: number } : {}),
    ...Object.fromEntries(known),
    ...(targets.length === 0 ? {} : { targets: [...targets] }),
  };
}

function targetsOf({ params, app }: TaskState, pipeline: Pipeline): readonly string[] {
  if (app === undefined) return [];
  const given = targetParamsOf(pipeline).flatMap((name) => {
    const value = isJsonObject(params) ? params[name] : undefined;
    return Array.isArray(value) ? value : [value];
  });
  return given.filter((one): one is string => typeof one === "string" && one !== "");
}
