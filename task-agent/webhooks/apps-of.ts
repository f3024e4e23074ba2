// The apps that a delivery is about.

import type { AppState } from "@gantry/core/task/model.ts";
import type { DeliverySource } from "@gantry/core/webhook/apps.ts";
import { isAbout, keyOfFacts } from "@gantry/core/webhook/apps.ts";
import type { DeliveryFacts } from "@gantry/core/webhook/delivery.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import { allOf } from "../tasks/app-places.ts";
import { appStream, sourceKey } from "../tasks/task-stream.ts";

/** It does not exist until every app is in the index of sources. */
const indexedStream = defineStream<{ readonly isIndexed: true }>({ prefix: "app-sources" });

/** Adds the apps that an older version stored to the index of sources. To be called once before `appsOf`. */
export async function indexSources(journal: Journal): Promise<void> {
  if (await indexedStream.load(journal)) return;
  for await (const item of allOf(journal, "apps")) {
    const state = appStream.stateOf(item);
    // On a conflict, the other writer has written the entries as well.
    await journal.append([appStream.append(state.name, { expected: item.version, state })]);
  }
  await journal.append([indexedStream.append("", { expected: 0, state: { isIndexed: true } })]);
}

const PAGE = 200;

/** In the order of their names. */
export async function appsOf(
  journal: Pick<Journal, "find">,
  source: DeliverySource,
  facts: DeliveryFacts,
): Promise<readonly AppState[]> {
  const key = keyOfFacts(facts);
  if (key === undefined) return [];
  const found: AppState[] = [];
  for (let cursor: string | undefined; ; ) {
    const next = cursor === undefined ? {} : { cursor };
    const page = await journal.find({ index: "app-sources", prefix: sourceKey(key), limit: PAGE, ...next });
    found.push(
      ...page.items.map(appStream.stateOf).filter((app) => app.state !== "removed" && isAbout(facts, source, app)),
    );
    cursor = page.cursor;
    if (cursor === undefined) return found;
  }
}
