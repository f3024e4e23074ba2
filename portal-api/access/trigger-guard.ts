// The right to pause, resume and run a trigger.

import { STARTS, startVerb } from "@gantry/core/access/verbs.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { PipelineView } from "@gantry/wire/agent/views.ts";
import { type Asked, type Guard, ifUnknown, kindOf, requireDeployOfOwn, requireOnApp } from "./guards.ts";

/** What a trigger starts, and when, is up to those who may start its pipeline. */
export const onTrigger: Guard<{ readonly trigger: string }, unknown, unknown> = {
  verb: "start-task",
  on: "start",
  check: async (asked) => {
    if (STARTS.every((verb) => asked.rights.mayEverywhere(verb)) && asked.rights.mayEverywhere("view")) return;
    const { trigger } = asked.params;
    const missing = () => new GantryError("not-found", { kind: "trigger", name: trigger });
    const [name = "", pipeline = ""] = trigger.split(":");
    const app = name === "_" ? undefined : name;
    if (!asked.rights.may({ verb: "view-pipelines", pipeline })) throw missing();
    const known = await kindOf(asked.portal, pipeline).catch(ifUnknown);
    if (!known) throw missing();
    const verb = startVerb(known.app, known.action);
    await requireOnApp(asked, verb, { app, pipeline, params: {} }, missing);
    if (app !== undefined) await requireDeployOfOwn(asked, { app, pipeline }, missing);
  },
};

/**
 * Why the caller may not pause, resume or run a trigger, as a sentence; undefined if they may. To be opened once for a list, because
 * the triggers of an app have the same pipelines.
 */
export function openWhyNotTrigger(
  asked: Pick<Asked<unknown, unknown, unknown>, "portal" | "caller" | "rights">,
): (trigger: string) => Promise<string | undefined> {
  const { agent } = asked.portal;
  const pipelines = new Map<string, Promise<PipelineView>>();
  const pipeline = (name: string): Promise<PipelineView> => {
    const known = pipelines.get(name) ?? agent.pipeline(name);
    pipelines.set(name, known);
    return known;
  };
  const portal = { ...asked.portal, agent: { ...agent, pipeline } };
  const reasons = new Map<string, Promise<string | undefined>>();
  const ask = async (trigger: string): Promise<string | undefined> => {
    try {
      await onTrigger.check({ ...asked, portal, params: { trigger }, query: undefined, body: undefined });
      return undefined;
    } catch (error) {
      if (!(error instanceof GantryError) || !["forbidden", "not-found"].includes(error.code)) throw error;
      const { message, why, todo } = explain(error);
      return [message, why, todo].filter(Boolean).join(" ");
    }
  };
  return (trigger) => {
    const [app, name] = trigger.split(":");
    const key = `${app}:${name}`;
    const known = reasons.get(key) ?? ask(trigger);
    reasons.set(key, known);
    return known;
  };
}
