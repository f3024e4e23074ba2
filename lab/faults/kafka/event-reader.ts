// A reader of events as another system would write it: it drops duplicates by (task, taskseq) and counts.

import type { BusMessage, EventBus } from "@gantry/wire/bus/bus.ts";
import { kafkaConfig } from "@gantry/wire/bus/kafka/config.ts";
import { openKafkaBus } from "@gantry/wire/bus/kafka/kafka-bus.ts";
import type { KafkaSettings } from "./agents.ts";

/** Task → number of its events. */
export type TaskSizes = ReadonlyMap<string, number>;

export class EventReader {
  readonly #bus: EventBus;
  readonly #last = new Map<string, number>();
  #messages = 0;
  #repeats = 0;
  #gaps = 0;
  #onMore = (): void => {};

  constructor(kafka: KafkaSettings) {
    const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
    this.#bus = openKafkaBus(kafkaConfig.parse(kafka), { logger: quiet });
    this.#bus.consume({
      group: "the-reader",
      handle: async (messages) => {
        for (const message of messages) this.#take(message);
        this.#onMore();
      },
    });
  }

  /** Different events read so far. */
  get distinct(): number {
    return this.#messages - this.#repeats;
  }

  /** Resolves when this many different events have been read. */
  async until(agent: { readonly events: number }): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onMore = () => {
        if (this.distinct >= agent.events) resolve();
      };
      this.#onMore();
    });
  }

  compare(journal: TaskSizes): { events: number; messages: number; repeats: number; gaps: number; missing: number } {
    let missing = 0;
    let events = 0;
    for (const [task, size] of journal) {
      events += size;
      missing += size - Math.min(size, this.#last.get(task) ?? 0);
    }
    return { events, messages: this.#messages, repeats: this.#repeats, gaps: this.#gaps, missing };
  }

  async close(): Promise<void> {
    await this.#bus.close();
  }

  #take({ key, headers }: BusMessage): void {
    this.#messages += 1;
    const seq = Number(headers.taskseq);
    const before = this.#last.get(key) ?? 0;
    if (seq <= before) this.#repeats += 1;
    else {
      if (seq > before + 1) this.#gaps += 1;
      this.#last.set(key, seq);
    }
  }
}
