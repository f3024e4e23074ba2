// What can be wrong with what has left the journal. Part of the one table in ../errors.ts.

import type { ErrorEntry } from "./entry.ts";

export const ARCHIVE_ERRORS = {
  "task-archived": {
    status: 410,
    message: "Task {task} is in the archive: it can be read, and not be changed.",
    why: "It ended longer ago than tasks are kept.",
    todo: "Start a new task instead.",
  },
  "archive-damaged": {
    status: 500,
    message: "The archive {file} is not as it was written: {problem}.",
    why: "Its disk or somebody has changed it. Nothing is removed from the journal while that is so.",
    todo: "Put the file back from a copy, or move it away together with its `.index.jsonl`.",
  },
} as const satisfies { readonly [code: string]: ErrorEntry };
