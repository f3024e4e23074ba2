// A member of a group, with @platformatic/kafka. The library sends heartbeats and joins again by itself, also while a handler
// runs and while messages are buffered. So a rebalance waits here for the running handler, and then reading begins anew at
// the committed offsets.

import { pause, type Timers } from "@gantry/runtime/clock.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import {
  type BaseOptions,
  Consumer,
  type Message,
  type MessagesStream,
  stringDeserializers,
} from "@platformatic/kafka";
import type { BusMessage } from "../../bus.ts";
import {
  CHUNK,
  FETCH_WAIT_MS,
  type GroupMember,
  HEARTBEAT_MS,
  type MemberTask,
  REBALANCE_MS,
  SESSION_MS,
} from "../kafka-client.ts";

type Deps = {
  readonly options: BaseOptions;
  readonly topic: string;
  readonly clock: Timers;
  readonly logger: Logger;
};

type Text = Message<string, string, string, string>;
type Stream = MessagesStream<string, string, string, string>;

/** No heartbeats are sent while a rebalance waits for a handler, so it must wait less than SESSION_MS. */
const HANDLER_WAIT_MS = SESSION_MS / 2;

export function openMember(deps: Deps, task: MemberTask): GroupMember {
  const member = new Member(deps, task);
  return { join: () => member.join(), leave: () => member.leave() };
}

class Member {
  readonly #deps: Deps;
  readonly #task: MemberTask;
  readonly #consumer: Consumer<string, string, string, string>;
  #stream: Stream | undefined;
  /** A message of another partition than the chunk before it. */
  #next: Text | undefined;
  /** Counts rebalances; no handler starts between the begin of one and the stream after it. */
  #rebalances = 0;
  #isRejoining = false;
  #reading: Promise<void> | undefined;

  constructor(deps: Deps, task: MemberTask) {
    this.#deps = deps;
    this.#task = task;
    this.#consumer = new Consumer({
      ...deps.options,
      groupId: task.group,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: HEARTBEAT_MS,
      rebalanceTimeout: REBALANCE_MS,
      maxWaitTime: FETCH_WAIT_MS,
      autocommit: false,
      // The name that kafkajs uses, so that members of one group may use different clients.
      protocols: [{ name: "RoundRobinAssigner", version: 1 }],
      // Called before every join. Members of this assignor send no data of their own.
      protocolsMetadata: async () => {
        await this.#settle();
        return Buffer.alloc(0);
      },
      deserializers: stringDeserializers,
    });
  }

  async join(): Promise<void> {
    const { onAnswer, onLost } = this.#task;
    // An 'error' without a listener would end the process.
    this.#consumer.on("error", onLost);
    this.#consumer.on("consumer:heartbeat:end", onAnswer);
    this.#consumer.on("consumer:heartbeat:stalled", ({ lastError }) =>
      onLost(lastError ?? new Error("the brokers do not answer heartbeats")),
    );
    this.#use(await this.#consume());
    onAnswer();
    this.#consumer.on("consumer:group:join", () => {
      const rebalance = this.#rebalances;
      this.#consume().then((stream) => {
        // Another rebalance has begun since: its join opens the stream.
        if (rebalance === this.#rebalances) this.#use(stream);
        else stream.destroy();
      }, onLost);
    });
  }

  async leave(): Promise<void> {
    this.#closeStream();
    await this.#consumer.close(true);
  }

  /** A stream that begins at the committed offsets of the partitions that are assigned now. */
  #consume(): Promise<Stream> {
    const { topic } = this.#deps;
    const from = { mode: "committed", fallbackMode: "earliest" } as const;
    return this.#consumer.consume({ topics: [topic], autocommit: false, ...from });
  }

  /**
   * Replaces the stream. The old one may hold messages of partitions that another member reads now, and it would continue
   * a partition that comes back without a commit at a wrong offset. It is closed after the new one is open, because a
   * consumer without streams leaves the topic, and the next stream would cause a rebalance.
   */
  #use(stream: Stream): void {
    this.#closeStream();
    if (this.#task.isLeaving()) return void stream.destroy();
    this.#stream = stream;
    this.#isRejoining = false;
    stream.on("error", (error) => {
      if (stream === this.#stream) this.#task.onLost(error);
    });
    stream.on("fetch", () => this.#task.onActivity());
    stream.on("readable", () => this.#read());
  }

  #closeStream(): void {
    this.#stream?.destroy();
    this.#stream = undefined;
    this.#next = undefined;
  }

  /** Resolves when no handler runs; no new one starts until the next stream. */
  async #settle(): Promise<void> {
    this.#rebalances += 1;
    this.#isRejoining = true;
    const { clock, logger } = this.#deps;
    const stopWaiting = new AbortController();
    const late = pause(clock, HANDLER_WAIT_MS, stopWaiting.signal).then(() => {
      if (!stopWaiting.signal.aborted) logger.debug({}, "a rebalance did not wait for a slow handler");
    });
    await Promise.race([this.#reading, late]);
    stopWaiting.abort();
  }

  #read(): void {
    this.#reading ??= this.#readAll()
      .catch((error: unknown) => this.#task.onLost(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#reading = undefined;
      });
  }

  async #readAll(): Promise<void> {
    for (;;) {
      if (this.#isRejoining || this.#task.isLeaving()) return;
      const chunk = this.#chunk();
      const last = chunk.at(-1);
      if (last === undefined) return;
      await this.#task.handle(chunk.map(toMessage));
      const { topic, partition, offset, leaderEpoch } = last;
      await this.#consumer.commit({ offsets: [{ topic, partition, offset: offset + 1n, leaderEpoch }] });
      this.#task.onAnswer();
    }
  }

  /** Messages of one partition that have arrived; empty if none has. */
  #chunk(): readonly Text[] {
    const chunk: Text[] = [];
    while (chunk.length < CHUNK) {
      const message = this.#next ?? (this.#stream?.read() as Text | null | undefined) ?? undefined;
      this.#next = undefined;
      if (message === undefined) break;
      if (chunk[0] !== undefined && chunk[0].partition !== message.partition) {
        this.#next = message;
        break;
      }
      chunk.push(message);
    }
    return chunk;
  }
}

function toMessage({ key, value, headers }: Text): BusMessage {
  return { key: key ?? "", value: value ?? "", headers: Object.fromEntries(headers) };
}
