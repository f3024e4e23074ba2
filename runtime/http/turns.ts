// Lets callers share the event loop. Requests that arrive together, for example pipelined ones of one connection, would otherwise
// all be worked on before anybody else's is read.

import { setImmediate as nextTurn } from "node:timers/promises";

export { nextTurn };

/** Runs the work of a caller when its turn has come. Resolves and rejects as the work does. */
export type Turns = <T>(who: string, work: () => Promise<T>) => Promise<T>;

type Queue = { running: number; isPaused: boolean; readonly waiting: (() => void)[] };

/**
 * Of each caller, at most `atOnce` works run at a time, and one begins in each turn of the event loop, in the order in which
 * they arrived. How many wait is the matter of another limit.
 */
export function openTurns(atOnce: number): Turns {
  const queues = new Map<string, Queue>();

  const beginNext = (who: string, queue: Queue): void => {
    if (queue.isPaused || queue.running >= atOnce) return;
    const begin = queue.waiting.shift();
    if (!begin) {
      if (queue.running === 0) queues.delete(who);
      return;
    }
    queue.running += 1;
    queue.isPaused = true;
    setImmediate(() => {
      queue.isPaused = false;
      beginNext(who, queue);
    });
    begin();
  };

  return async (who, work) => {
    const queue = queues.get(who) ?? { running: 0, isPaused: false, waiting: [] };
    queues.set(who, queue);
    await new Promise<void>((resolve) => {
      queue.waiting.push(resolve);
      beginNext(who, queue);
    });
    try {
      return await work();
    } finally {
      queue.running -= 1;
      beginNext(who, queue);
    }
  };
}
