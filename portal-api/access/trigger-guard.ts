// The right to pause, resume and run a trigger.

import { STARTS, startVerb } from "@gantry/core/access/verbs.ts";
import { GantryError } from "@gantry/core/errors.ts";
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
    await requireOnApp(asked, verb, { app, pipeline, params: {} }, missing);
    if (app !== undefined) await requireDeployOfOwn(asked, { app, pipeline }, missing);
  },
};
