// The file in which the scanner writes where it sent its report: report-task.txt.

import { GantryError } from "@gantry/core/errors.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { z } from "zod";
import { answerProblem } from "../answer-problem.ts";

export type ReportTask = z.infer<typeof schema>;

/** Strict: a line that is no `key=value`, or a missing key, means that something else wrote the file. */
export function parseReportTask(text: string): ReportTask {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  const pairs = lines.map((line) => {
    const at = line.indexOf("=");
    if (at < 1) throw strange(`the line "${truncate(line, 80)}" is not key=value`);
    return [line.slice(0, at).trim(), line.slice(at + 1).trim()] as const;
  });
  const parsed = schema.safeParse(Object.fromEntries(pairs));
  if (parsed.success) return parsed.data;
  throw strange(answerProblem(parsed.error));
}

const schema = z.object({
  projectKey: z.string().min(1),
  ceTaskId: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "does not look like the id of a background task"),
});

function strange(problem: string): GantryError {
  return new GantryError("system-strange", { system: "sonar-scanner", what: "read report-task.txt", problem });
}
