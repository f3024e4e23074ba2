// The relay to Kafka: reads the feed, publishes every event of every task, and saves its position in the journal. While
// the bus is unavailable the events wait in the journal, and the rest of the agent is not affected.
//
// A consumer that drops duplicates by (task, taskseq) misses nothing: a batch is published again until it is acknowledged,
// before any later batch, and the position moves only after that. So an agent that starts from the position, after a crash
// or at the same time as another one, may repeat events but leaves none out.

import { jobDefinition } from "@gantry/core/task/decide-lease.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
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
  /** Differs between the agents that share the journal, and between runs of one agent. */
  readonly relayId: string;
  readonly clock: Clock;
  /** Between 0 and 1: spreads retries. */
  readonly random: () => number;
  readonly logger: Logger;
};

export type Relay = {
  /** Resolves when no publish is in progress any more. */
  readonly stop: () => Promise<void>;
  readonly state: () => RelayState;
};

export type RelayState = {
  readonly up: boolean;
  /** The `seq` up to which all events are published. */
  readonly seq: number;
  /** Time of the oldest event that waits to be published, ms since 1970; undefined when none waits. */
  readonly waitingSince: number | undefined;
};

/** All events up to the `seq` `after` are published; `by` is the relay that published last, empty at first. */
type RelayPosition = { readonly after: number; readonly by: string };

export const relayStream = defineStream<RelayPosition>({ prefix: "relay/kafka" });
const PAGE = 200;
const WAIT_MS = 25_000;
/** The relay that published last goes first. The others wait this long, and publish only if it has not done so. */
const YIELD_MS = 3_000;
const BACKOFF = { firstMs: 500, maxMs: 15_000, jitter: "half" } as const;

/** Starts at once. Errors are logged, never thrown: publishing is tried again until it succeeds. */
export function startRelay(deps: RelayDeps): Relay {
  const stopping = new AbortController();
  let state: RelayState = { up: true, seq: 0, waitingSince: undefined };
  const setState: SetState = (part) => {
    state = { ...state, ...part };
  };
  const running = run(deps, stopping.signal, setState);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
    state: () => state,
  };
}

/** Batches that a broker accepts: in order, each at most MAX_BATCH_BYTES or a single message. */
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

type SetState = (part: Partial<RelayState>) => void;

async function run(deps: RelayDeps, stopping: AbortSignal, setState: SetState): Promise<void> {
  let failures = 0;
  while (!stopping.aborted) {
    try {
      // After an outage the topic may be missing or different.
      if (failures > 0) await deps.bus.checkTopic();
      await publishAll(deps, stopping, (part) => {
        if (part.up) failures = 0;
        setState(part);
      });
    } catch (err) {
      failures += 1;
      setState({ up: false });
      // Logged once per outage, not for every try.
      if (failures === 1) deps.logger.warn({ err }, "events cannot be published; they wait in the journal");
      await pause(deps.clock, backoffMs(BACKOFF, failures, deps.random()), stopping);
    }
  }
}

/** Publishes until it is stopped. Rejects when the bus or the journal fails. */
async function publishAll(deps: RelayDeps, stopping: AbortSignal, setState: SetState): Promise<void> {
  let position = await startPosition(deps);
  while (!stopping.aborted) {
    const page = await deps.feed.page(position.after, PAGE, WAIT_MS, stopping);
    const [first] = page.events;
    if (!first) {
      if (page.last > position.after) position = { ...position, after: page.last };
      continue;
    }
    if (position.by !== deps.relayId && position.by !== "") {
      await pause(deps.clock, YIELD_MS, stopping);
      const now = await loadPosition(deps);
      if (stopping.aborted) return;
      if (now.after > position.after) {
        position = now;
        continue;
      }
    }
    setState({ waitingSince: Date.parse(first.time) });
    for (const batch of batchesOf(await encode(deps, page.events))) await deps.bus.publish(batch);
    position = await savePosition(deps, { after: page.last, by: deps.relayId });
    setState({ up: true, seq: position.after, waitingSince: undefined });
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

/** The saved position; the beginning when it is beyond the end of the journal, because the journal was replaced. */
async function startPosition(deps: RelayDeps): Promise<RelayPosition> {
  const saved = await loadPosition(deps);
  const newest = await deps.feed.newest();
  if (newest.last >= saved.after) return saved;
  const fields = { published: saved.after, newest: newest.last };
  deps.logger.warn(fields, "the journal was replaced; its events are published from the beginning");
  return writePosition(deps, { after: 0, by: deps.relayId });
}

async function loadPosition({ journal }: RelayDeps): Promise<RelayPosition> {
  return (await relayStream.load(journal))?.state ?? { after: 0, by: "" };
}

/**
 * Moves the position forward, unless another agent is already further: then returns that agent's position. The stream has no
 * events and so no version. Two agents that save at once may set the position back a little, which repeats some events.
 */
async function savePosition(deps: RelayDeps, position: RelayPosition): Promise<RelayPosition> {
  const saved = await loadPosition(deps);
  return saved.after > position.after ? saved : writePosition(deps, position);
}

async function writePosition({ journal }: RelayDeps, position: RelayPosition): Promise<RelayPosition> {
  const result = await journal.append([relayStream.append("", { expected: 0, state: position })]);
  if (!result.ok)
    throw new Error(`the stream ${relayStream.name()} must have no events, but is at version ${result.version}`);
  return position;
}
