// Where the repository of an app is polled and also sends webhooks, each change is told twice. The first one counts.

import { type Claim, claim, type Telling } from "@gantry/core/poll/claims.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { DeliveryState } from "./delivery-stream.ts";

/** By app. */
const claimStream = defineStream<{ readonly claims: readonly Claim[] }>({ prefix: "agent/ref-claims/" });
const MAX_CONFLICTS = 20;

/**
 * Why a branch or tag at a commit starts nothing because the other way has told of it, as a sentence; undefined if it counts. The
 * answer for a delivery is stored before anything is started, and stays the same. Rejects when the store fails.
 */
export async function toldAlready(
  journal: Pick<Journal, "load" | "append">,
  app: AppState,
  delivery: Pick<DeliveryState, "id" | "isPolled">,
  { ref, commit }: Pick<Telling, "ref" | "commit">,
): Promise<string | undefined> {
  const by = delivery.isPolled ? "polling" : "webhook";
  for (let round = 0; round < MAX_CONFLICTS; round += 1) {
    const loaded = await claimStream.load(journal, app.name);
    const before = loaded?.state.claims ?? [];
    const { counts, claims } = claim(before, { by, delivery: delivery.id, ref, commit });
    const why = counts
      ? undefined
      : `${by === "webhook" ? "Polling" : "A webhook"} has told of ${commit.slice(0, 7)} before.`;
    if (claims === before) return why;
    const events = [{ kind: "RefTold", ref, commit, by }];
    const append = claimStream.append(app.name, { expected: loaded?.version ?? 0, events, state: { claims } });
    if ((await journal.append([append])).ok) return why;
  }
  throw new Error(`what was told of the repository of ${app.name} was changed by others all the time`);
}
