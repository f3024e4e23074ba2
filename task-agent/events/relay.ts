// The way out to Kafka: reads the journal, publishes every fact of every task, and remembers how far it came in the
// journal itself. While the bus is away the facts wait in the journal, and nothing else of the agent notices.
//
// Why a reader who drops what it has seen by (task, taskseq) misses nothing: a batch is published again until it is
// acknowledged, before anything after it; the place is moved only after that. So whoever starts from the place, be it
// this agent after a crash or another one at the same time, repeats what is there and leaves nothing out.

import { jobDefinition } from "@gantry/core/task/decide-lease.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { backoffMs } from "@gantry/runtime/backoff.ts";
import { type Clock, pause } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import type { FeedEvent } from "@gantry/wire/agent/views.ts";
import { type BusMessage, type EventBus, MAX_BATCH_BYTES, messageBytes } from "@gantry/wire/bus/bus.ts";
import type { FactContext } from "@gantry/wire/bus/cdevents.ts";
import { encodeEvent } from "@gantry/wire/bus/event-codec.ts";
import type { Tasks } from "../tasks/tasks.ts";
import type { Feed } from "./feed.ts";

export type RelayDeps = {
  readonly feed: Pick<Feed, "page" | "newest">;
  readonly tasks: Pick<Tasks, "read">;
  readonly journal: Pick<Journal, "load" | "append">;
  readonly bus: Pick<EventBus, "publish" | "checkTopic">;
  /** This process among the agents that share the journal. */
  readonly me: string;
  readonly clock: Clock;
  /** Between 0 and 1, for spreading tries. */
  readonly random: () => number;
  readonly logger: Logger;
};

export type Relay = {
  /** Resolves when the batch that is on its way has been answered. */
  readonly stop: () => Promise<void>;
  readonly state: () => RelayState;
};

export type RelayState = {
  readonly up: boolean;
  /** `seq` up to which all is published. */
  readonly seq: number;
  /** Time of the oldest fact that could not be published yet, ms since 1970; undefined while nothing is held up. */
  readonly waitingSince: number | undefined;
};

/** How far the facts are published, and by whom last. */
type Place = { readonly after: number; readonly by: string };

export const RELAY_STREAM = "relay/kafka";
const PAGE = 200;
const WAIT_MS = 25_000;
/** Whoever published last has the first turn; the others look whether it took it before they do the same work. */
const TURN_MS = 3_000;
const BACKOFF = { firstMs: 500, maxMs: 15_000, jitter: "half" } as const;

export function startRelay(deps: RelayDeps): Relay {
  const stopping = new AbortController();
  let state: RelayState = { up: true, seq: 0, waitingSince: undefined };
  const set = (part: Partial<RelayState>): void => {
    state = { ...state, ...part };
  };
  const running = run(deps, stopping.signal, set);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
    state: () => state,
  };
}

/** Batches that a broker takes: in order, each below MAX_BATCH_BYTES or a single message. */
export function batchesOf(messages: readonly BusMessage[]): readonly (readonly BusMessage[])[] {
  const batches: BusMessage[][] = [];
  let room = 0;
  for (const message of messages) {
    const bytes = messageBytes(message);
    if (bytes > room) {
      batches.push([]);
      room = MAX_BATCH_BYTES;
    }
    batches.at(-1)?.push(message);
    room -= bytes;
  }
  return batches;
}

type Set = (part: Partial<RelayState>) => void;

async function run(deps: RelayDeps, stopping: AbortSignal, set: Set): Promise<void> {
  let failures = 0;
  while (!stopping.aborted) {
    try {
      // What was not there may have come back otherwise: without its topic, or with another one.
      if (failures > 0) await deps.bus.checkTopic();
      await follow(deps, stopping, (part) => {
        if (part.up) failures = 0;
        set(part);
      });
    } catch (err) {
      failures += 1;
      set({ up: false });
      // Once, and not for every try: an outage of hours must not bury everything else.
      if (failures === 1) deps.logger.warn({ err }, "events cannot be published; they wait in the journal");
      await pause(deps.clock, backoffMs(BACKOFF, failures, deps.random()), stopping);
    }
  }
}

async function follow(deps: RelayDeps, stopping: AbortSignal, set: Set): Promise<void> {
  let place = await load(deps);
  const newest = await deps.feed.newest();
  if (newest.last < place.after) {
    deps.logger.warn({ published: place.after, newest: newest.last }, "the journal begins anew, and so do the events");
    place = await save(deps, { after: 0, by: deps.me }, { anew: true });
  }
  while (!stopping.aborted) {
    const page = await deps.feed.page(place.after, PAGE, WAIT_MS, stopping);
    const [first] = page.events;
    if (!first) {
      if (page.last > place.after) place = { ...place, after: page.last };
      if (!stopping.aborted) continue;
      return;
    }
    if (place.by !== deps.me && place.by !== "") {
      await pause(deps.clock, TURN_MS, stopping);
      const now = await load(deps);
      if (stopping.aborted) return;
      if (now.after > place.after) {
        place = now;
        continue;
      }
    }
    set({ waitingSince: Date.parse(first.time) });
    for (const batch of batchesOf(await encode(deps, page.events))) await deps.bus.publish(batch);
    place = await save(deps, { after: page.last, by: deps.me }, { anew: false });
    set({ up: true, seq: place.after, waitingSince: undefined });
  }
}

async function encode({ tasks }: RelayDeps, events: readonly FeedEvent[]): Promise<readonly BusMessage[]> {
  const messages: BusMessage[] = [];
  for (const event of events) {
    const record = await tasks.read(event.data.task);
    const { job, step } = event.data.event;
    const known = record && typeof job === "string" ? record.state.jobs[job] : undefined;
    const steps = record && known ? jobDefinition(record.pipeline, known.id).steps : [];
    const action = steps.find(({ id }) => id === step)?.action;
    const context: FactContext = {
      startedAt: record?.state.startedAt,
      uses: action?.kind === "uses" ? action.uses : undefined,
      site: known?.site,
    };
    messages.push(encodeEvent(event, context));
  }
  return messages;
}

async function load({ journal }: RelayDeps): Promise<Place> {
  const loaded = await journal.load(RELAY_STREAM);
  return loaded === undefined ? { after: 0, by: "" } : (loaded.snapshot as Place);
}

/**
 * Moves the place forward; where another agent is further by now, its place stands. No event and so no version: two
 * agents that save at once may set it back a little, which repeats events and leaves none out.
 */
async function save(deps: RelayDeps, place: Place, { anew }: { readonly anew: boolean }): Promise<Place> {
  const stored = await load(deps);
  if (!anew && stored.after > place.after) return stored;
  const result = await deps.journal.append([{ stream: RELAY_STREAM, expected: 0, events: [], snapshot: { ...place } }]);
  if (!result.ok) throw new Error(`the stream ${RELAY_STREAM} holds events: ${result.version}`);
  return place;
}
