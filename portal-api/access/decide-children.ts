// Determines what pipelines that others run get as params, as far as the request for the first one tells. Pure.

import { UNKNOWN_SITE } from "@gantry/core/access/selector.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { PipelineView } from "@gantry/wire/agent/views.ts";
import { defaultOf, paramsIn, targetParams } from "./decide-sites.ts";

type Job = Pick<PipelineView["jobs"][number], "params">;
type Parent = { readonly pipeline: Pick<PipelineView, "params">; readonly params: JsonObject };

/**
 * What a job of `parent` gives to `child`. What only the run itself decides may name any site, and any target of the app. `job`:
 * undefined for one that is not known, as of an older file.
 */
export function paramsOfChild(
  child: Pick<PipelineView, "params">,
  job: Job | undefined,
  parent: Parent | undefined,
): JsonObject {
  const targets = targetParams(child);
  const given = Object.keys(paramsIn(child)).flatMap((name): readonly (readonly [string, JsonValue])[] => {
    // An older task-agent does not tell what its jobs give.
    const template = job?.params === undefined ? undefined : Object.hasOwn(job.params, name) ? job.params[name] : null;
    // The child has its default.
    if (template === null) return [];
    const value = template === undefined || !parent ? undefined : givenValue(template, parent);
    if (value !== undefined) return [[name, value]];
    // Without this param, all targets of the app count.
    return targets.includes(name) ? [] : [[name, UNKNOWN_SITE]];
  });
  return Object.fromEntries(given);
}

/** Undefined when only the run decides it. */
function givenValue(template: JsonValue, parent: Parent): JsonValue | undefined {
  if (Array.isArray(template)) {
    const values = (template as readonly JsonValue[]).map((one) => givenValue(one, parent));
    return values.every((one) => one !== undefined) ? values : undefined;
  }
  if (typeof template === "object" && template !== null) return undefined;
  if (typeof template !== "string" || !template.includes("${{")) return template;
  const [, name] = /^\$\{\{\s*params\.(\w+)\s*\}\}$/.exec(template.trim()) ?? [];
  if (name === undefined) return undefined;
  return Object.hasOwn(parent.params, name) ? parent.params[name] : defaultOf(parent.pipeline, name);
}
