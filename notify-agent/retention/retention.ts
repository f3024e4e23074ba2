// Moves old deliveries from the journal to the archive: read → decide → commit, a few at a time.

import type { DeliveryRetention } from "@gantry/core/retention/policy.ts";
import type { ArchiveRecord, ArchiveWriter } from "@gantry/journal/archive/archive.ts";
import type { Journal, StreamRemoval } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import { openPeriodic, type Periodic } from "@gantry/runtime/periodic.ts";
import type { Logger } from "@gantry/runtime/process/logger.ts";
import { Gauge, type Registry } from "prom-client";
import { DELIVERY_STREAMS, type Delivery } from "../deliveries/delivery.ts";
import { DAY_MS, mayBeRemoved } from "./decide-removal.ts";

export const DELIVERIES = "deliveries";

export type RetentionDeps = {
  readonly journal: Journal;
  readonly archive: ArchiveWriter;
  readonly policy: DeliveryRetention;
  /** Older events are ignored, in ms. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly registry: Registry;
};

export type Retention = Pick<Periodic, "run" | "start" | "close">;

const PAGE = 20;
const FORMAT = 1;
/** Attempts that are archived one by one. */
const MAX_EVENTS = 1_000;

export function openRetention(deps: RetentionDeps): Retention {
  let [archived, failures, passedMs] = [0, 0, 0];
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [deps.registry],
      collect() {
        this.set(value());
      },
    });
  };
  gauge("gantry_retention_archived_deliveries", "Deliveries moved to the archive since the start", () => archived);
  gauge("gantry_retention_failures", "Passes that failed since the start", () => failures);
  gauge("gantry_retention_last_pass_seconds", "Unix time of the last pass; 0 before the first", () => passedMs / 1_000);

  const passes: Periodic = openPeriodic({
    clock: deps.clock,
    random: deps.random,
    pass: async () => {
      try {
        const count = await sweep(deps, passes);
        archived += count;
        passedMs = deps.clock.nowMs();
        if (count > 0) deps.logger.info({ deliveries: count }, "old deliveries were moved to the archive");
      } catch (error) {
        failures += 1;
        throw error;
      }
    },
    onFailed: (err) =>
      deps.logger.error(
        { err },
        "old deliveries could not be moved to the archive; none was removed without being archived",
      ),
  });
  return passes;
}

/** Resolves to the number of deliveries that were moved. */
async function sweep(deps: RetentionDeps, { rest, isStopping }: Periodic): Promise<number> {
  const { journal, policy, maxAgeMs } = deps;
  const nowMs = Math.floor((await journal.now()) / 1_000);
  let after: string | undefined;
  let count = 0;
  while (policy.enabled && !isStopping()) {
    const page = await journal.find({ index: "deliveries", limit: PAGE, ...(after === undefined ? {} : { after }) });
    const records: ArchiveRecord[] = [];
    const removals: StreamRemoval[] = [];
    for (const item of page.items) {
      const { stream, version } = item;
      const delivery = DELIVERY_STREAMS.stateOf(item);
      if (!mayBeRemoved(delivery, { policy, maxAgeMs, nowMs })) continue;
      const events = await journal.events(stream, 0, MAX_EVENTS);
      records.push(recordOf(delivery, events));
      removals.push({ stream, expected: version });
    }
    if (records.length > 0) {
      await deps.archive.append(records);
      await rest();
      // A delivery that has changed in the meantime is moved by a later pass.
      for (const removal of removals) if ((await journal.remove([removal])).ok) count += 1;
    }
    const last = page.items.at(-1);
    after = last?.key;
    if (page.cursor === undefined || !last || nowMs - DELIVERY_STREAMS.stateOf(last).createdMs < policy.days * DAY_MS)
      break;
    await rest();
  }
  return count;
}

function recordOf(
  delivery: Delivery,
  events: readonly { readonly atMicros: number; readonly event: object }[],
): ArchiveRecord {
  const tries = events.map(({ atMicros, event }) => [atMicros, event]);
  // All of it was read from the journal's JSON. The types have no index signature.
  const value = { format: FORMAT, delivery, events: tries } as unknown as ArchiveRecord["value"];
  return { day: new Date(delivery.createdMs).toISOString().slice(0, 10), id: delivery.id, value };
}
