// Errors about archived data. Part of the table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const ARCHIVE_ERRORS = {
  "task-archived": {
    status: 410,
    message: "Task {task} is archived: it can be read but not changed.",
    why: "It ended longer ago than the retention period of tasks.",
    todo: "Start a new task instead.",
  },
  "archive-damaged": {
    status: 500,
    message: "The archive file {file} is damaged: {problem}.",
    why: "The file was changed after it was written, by a disk fault or by a person. Nothing is removed from the journal until this is resolved.",
    todo: "Restore the file from a backup, or move it away together with its `.index.jsonl`.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
