// The pipelines that the jobs of a pipeline run, and those that theirs run, with the params that they get.

import type { JsonObject } from "@gantry/core/json.ts";
import type { PipelineView } from "@gantry/wire/agent/views.ts";
import type { Portal } from "../../portal.ts";
import { paramsOfChild } from "../decide-children.ts";
import { ifUnknown, type Start } from "./guard.ts";

type Child = { readonly pipeline: string; readonly params: JsonObject };

/** So many different params of one pipeline are looked at; more of them count as unknown params. */
const MAX_DIFFERENT = 20;

/** Each pipeline with all params that it may get. `known`: more of them, with unknown params. */
export async function childrenAsked(
  portal: Pick<Portal, "agent">,
  { pipeline, params = {} }: Pick<Start, "params"> & { readonly pipeline: string },
  known: readonly string[],
): Promise<readonly Child[]> {
  const viewOf = openViews(portal);
  const names = new Set([...known, ...((await viewOf(pipeline))?.children ?? [])]);
  const reached = new Map<string, Map<string, Child>>();
  const open: Child[] = [{ pipeline, params }];
  const add = (name: string, given: JsonObject): void => {
    const different = reached.get(name) ?? new Map<string, Child>();
    reached.set(name, different);
    const key = JSON.stringify(given);
    if (different.has(key)) return;
    const child = { pipeline: name, params: given };
    different.set(key, child);
    open.push(child);
  };
  const unknown = async (name: string): Promise<JsonObject> => {
    const view = await viewOf(name);
    return view ? paramsOfChild(view, undefined, undefined) : {};
  };
  for (const name of known) add(name, await unknown(name));
  for (const parent of open) {
    const view = await viewOf(parent.pipeline);
    for (const job of view?.jobs ?? []) {
      const name = job.pipeline;
      const child = name !== undefined && names.has(name) ? await viewOf(name) : undefined;
      if (!view || name === undefined || !child) continue;
      const isMany = (reached.get(name)?.size ?? 0) >= MAX_DIFFERENT;
      const given = { pipeline: view, params: parent.params };
      add(name, isMany ? await unknown(name) : paramsOfChild(child, job, given));
    }
  }
  for (const name of names) if (!reached.has(name)) add(name, await unknown(name));
  return [...reached.values()].flatMap((different) => [...different.values()]);
}

/** Asks once for each name; undefined for a pipeline that does not exist. */
function openViews({ agent }: Pick<Portal, "agent">): (name: string) => Promise<PipelineView | undefined> {
  const views = new Map<string, PipelineView | undefined>();
  return async (name) => {
    if (!views.has(name)) views.set(name, await agent.pipeline(name).catch(ifUnknown));
    return views.get(name);
  };
}
