// `gantry rerun`: runs an ended task again as a new one.

import { randomUUID } from "node:crypto";
import { parseFlags } from "@gantry/runtime/process/parse-flags.ts";
import { taskView } from "@gantry/wire/agent/views.ts";
import type { Io } from "./io.ts";
import { PORTAL_FLAGS, PORTAL_HELP, type PortalFlags, portalFlagsOf, portalFor } from "./portal-access.ts";

const HELP = `Usage: gantry rerun TASK      run the jobs that did not succeed again, as a new task

  --all          run every job again
  --newest       with the pipeline file in force now (default: the one that the task ran with)
${PORTAL_HELP}`;

const FLAGS = {
  ...PORTAL_FLAGS,
  all: { type: "boolean", default: false },
  newest: { type: "boolean", default: false },
} as const;

export async function rerun(argv: readonly string[], io: Io): Promise<number> {
  const read = readArguments(argv);
  if (typeof read === "string") {
    (read === "" ? io.stdout : io.stderr)(`${read === "" ? "" : `${read}\n\n`}${HELP}`);
    return read === "" ? 0 : 2;
  }
  const { task, all, newest, json } = read;
  const body = { from: all ? "all" : "failed", definition: newest ? "newest" : "pinned" };
  const next = await portalFor(read, io).post(
    `/v1/tasks/${encodeURIComponent(task)}/rerun`,
    body,
    taskView,
    randomUUID(),
  );
  io.stdout(json ? `${JSON.stringify(next, null, 2)}\n` : `${next.id}  ${next.headline}\n`);
  return 0;
}

type Arguments = PortalFlags & {
  readonly task: string;
  readonly all: boolean;
  readonly newest: boolean;
  readonly json: boolean;
};

/** The arguments, an empty text for `--help`, or an error message. */
function readArguments(argv: readonly string[]): Arguments | string {
  try {
    const { values, positionals } = parseFlags(argv, FLAGS);
    if (values.help) return "";
    const [task, ...more] = positionals;
    if (task === undefined || more.length > 0) return "`gantry rerun` takes the id of one task.";
    const { all, newest, json } = values;
    return { task, all, newest, json, ...portalFlagsOf(values) };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
