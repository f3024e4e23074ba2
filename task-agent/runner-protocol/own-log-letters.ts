// Passes requests for the own log of a runner to the agent at which it is signed in, and the answer back, through the shared
// journal. There is one letter for each runner; the agent that asked removes the lines as soon as it has them.

import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { LogOrder } from "@gantry/wire/runner/protocol.ts";
import type { RunnerFacts } from "../dispatch/decide-runner.ts";
import { streamOf } from "../dispatch/runner-registry.ts";
import type { OwnLogLetters, ReadOwnLog } from "./own-logs.ts";

type Letter = { readonly runner: string; readonly order: LogOrder; readonly answer?: ReadOwnLog };

const letterStream = defineStream<Letter>({ prefix: "runner-log/" });

export function openOwnLogLetters(journal: Journal, remoteRunners: () => readonly RunnerFacts[]): OwnLogLetters {
  /** Decides again when the letter has changed in the meantime; undefined: nothing is to be done. */
  const write = async (
    runner: string,
    decide: (known: Letter | undefined) => { readonly state: Letter; readonly event?: JsonObject } | undefined,
  ): Promise<void> => {
    const id = streamOf(runner);
    for (;;) {
      const loaded = await letterStream.load(journal, id);
      const decided = decide(loaded?.state);
      if (!decided) return;
      const events = decided.event ? [decided.event] : [];
      const part = { expected: loaded?.version ?? 0, events, state: decided.state };
      if ((await journal.append([letterStream.append(id, part)])).ok) return;
    }
  };
  return {
    ask: async (runner, order) => {
      if (!remoteRunners().some((one) => one.runner === runner)) return false;
      await write(runner, () => ({ state: { runner, order }, event: { kind: "RunnerLogAsked", runner } }));
      return true;
    },
    answer: (runner, id, answer) =>
      write(runner, (known) =>
        known?.order.id === id
          ? { state: { ...known, answer }, event: { kind: "RunnerLogAnswered", runner } }
          : undefined,
      ),
    read: async (runner) => (await letterStream.load(journal, streamOf(runner)))?.state,
    clear: (runner, id) =>
      write(runner, (known) => (known?.order.id === id ? { state: { runner, order: known.order } } : undefined)),
  };
}
