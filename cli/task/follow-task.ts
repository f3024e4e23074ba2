// `gantry task watch`, and --follow of the commands that start a task.

import { type TaskView, taskView } from "@gantry/wire/agent/views.ts";
import { EXIT } from "../line/exit-codes.ts";
import { LivePrinter } from "../print/live-printer.ts";
import type { Call, Context } from "../table/command.ts";
import { afterFailure } from "./after-failure.ts";
import { taskEvents } from "./task-events.ts";
import { taskOf, taskPath } from "./task-of.ts";

type Following = Pick<Context, "io" | "json" | "portal">;

export async function watchTask({ args: [id], ...call }: Call<object, readonly [string | undefined]>): Promise<number> {
  return followTask(call, await taskOf(call.portal(), id));
}

/** Prints the task until it ends: 0 when it succeeded, else 1. Ctrl-C ends only the command. */
export async function followTask({ io, json, portal: open }: Following, task: TaskView): Promise<number> {
  const signal = io.interruption();
  const portal = open(signal);
  const printer = json ? undefined : new LivePrinter(io, task);
  if (!json) io.stdout(`  ${portal.url}/tasks/${task.id}\n`);
  try {
    const onLost = (): void => io.stderr("The portal cannot be reached; trying again. The task continues.\n");
    for await (const event of taskEvents(portal, task.id, { signal, onLost })) {
      if (json) io.stdout(`${JSON.stringify(event)}\n`);
      printer?.show(event);
      const { kind, job } = event.data.event;
      if (kind === "JobHeld" && !json)
        io.stdout(`    gantry task resolve ${task.id} '${job}' run-again|mark-done|fail\n`);
      if (kind === "ApprovalRequested" && !json) io.stdout(`    gantry task approve ${task.id} '${job}'\n`);
    }
    const ended = await portal.get(taskPath(task.id), taskView);
    printer?.end(ended);
    if (ended.state === "succeeded") return EXIT.ok;
    io.stderr(await afterFailure(portal, ended));
    return EXIT.failed;
  } catch (error) {
    if (!signal.aborted) throw error;
    io.stderr(continues(task.id));
    return EXIT.interrupted;
  }
}

export function continues(id: string): string {
  return `\nThe task continues. Follow it: gantry task watch ${id}   End it: gantry task cancel ${id}\n`;
}
