// Commands that pause and resume.

import type { Pausable } from "@gantry/core/pause/pause.ts";
import { type Command, command } from "./command.ts";

const FLAGS = {
  reason: { type: "string", required: true, value: "TEXT", summary: "why, for everybody whose jobs wait" },
  for: { type: "string", value: "DURATION", summary: "resume it after this time, such as 2h" },
  until: { type: "string", value: "TIME", summary: "resume it at this time, such as 2026-12-01T08:00:00Z" },
} as const;

function pairFor(of: Pausable, arg: string, what: string, example: string): readonly Command[] {
  return [
    command({
      name: `${of} pause`,
      summary: `pause ${what}: jobs that run go on, no other job starts`,
      args: [arg] as readonly [string],
      flags: FLAGS,
      portal: true,
      examples: [`${of} pause ${example} --reason "the database moves" --for 2h`],
      run: async (call) => (await import("../pause/pause.ts")).pause(of, call),
    }),
    command({
      name: `${of} resume`,
      summary: `resume ${what}`,
      args: [arg] as readonly [string],
      portal: true,
      run: async (call) => (await import("../pause/pause.ts")).resume(of, call),
    }),
  ];
}

export const PAUSES: readonly Command[] = [
  ...pairFor("app", "APP", "an app", "orders"),
  ...pairFor("site", "SITE", "a site", "seoul"),
  ...pairFor("pipeline", "PIPELINE", "a pipeline for all apps", "nightly"),
  ...pairFor("queue", "GROUP", "a concurrency group", "release/orders"),
  command({
    name: "paused",
    summary: "list what is paused: apps, pipelines, sites and queues, by whom, why and until when",
    portal: true,
    run: async (call) => (await import("../pause/pause.ts")).listPaused(call),
  }),
];
