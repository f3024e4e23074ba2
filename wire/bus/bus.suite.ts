// The contract of the event bus, tested against every adapter.

import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { BusMessage, Consumption, EventBus } from "./bus.ts";

/** One topic. All buses that a place opens use it; the suite closes them. */
export type BusPlace = { readonly open: () => EventBus };

export function busSuite(adapter: string, makePlace: () => Promise<BusPlace>): void {
  let places = 0;
  const place = async (t: TestContext): Promise<{ open: () => EventBus; group: string }> => {
    const made = await makePlace();
    const opened: EventBus[] = [];
    t.after(() => Promise.all(opened.map((bus) => bus.close())));
    places += 1;
    return {
      // Groups belong to the brokers, not to a topic: tests must not share one.
      group: `group-${places}`,
      open: () => {
        const bus = made.open();
        opened.push(bus);
        return bus;
      },
    };
  };

  test(`${adapter}: every published message is delivered, in order per key, once per group`, async (t) => {
    const { open, group } = await place(t);
    const bus = open();
    await bus.checkTopic();
    const sent = manyMessages(["a", "b", "c", "d"], 60);
    await bus.publish(sent.slice(0, 100));
    await bus.publish(sent.slice(100));
    await bus.publish([]);
    for (const name of [group, `${group}-too`]) {
      const reader = collect(bus, name, sent.length);
      const got = await reader.done;
      assert.deepEqual(byKey(got), byKey(sent));
      await reader.consumption.stop();
    }
  });

  test(`${adapter}: overlapping calls are serialized`, async (t) => {
    const { open, group } = await place(t);
    const bus = open();
    await bus.checkTopic();
    const sent = manyMessages(["a", "b"], 40);
    await Promise.all([0, 20, 40, 60].map((from) => bus.publish(sent.slice(from, from + 20))));
    const reader = collect(bus, group, sent.length);
    assert.deepEqual(byKey(await reader.done), byKey(sent));
  });

  test(`${adapter}: a group that returns resumes at its committed offset`, async (t) => {
    const { open, group } = await place(t);
    const bus = open();
    await bus.checkTopic();
    await bus.publish(manyMessages(["a", "b"], 5));
    const first = collect(bus, group, 10);
    await first.done;
    await first.consumption.stop();
    const later = manyMessages(["a", "b"], 3, 100);
    await bus.publish(later);
    const second = collect(open(), group, 6);
    assert.deepEqual(byKey(await second.done), byKey(later));
  });

  test(`${adapter}: unhandled messages are delivered again before later ones`, async (t) => {
    const { open, group } = await place(t);
    const bus = open();
    await bus.checkTopic();
    const sent = manyMessages(["a"], 30);
    await bus.publish(sent);
    const seen: string[] = [];
    let refusals = 6;
    await new Promise<void>((resolve) => {
      bus.consume({
        group,
        handle: async (messages) => {
          if (refusals > 0) {
            refusals -= 1;
            throw new Error("the journal is not there");
          }
          seen.push(...messages.map(({ value }) => value));
          if (seen.length >= sent.length) resolve();
        },
      });
    });
    assert.deepEqual(
      seen,
      sent.map(({ value }) => value),
    );
    assert.deepEqual(bus.health(), { up: true }, "a handler that fails is no outage");
  });

  test(`${adapter}: members of a group share the keys, and the keys of a member that leaves go to the others`, async (t) => {
    const { open, group } = await place(t);
    const bus = open();
    await bus.checkTopic();
    const keys = Array.from({ length: 24 }, (_, at) => `k${at}`);
    const got: BusMessage[] = [];
    const sent: BusMessage[] = [];
    let onMore = (): void => {};
    const join = (from: EventBus): { readonly consumption: Consumption; readonly mine: BusMessage[] } => {
      const mine: BusMessage[] = [];
      const handle = async (messages: readonly BusMessage[]): Promise<void> => {
        mine.push(...messages);
        got.push(...messages);
        onMore();
      };
      return { consumption: from.consume({ group, handle }), mine };
    };
    const sendAndRead = async (): Promise<void> => {
      const batch = manyMessages(keys, 1, sent.length);
      sent.push(...batch);
      await bus.publish(batch);
      await new Promise<void>((resolve) => {
        onMore = () => {
          if (distinct(got) >= sent.length) resolve();
        };
        onMore();
      });
    };
    const [one, two] = [join(bus), join(open())];
    while (one.mine.length === 0 || two.mine.length === 0) await sendAndRead();
    await one.consumption.stop();
    await sendAndRead();
    assert.deepEqual(withoutRepeats(got), byKey(sent));
  });

  test(`${adapter}: stop waits for the running handler`, async (t) => {
    const { open, group } = await place(t);
    const bus = open();
    await bus.checkTopic();
    await bus.publish(manyMessages(["a"], 1));
    let finish = (): void => {};
    let handled = false;
    const consumption = await new Promise<Consumption>((resolve) => {
      const made = bus.consume({
        group,
        handle: async () => {
          resolve(made);
          await new Promise<void>((go) => {
            finish = go;
          });
          handled = true;
        },
      });
    });
    const stopped = consumption.stop();
    finish();
    await stopped;
    assert.equal(handled, true);
  });

  test(`${adapter}: a closed bus refuses every call`, async (t) => {
    const { open, group } = await place(t);
    const bus = open();
    await bus.close();
    await bus.close();
    const closed = (error: unknown): boolean => error instanceof GantryError && error.code === "unavailable";
    await assert.rejects(bus.publish(manyMessages(["a"], 1)), closed);
    await assert.rejects(bus.checkTopic(), closed);
    assert.throws(() => bus.consume({ group, handle: async () => {} }), closed);
  });
}

export function manyMessages(keys: readonly string[], each: number, from = 0): readonly BusMessage[] {
  return Array.from({ length: each }, (_, at) =>
    keys.map((key) => ({
      key,
      value: `${key}/${from + at} – ✓ 한`,
      headers: { id: `${key}/${from + at}`, seq: String(at) },
    })),
  ).flat();
}

/** Reads until it has received `count` distinct messages. */
function collect(
  bus: EventBus,
  group: string,
  count: number,
): { readonly done: Promise<readonly BusMessage[]>; readonly consumption: Consumption } {
  const got: BusMessage[] = [];
  let resolve: (messages: readonly BusMessage[]) => void = () => {};
  const done = new Promise<readonly BusMessage[]>((settle) => {
    resolve = settle;
  });
  const handle = async (messages: readonly BusMessage[]): Promise<void> => {
    got.push(...messages);
    if (distinct(got) >= count) resolve(got);
  };
  return { done, consumption: bus.consume({ group, handle }) };
}

function byKey(messages: readonly BusMessage[]): { readonly [key: string]: readonly object[] } {
  const sorted = [...Map.groupBy(messages, ({ key }) => key)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([key, all]) => [key, all.map(({ value, headers }) => ({ value, ...headers }))]),
  );
}

function withoutRepeats(messages: readonly BusMessage[]): { readonly [key: string]: readonly object[] } {
  return byKey([...new Map(messages.toReversed().map((one) => [one.value, one])).values()].toReversed());
}

function distinct(messages: readonly BusMessage[]): number {
  return new Set(messages.map(({ value }) => value)).size;
}
