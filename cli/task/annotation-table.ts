// What the scripts of a task said about their files, as a table.

import { placeOf } from "@gantry/core/log/annotation.ts";
import type { TaskView } from "@gantry/wire/agent/views.ts";
import { textTable } from "../print/text-table.ts";

/** Empty when they said nothing. */
export function annotationTable({ id, jobs }: TaskView): string {
  const steps = jobs.flatMap((job) => job.steps.map((step) => ({ job: job.key, ...step })));
  const rows = steps.flatMap(({ job, title, annotations = [] }) =>
    annotations.map((one) => [
      one.level,
      placeOf(one) ?? "",
      [one.title, one.message].filter(Boolean).join(": "),
      `${job} › ${title}`,
    ]),
  );
  const leftOut = steps.reduce((sum, { annotationsLeftOut = 0 }) => sum + annotationsLeftOut, 0);
  if (rows.length === 0 && leftOut === 0) return "";
  const more = leftOut === 0 ? "" : `${leftOut} more are only in the log: gantry task logs ${id}\n`;
  return `\n${rows.length === 0 ? "" : textTable(["SAYS", "PLACE", "MESSAGE", "STEP"], rows)}${more}`;
}
