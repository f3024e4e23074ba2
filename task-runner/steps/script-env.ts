// The environment of the programs of a job. Nothing is inherited from the runner. Pipeline files may add variables, but none
// that changes which programs run or what code they load. Pure.

import { GantryError, type Problem } from "@gantry/core/errors.ts";
import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import { isReservedVariable, isVariableName, MAX_VARIABLE } from "@gantry/core/pipeline/env-names.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { effectKey } from "@gantry/wire/runner/effect-key.ts";
import type { JobRef, JobSpec } from "@gantry/wire/runner/protocol.ts";
import type { JobFolders } from "../state/workspace.ts";

const COOKIE = "GANTRY_JOB_FOLDER";

const MAX_TOTAL = 1_000_000;

/**
 * The variables of `env:` of job and step, as text. Throws `bad-input` with a problem for every refused name, every invalid
 * value, and a total size that is too large.
 */
export function pipelineEnv(rendered: JsonObject, step: string): Record<string, string> {
  const problems: Problem[] = [];
  const env: Record<string, string> = {};
  let total = 0;
  for (const [name, value] of Object.entries(rendered)) {
    const text = asText(value);
    total += name.length + text.length;
    const problem = problemWith(name, text);
    if (problem) problems.push({ detail: problem, pointer: `/env/${name.slice(0, 100)}` });
    else env[name] = text;
  }
  if (total > MAX_TOTAL) problems.push({ detail: `All variables together are longer than ${MAX_TOTAL} characters.` });
  const [first] = problems;
  if (first) throw new GantryError("bad-input", { step, problem: first.detail }, { problems });
  return env;
}

/** Variables that describe the job, and its own folders for everything that programs write. */
export function baseEnv(
  ref: JobRef,
  spec: Pick<JobSpec, "pipeline" | "app" | "site" | "requestedBy" | "taskUrl" | "scope">,
  step: string,
  folders: JobFolders,
  path: string,
): Record<string, string> {
  return {
    PATH: path,
    HOME: folders.home,
    TMPDIR: folders.tmp,
    LANG: "C.UTF-8",
    CI: "true",
    GANTRY: "true",
    GANTRY_TASK: ref.task,
    GANTRY_JOB: ref.job,
    GANTRY_ATTEMPT: String(ref.attempt),
    GANTRY_FENCE: String(ref.fence),
    GANTRY_STEP: step,
    GANTRY_PIPELINE: spec.pipeline,
    ...(spec.app === undefined ? {} : { GANTRY_APP: spec.app }),
    GANTRY_SITE: spec.site,
    GANTRY_REQUESTED_BY: spec.requestedBy,
    GANTRY_TASK_URL: spec.taskUrl,
    GANTRY_TRIGGER: triggerKind(spec.scope),
    GANTRY_WORKSPACE: folders.workspace,
    // It is the same in every attempt: a script can use it to find out what an earlier attempt has done.
    GANTRY_EFFECT_KEY: effectKey(ref.task, ref.job, step, "run", 0),
    [COOKIE]: folders.root,
  };
}

/** An older task-agent sends none. */
function triggerKind({ trigger }: JsonObject): string {
  return isJsonObject(trigger) && typeof trigger.kind === "string" ? trigger.kind : "person";
}

const INHERITED = ["GIT_SSL_CAINFO", "http_proxy", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"] as const;

/** The environment of programs that a library of a step starts: PATH, network settings, and the cookie of the attempt. */
export function libraryEnv(
  path: string,
  folders: JobFolders,
  runner: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => {
    const value = runner[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return { PATH: path, ...Object.fromEntries(inherited), [COOKIE]: folders.root };
}

/**
 * The variable by which every process of an attempt can be found, also one that left its process group. Its value is the
 * folder of the attempt, which is unique on the machine; other runners may have attempts with the same fence.
 */
export function cookieOf(folders: JobFolders): string {
  return `${COOKIE}=${folders.root}`;
}

function problemWith(name: string, text: string): string | undefined {
  if (!isVariableName(name)) return `${truncate(name, 50)} is not a valid variable name.`;
  if (isReservedVariable(name)) return `${name} is set by the runner and cannot be changed.`;
  if (text.includes("\0")) return `The value of ${name} contains a zero byte.`;
  if (text.length > MAX_VARIABLE) return `The value of ${name} is longer than ${MAX_VARIABLE} characters; use a file.`;
  return undefined;
}

function asText(value: JsonValue): string {
  if (value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
