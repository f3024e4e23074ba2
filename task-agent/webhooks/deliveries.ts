// Deliveries of webhooks: each is received once and kept before it is answered; what it means is decided afterwards.

import { GantryError } from "@gantry/core/errors.ts";
import { timedId } from "@gantry/core/task/task-id.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { ReceiveDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import { type Found, newestOf } from "../store/newest-of.ts";
import {
  bodyStream,
  type DeliveryBody,
  type DeliveryState,
  deliveryKeyStream,
  deliveryStream,
} from "./delivery-stream.ts";

/** `isPolled`: Gantry itself has found it; the body is the JSON of what a push says. */
export type Received = ReceiveDelivery & { readonly isPolled?: true };

export type Deliveries = {
  /**
   * Durable when it resolves. `isNew` is false for a copy of one that was received before, by whichever agent; the id is then that
   * of the first. Rejects when the store fails, and with `limit-reached` when its source has sent too much lately: then the
   * sender may send it again.
   */
  readonly receive: (received: Received) => Promise<{ readonly id: string; readonly isNew: boolean }>;
  /**
   * A new delivery with the same body, for the apps that the first one was about. Throws `not-found`, and `limit-reached` as
   * `receive` does.
   */
  readonly redeliver: (id: string, by: string) => Promise<DeliveryState>;
  /** Throws `not-found`. */
  readonly read: (id: string) => Promise<DeliveryState>;
  /** Newest first. A page may have fewer than `limit` although there are more. */
  readonly list: (
    query: DeliveryQuery,
  ) => Promise<{ readonly items: readonly DeliveryState[]; readonly cursor?: string }>;
};

export type DeliveryQuery = {
  /** Absent: of all apps, and of none. */
  readonly apps?: readonly string[] | undefined;
  readonly source?: string | undefined;
  readonly state?: ReturnType<typeof stateOfDelivery> | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
};

export type DeliveriesDeps = {
  readonly journal: Journal;
  /** A random UUID. */
  readonly newId: () => string;
  /** Counts a new delivery of this many bytes, or throws `limit-reached`: each is kept for weeks. */
  readonly admit: (who: string, bytes: number) => void;
  /** Called after one was received. */
  readonly onReceived: () => void;
};

const MAX_CONFLICTS = 8;

export function openDeliveries({ journal, newId, admit, onReceived }: DeliveriesDeps): Deliveries {
  const knownBy = async (keys: readonly string[]): Promise<string | undefined> => {
    const found = await Promise.all(keys.map((key) => deliveryKeyStream.load(journal, key)));
    return found.find((one) => one !== undefined)?.state.delivery;
  };
  const read = async (id: string): Promise<DeliveryState> => {
    const loaded = /^w[0-9a-z]{19}$/.test(id) ? await deliveryStream.load(journal, id) : undefined;
    if (!loaded) throw new GantryError("not-found", { kind: "delivery", name: id });
    return loaded.state;
  };
  /** Undefined: another delivery has one of the keys. */
  const append = async (
    part: Omit<DeliveryState, "id" | "order" | "receivedAt">,
    body: DeliveryBody,
  ): Promise<DeliveryState | undefined> => {
    const micros = await journal.now();
    const receivedAt = Math.floor(micros / 1_000);
    const id = timedId("w", receivedAt, newId());
    const state: DeliveryState = { ...part, id, order: `${String(micros).padStart(18, "0")}/${id}`, receivedAt };
    const { ok } = await journal.append([
      deliveryStream.append(id, { expected: 0, events: [{ kind: "DeliveryReceived" }], state }),
      bodyStream.append(id, { expected: 0, state: body }),
      ...part.keys.map((key) =>
        deliveryKeyStream.append(key, { expected: 0, events: [{ kind: "KeyUsed" }], state: { delivery: id } }),
      ),
    ]);
    if (ok) onReceived();
    return ok ? state : undefined;
  };
  return {
    receive: async ({ source, host, system, headers, body, keys: given, isPolled }) => {
      const keys = [...new Set(given)];
      const fields = {
        source,
        host,
        keys,
        bytes: Buffer.byteLength(body),
        ...(system === undefined ? {} : { system }),
        ...(isPolled ? { isPolled } : {}),
      };
      for (let round = 0; round < MAX_CONFLICTS; round += 1) {
        const known = await knownBy(keys);
        if (known !== undefined) return { id: known, isNew: false };
        if (round === 0 && !isPolled) admit(`The webhook ${source}`, fields.bytes);
        const state = await append(fields, { headers, body });
        if (state) return { id: state.id, isNew: true };
      }
      throw new GantryError("conflict", { what: `The delivery of ${source}` });
    },
    redeliver: async (id, by) => {
      const { source, host, system, bytes, isPolled, decision } = await read(id);
      const body = await bodyStream.load(journal, id);
      if (!body) throw new GantryError("not-found", { kind: "delivery", name: id });
      admit(by, bytes);
      // Who may deliver it again was checked for these apps. One that is about none needs a right on everything.
      const apps = decision && decision.apps.length > 0 ? { apps: decision.apps } : {};
      const fields = { source, host, bytes, keys: [], redelivery: { of: id, by, ...apps } };
      const named = { ...(system === undefined ? {} : { system }), ...(isPolled ? { isPolled } : {}) };
      const state = await append({ ...fields, ...named }, body.state);
      if (!state) throw new GantryError("conflict", { what: `The delivery ${id}` });
      return state;
    },
    read,
    list: async ({ apps, source, state, ...page }) => {
      const { items, cursor } = apps
        ? await newestOf(journal, "deliveries-by-app", apps, page)
        : await newestOfAll(journal, page);
      // One that is about several apps is in several lists.
      const found = new Map(items.map((item) => [item.key, deliveryStream.stateOf(item)]));
      const wanted = [...found.values()].filter(
        (one) =>
          (source === undefined || one.source === source) && (state === undefined || stateOfDelivery(one) === state),
      );
      return { items: wanted, ...(cursor === undefined ? {} : { cursor }) };
    },
  };
}

function newestOfAll(
  journal: Journal,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Found> {
  const after = cursor === undefined ? {} : { cursor };
  return journal.find({ index: "deliveries", order: "descending", limit, ...after });
}

export function stateOfDelivery({ decision }: Pick<DeliveryState, "decision">): "pending" | "started" | "nothing" {
  if (!decision) return "pending";
  return decision.results.some(({ task }) => task !== undefined) ? "started" : "nothing";
}
