// The right to pause, resume and run a trigger.

import { UNKNOWN_SITE } from "@gantry/core/access/selector.ts";
import { STARTS, startVerb } from "@gantry/core/access/verbs.ts";
import { explain, GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { TriggerView } from "@gantry/wire/agent/triggers/triggers.ts";
import type { PipelineView } from "@gantry/wire/agent/views.ts";
import { type Guard, ifUnknown, type Who } from "./guard.ts";
import { kindOf, requireChildren, requireDeployOfOwn, requireOnApp } from "./guards.ts";

type Params = NonNullable<TriggerView["params"]>;

/** What a trigger starts, and when, is up to those who may start its pipeline. */
export const onTrigger: Guard<{ readonly trigger: string }, unknown, unknown> = {
  verb: "start-task",
  on: "start",
  check: (asked) => {
    const { trigger } = asked.params;
    return requireTrigger(asked, trigger, async () => {
      const { params = {} } = (await asked.portal.agent.trigger(trigger).catch(ifUnknown)) ?? {};
      return params;
    });
  },
};

/** `paramsOf`: reads what the trigger gives to the pipeline. It is asked for only if a rule depends on sites. */
async function requireTrigger(who: Who, trigger: string, paramsOf: () => Promise<Params>): Promise<void> {
  if (STARTS.every((verb) => who.rights.mayEverywhere(verb)) && who.rights.mayEverywhere("view")) return;
  const missing = () => new GantryError("not-found", { kind: "trigger", name: trigger });
  const [name = "", pipeline = ""] = trigger.split(":");
  const app = name === "_" ? undefined : name;
  if (!who.rights.may({ verb: "view-pipelines", pipeline })) throw missing();
  const known = await kindOf(who.portal, pipeline).catch(ifUnknown);
  if (!known) throw missing();
  const verb = startVerb(known.app, known.action);
  const params = who.rights.needs.sites ? withUnknownSites(await paramsOf()) : {};
  await requireOnApp(who, verb, { app, pipeline, params }, missing);
  if (app !== undefined) await requireDeployOfOwn(who, { app, pipeline }, missing);
  await requireChildren(who, { app, pipeline, params }, missing);
}

/** They may name sites. What an expression gives is not known here: it may be every site. */
function withUnknownSites(params: Params): JsonObject {
  const known = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return (value as readonly JsonValue[]).map(known);
    return typeof value === "string" && value.includes("${{") ? UNKNOWN_SITE : value;
  };
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, known(value)]));
}

/**
 * Why the caller may not pause, resume or run a trigger, as a sentence; undefined if they may. To be opened once for a list, because
 * the triggers of an app have the same pipelines.
 */
export function openWhyNotTrigger(who: Who): (trigger: TriggerView) => Promise<string | undefined> {
  const { agent } = who.portal;
  const pipelines = new Map<string, Promise<PipelineView>>();
  const pipeline = (name: string): Promise<PipelineView> => {
    const known = pipelines.get(name) ?? agent.pipeline(name);
    pipelines.set(name, known);
    return known;
  };
  const cached: Who = { ...who, portal: { ...who.portal, agent: { ...agent, pipeline } } };
  const reasons = new Map<string, Promise<string | undefined>>();
  const ask = async ({ id, params = {} }: TriggerView): Promise<string | undefined> => {
    try {
      await requireTrigger(cached, id, async () => params);
      return undefined;
    } catch (error) {
      if (!(error instanceof GantryError) || !["forbidden", "not-found"].includes(error.code)) throw error;
      const { message, why, todo } = explain(error);
      return [message, why, todo].filter(Boolean).join(" ");
    }
  };
  return (trigger) => {
    const [app, name] = trigger.id.split(":");
    // Triggers of one pipeline differ only in the sites that they name.
    const key = who.rights.needs.sites ? trigger.id : `${app}:${name}`;
    const known = reasons.get(key) ?? ask(trigger);
    reasons.set(key, known);
    return known;
  };
}
