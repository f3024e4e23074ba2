// The Markdown that a script writes about itself, to the file that GANTRY_STEP_SUMMARY names. It leaves the runner like a log.

import { join } from "node:path";
import type { Masker } from "@gantry/core/mask/masker.ts";
import { MAX_SUMMARY, summaryLogOf } from "@gantry/wire/runner/summary-log.ts";
import { type Files, writeAll } from "../state/files.ts";
import type { JobControl } from "../workers/job-executor.ts";

/** The text is not masked yet. `size`: bytes that the script wrote; `text` may be only their beginning. */
export type StepSummary = { readonly size: number; readonly text: string };

/** Bytes of all summaries of one job. */
const MAX_OF_JOB = 8 * MAX_SUMMARY;
/** Room for the sentence that says what was cut. */
const NOTE_BYTES = 500;

type Options = {
  readonly files: Files;
  /** Folder of the logs. */
  readonly folder: string;
  /** Position of the step in its job, from 0. */
  readonly index: number;
  readonly step: string;
  readonly masker: Masker;
  /** Bytes that earlier steps of the job have used. */
  readonly used: number;
  readonly emit: JobControl["emit"];
};

/** Masks it and hands it over for the upload. Returns its size in bytes; 0 when there is nothing to show. */
export async function sendSummary({ size, text }: StepSummary, options: Options): Promise<number> {
  const { files, folder, index, step, masker, used, emit } = options;
  const masked = masker.text(text.toWellFormed());
  if (masked.trim() === "") return 0;
  const kept = cutTo(masked, size > Buffer.byteLength(text), Math.min(MAX_SUMMARY, MAX_OF_JOB - used), size);
  const name = summaryLogOf(step);
  const path = join(folder, `${index + 1}.summary.md`);
  try {
    const file = await files.open(path, "new");
    try {
      await writeAll(file, kept);
    } finally {
      await file.close();
    }
  } catch (error) {
    const text = "the summary of a step could not be written and is lost";
    emit({ kind: "runner-log", level: "error", fields: { err: error, file: path }, text });
    return 0;
  }
  const bytes = Buffer.byteLength(kept);
  emit({ kind: "log-opened", step: name, file: path });
  emit({ kind: "log-grown", step: name, size: bytes, isClosed: true });
  return bytes;
}

/** At most `limit` bytes, whole lines where it is cut, with a sentence that says so. */
function cutTo(text: string, isCut: boolean, limit: number, size: number): string {
  if (!isCut && Buffer.byteLength(text) <= limit) return text;
  const start = Buffer.from(text)
    .subarray(0, Math.max(0, limit - NOTE_BYTES))
    .toString("utf8");
  const lines = start.slice(0, start.lastIndexOf("\n") + 1);
  const what = lines === "" ? "is not shown" : "ends here";
  return `${lines}\n\n*The summary ${what}: the script wrote ${size} bytes; a step may have ${MAX_SUMMARY}, and a job ${MAX_OF_JOB}.*\n`;
}
