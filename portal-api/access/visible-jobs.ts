// A runner works for all teams: of its jobs, a caller sees those of tasks that they may see.

import type { RunnerView } from "@gantry/wire/agent/views.ts";
import { filterVisible, type Visibility } from "./visible.ts";

export async function withVisibleJobs(visibility: Visibility, runner: RunnerView): Promise<RunnerView> {
  if (runner.running === undefined) return runner;
  return { ...runner, running: await filterVisible(runner.running, ({ task }) => visibility.task({ task })) };
}
