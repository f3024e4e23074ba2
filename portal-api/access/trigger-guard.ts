// The right to pause, resume and run a trigger.

import { UNKNOWN_SITE } from "@gantry/core/access/selector.ts";
import { STARTS, startVerb } from "@gantry/core/access/verbs.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { Portal } from "../portal.ts";
import { type Guard, ifUnknown, kindOf, requireDeployOfOwn, requireOnApp } from "./guards.ts";

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
    const params = asked.rights.needs.sites ? await paramsOf(asked.portal, trigger) : {};
    await requireOnApp(asked, verb, { app, pipeline, params }, missing);
    if (app !== undefined) await requireDeployOfOwn(asked, { app, pipeline }, missing);
  },
};

/** They may name sites. What an expression gives is not known here: it may be every site. */
async function paramsOf({ agent }: Portal, trigger: string): Promise<JsonObject> {
  const { params = {} } = (await agent.trigger(trigger).catch(ifUnknown)) ?? {};
  const known = (value: JsonValue): JsonValue => {
    if (Array.isArray(value)) return (value as readonly JsonValue[]).map(known);
    return typeof value === "string" && value.includes("${{") ? UNKNOWN_SITE : value;
  };
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, known(value)]));
}
