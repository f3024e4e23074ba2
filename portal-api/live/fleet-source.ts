// The changes of the fleet for one browser: only of the targets that the caller may see.

import type { TargetView } from "@gantry/wire/agent/fleet.ts";
import { filterVisible, type Visibility } from "../access/visible.ts";
import type { FleetHub } from "./fleet-hub.ts";
import { frame, type Source } from "./stream.ts";

/**
 * A stream of changes after `start`, or from now on. `event: targets` has targets as they are now. `event: reset` asks a client to read
 * everything again: it missed changes, or an Argo CD is heard, or not heard, from now on.
 */
export function fleetSource(hub: FleetHub, start: string | undefined, visibility: () => Visibility): Source {
  let cursor = start;
  return {
    next: async () => {
      const last = hub.last();
      if (last === undefined || last === cursor) return [];
      const isNew = cursor === undefined;
      const changes = isNew ? [] : hub.since(cursor ?? "");
      cursor = last;
      if (isNew) return [`id: ${last}\n\n`];
      if (!changes || changes.some(({ reset, sources }) => reset || sources))
        return [frame({ id: last, event: "reset", data: {} })];
      const items = await visibleTargets(
        visibility(),
        changes.flatMap((one) => one.items),
      );
      return [items.length === 0 ? `id: ${last}\n\n` : frame({ id: last, event: "targets", data: { items } })];
    },
    wait: (ms, signal) => hub.wait(cursor, ms, signal),
    position: () => cursor,
  };
}

/** Of several states of one target, the last. */
export async function visibleTargets(visibility: Visibility, items: readonly TargetView[]): Promise<TargetView[]> {
  const newest = new Map(items.map((one) => [JSON.stringify([one.app, one.target]), one]));
  return filterVisible([...newest.values()], ({ app }) => visibility.app(app));
}
