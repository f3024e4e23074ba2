// The routes of `/agent/v1` about triggers.

import type { RouteHandlers } from "@gantry/runtime/http/serve-routes.ts";
import type { TRIGGER_ROUTES } from "@gantry/wire/agent/triggers/trigger-routes.ts";
import type { Triggers } from "../triggers/triggers.ts";
import { taskCalls } from "./task-calls.ts";

type TriggerDeps = Parameters<typeof taskCalls>[0] & {
  readonly triggers: Triggers;
  readonly admit?: (principal: string) => void;
};

export function triggerHandlers(deps: TriggerDeps): RouteHandlers<typeof TRIGGER_ROUTES> {
  const { triggers } = deps;
  return {
    triggers: async ({ query }) => ({ items: await triggers.list(query) }),
    trigger: ({ params: { id } }) => triggers.view(id),
    pauseTrigger: ({ params: { id }, body }) => triggers.pause(id, body),
    resumeTrigger: ({ params: { id } }) => triggers.resume(id),
    runTrigger: async ({ params: { id }, body }) => {
      deps.admit?.(body.principal);
      return taskCalls(deps).view(await triggers.run(id, body));
    },
  };
}
