// The configurations of the processes of an installation.

import type { startNotifyAgent } from "@gantry/notify-agent/main.ts";
import type { startPortal } from "@gantry/portal-api/main.ts";
import type { startTaskAgent } from "@gantry/task-agent/main.ts";
import type { startRunner } from "@gantry/task-runner/main.ts";
/** The configurations of all processes, as their files would hold them. */
export type Configs = {
  readonly agent: Parameters<typeof startTaskAgent>[0];
  readonly notify: Parameters<typeof startNotifyAgent>[0];
  readonly portal: Parameters<typeof startPortal>[0];
  readonly runners: readonly Parameters<typeof startRunner>[0][];
};
