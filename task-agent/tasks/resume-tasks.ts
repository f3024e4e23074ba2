// After a start of the agent: takes over all unfinished tasks.

import type { Journal } from "@gantry/journal/journal.ts";
import type { RetryQueue } from "./retry-queue.ts";
import { taskStream } from "./task-stream.ts";

const PAGE = 200;

/**
 * Calls `resume` for every unfinished task and returns their number. A task that fails is retried later and does not keep
 * the others from being resumed. Rejects when the journal cannot list them.
 */
export async function resumeTasks(
  journal: Pick<Journal, "find">,
  retries: RetryQueue,
  resume: (id: string) => Promise<void>,
): Promise<number> {
  let cursor: string | undefined;
  let count = 0;
  do {
    const page = await journal.find({ index: "open", limit: PAGE, ...(cursor === undefined ? {} : { cursor }) });
    for (const item of page.items) {
      const { id } = taskStream.stateOf(item);
      count += 1;
      await retries.run(`resuming task ${id}`, () => resume(id));
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return count;
}
