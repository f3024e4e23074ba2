// What people have paused. All of it is one stream of the journal, so all agents have the same and a restart keeps it. Each agent
// reads changes of the other agents when they are committed, and once a second.

import { GantryError } from "@gantry/core/errors.ts";
import {
  MAX_PAUSES,
  type Pause,
  type PausedBy,
  type PauseOf,
  pausedInWords,
  pauseFor,
  pausesAt,
  pauseText,
  withoutPause,
  withPause,
} from "@gantry/core/pause/pause.ts";
import type { Journal, JournalEvent } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";

type PauseEvent =
  | ({ readonly kind: "Paused" } & Pause)
  | ({ readonly kind: "Resumed"; readonly by: string; readonly at: number } & PauseOf);

const pauseStream = defineStream<{ readonly pauses: readonly Pause[] }, PauseEvent>({ prefix: "agent/pauses" });

/** Why a job may not start; `text` is shown to people. `until`: ms since 1970. */
export type PauseBlock = { readonly code: "paused"; readonly text: string; readonly until?: number };

export type Pauses = {
  /** Those that are in force, oldest first. Asks the store. */
  readonly list: () => Promise<readonly Pause[]>;
  /**
   * Durable, and in force at this agent, when it resolves. Paused again, it gets the new reason and end. Throws `bad-request` for an
   * end that has passed, `conflict` when there are too many or others always committed first.
   */
  readonly pause: (what: PauseOf, request: Omit<Pause, keyof PauseOf | "at">) => Promise<readonly Pause[]>;
  /** Safe to repeat. Throws `conflict` when others always committed first. */
  readonly resume: (what: PauseOf, by: string) => Promise<readonly Pause[]>;
  /** Why a job may not start now. */
  readonly blockOf: (job: PausedBy) => PauseBlock | undefined;
  /** Reads what other agents have changed, and notices pauses that end by themselves. Rejects when the store fails. */
  readonly refresh: () => Promise<void>;
  /** Whether one of these events is about pauses. */
  readonly isAbout: (events: readonly JournalEvent[]) => boolean;
  /** Called after every change of what is in force. It must not throw. */
  readonly listen: (listener: () => void) => void;
};

const MAX_CONFLICTS = 20;

/** Resolves when the stored pauses are in force. Rejects when the store fails. */
export async function openPauses(journal: Pick<Journal, "load" | "append" | "now">): Promise<Pauses> {
  let active: readonly Pause[] = [];
  const listeners: (() => void)[] = [];
  /** Looks at the store may end in another order than they began: one that began before what is in force changes nothing. */
  let begun = 0;
  let inForce = 0;
  const apply = (look: number, all: readonly Pause[], now: number): readonly Pause[] => {
    if (look < inForce) return active;
    inForce = look;
    const next = pausesAt(all, now);
    if (JSON.stringify(next) === JSON.stringify(active)) return active;
    active = next;
    for (const listener of listeners) listener();
    return active;
  };
  const nowMs = async (): Promise<number> => Math.floor((await journal.now()) / 1_000);
  const read = async (): Promise<readonly Pause[]> => {
    begun += 1;
    const look = begun;
    const loaded = await pauseStream.load(journal);
    return apply(look, loaded?.state.pauses ?? [], await nowMs());
  };
  const change = async (
    decide: (all: readonly Pause[], now: number) => { pauses: readonly Pause[]; event: PauseEvent } | undefined,
  ): Promise<readonly Pause[]> => {
    for (let round = 0; round < MAX_CONFLICTS; round += 1) {
      begun += 1;
      const look = begun;
      const loaded = await pauseStream.load(journal);
      const now = await nowMs();
      const before = pausesAt(loaded?.state.pauses ?? [], now);
      const decided = decide(before, now);
      if (decided === undefined) return apply(look, before, now);
      const { pauses, event } = decided;
      const expected = loaded?.version ?? 0;
      const append = pauseStream.append("", { expected, events: [event], state: { pauses } });
      if (!(await journal.append([append])).ok) continue;
      begun += 1;
      return apply(begun, pauses, now);
    }
    throw new GantryError("conflict", { what: "The list of what is paused" });
  };

  await read();
  return {
    list: read,
    pause: ({ of, name }, { by, reason, until }) =>
      change((before, at) => {
        if (until !== undefined && until <= at)
          throw new GantryError("bad-request", {
            problem: `until is ${new Date(until).toISOString()}, which has passed`,
          });
        const pause: Pause = { of, name, by, at, reason, ...(until === undefined ? {} : { until }) };
        const pauses = withPause(before, pause);
        if (pauses.length > MAX_PAUSES)
          throw new GantryError("conflict", {
            what: pausedInWords(pause),
            problem: "cannot be paused",
            why: `${MAX_PAUSES} things are paused already.`,
            todo: "Resume some of them, or pause a site.",
          });
        return { pauses, event: { kind: "Paused", ...pause } };
      }),
    resume: ({ of, name }, by) =>
      change((before, at) => {
        const pauses = withoutPause(before, { of, name });
        return pauses.length === before.length ? undefined : { pauses, event: { kind: "Resumed", of, name, by, at } };
      }),
    blockOf: (job) => {
      const found = pauseFor(active, job);
      if (found === undefined) return undefined;
      return { code: "paused", text: pauseText(found), ...(found.until === undefined ? {} : { until: found.until }) };
    },
    refresh: async () => void (await read()),
    isAbout: (events) => events.some(({ stream }) => stream === pauseStream.name()),
    listen: (listener) => void listeners.push(listener),
  };
}
