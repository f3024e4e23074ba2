// The request for a task that deploys in waves, where the app has a `rollout`.

import { targetsOf } from "@gantry/core/app/targets.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { checkParams } from "@gantry/core/pipeline/params.ts";
import type { Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { ROLLOUT, type RolloutOf, rolloutParams, rolloutPipeline } from "@gantry/core/rollout/rollout-pipeline.ts";
import { rolloutProblems } from "@gantry/core/rollout/rollout-problems.ts";
import { type Rollout, rolloutShape } from "@gantry/core/rollout/rollout-shape.ts";
import { wavesOf } from "@gantry/core/rollout/waves.ts";
import { buildParamOf, targetParamsOf } from "../builds/choose-build.ts";
import { appScope } from "../tasks/decide-app.ts";
import { isAppName, type StartRequest } from "../tasks/decide-start.ts";
import { keepGenerated } from "../tasks/definitions.ts";
import type { StartDeps } from "../tasks/start-task.ts";
import { appStream } from "../tasks/task-stream.ts";

/**
 * The request itself when it deploys nothing, takes something back, is part of another task, or is for an app without a rollout. Stores the
 * definition of the task. Throws `bad-params`.
 */
export async function rolloutRequest(
  deps: Pick<StartDeps, "journal" | "definitions">,
  request: StartRequest,
): Promise<StartRequest> {
  const cd = deps.definitions.current(request.pipeline)?.pipeline;
  if (!cd || request.rollback || request.child || request.definition || !isAppName(request.app)) return request;
  const [buildParam, [targetParam]] = [buildParamOf(cd), targetParamsOf(cd)];
  if (buildParam === undefined || targetParam === undefined || !deploys(cd)) return request;
  const app = (await appStream.load(deps.journal, request.app))?.state;
  if (app?.state !== "ready" || app.record.rollout === undefined) return request;
  const task = { id: "", url: "", requestedBy: request.principal, pipeline: cd.name, app: request.app };
  const { params, problems } = checkParams(cd.params, request.params, { app: appScope(app), task });
  const wanted = namesIn(params[targetParam]);
  const known = targetsOf(app.record);
  // CD itself refuses these, and says what is wrong.
  if (problems.length > 0 || wanted.length === 0 || wanted.some((one) => !known.some(({ name }) => name === one)))
    return request;
  const rollout = storedRollout(cd, app.record);
  const waves = wavesOf(rollout.waves, known, wanted);
  const of: RolloutOf = { rollout, waves, targetParam, buildParam };
  const pipeline = rolloutPipeline(cd, of, Object.keys(request.params));
  return {
    ...request,
    pipeline: ROLLOUT,
    params: rolloutParams(of, request.params) as StartRequest["params"],
    definition: await keepGenerated(deps.journal, pipeline),
    // The same request with the same key is the same task, also after the rollout of the app was changed.
    asked: { pipeline: request.pipeline, params: request.params },
  };
}

function deploys({ app, origin, jobs }: Pipeline): boolean {
  return app === "existing" && origin !== "app" && jobs.some((job) => job.deploys !== undefined);
}

function namesIn(value: JsonValue | undefined): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** A record that a pipeline has written may not fit. To deploy to all targets at once is never what it means. */
function storedRollout({ name }: Pipeline, record: JsonObject): Rollout {
  const read = rolloutShape.safeParse(record.rollout);
  const problems = read.success ? rolloutProblems(read.data, targetsOf(record)) : [];
  if (read.success && problems.length === 0) return read.data;
  const why = read.success
    ? problems.map(({ path, detail }) => `${path.join(".")} ${detail}`)
    : read.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`);
  throw new GantryError("bad-params", {
    pipeline: name,
    problem: `the rollout of the app is wrong: ${why.join("; ")}`,
  });
}
