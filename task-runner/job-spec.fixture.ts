// A job as the task-agent describes it to a runner.

import type * as wire from "@gantry/wire/runner/protocol.ts";

/** Without steps. */
export const SPEC: wire.JobSpec = {
  pipeline: "ci",
  app: "orders",
  title: "Build",
  site: "seoul",
  mode: "strict",
  timeoutMs: 60_000,
  requestedBy: "kim",
  requestedAtMs: 1_767_323_045_000,
  taskUrl: "https://portal.example/tasks/t1",
  env: {},
  outputs: {},
  steps: [],
  scope: { params: {}, app: { name: "orders" }, task: { id: "t1" }, site: "seoul" },
};
