// Following a task while its portal restarts.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { PortalClient } from "../client.ts";
import { taskEvents } from "./task-events.ts";

const kinds = ["TaskRequested", "JobStarted", "TaskEnded"];

/** A portal whose responses come from the list, one after the other. */
function portalOf(responses: readonly (readonly number[] | GantryError)[]) {
  const asked: string[] = [];
  const event = (taskseq: number) => ({ taskseq, data: { event: { kind: kinds[taskseq - 1] } } });
  const get = (path: string): Promise<unknown> => {
    const response = responses[asked.length];
    asked.push(path);
    if (response instanceof GantryError) return Promise.reject(response);
    return Promise.resolve({ items: (response ?? []).map(event) });
  };
  // Only what the function uses, and events without what it does not read.
  const portal = { get } as unknown as PortalClient;
  return { portal, asked };
}

async function follow(portal: PortalClient, pause?: () => Promise<void>) {
  const seen: number[] = [];
  const lost: string[] = [];
  const patience = pause && {
    signal: new AbortController().signal,
    onLost: ({ code }: GantryError) => void lost.push(code),
    pause,
  };
  for await (const { taskseq } of taskEvents(portal, "t1", patience)) seen.push(taskseq);
  return { seen, lost };
}

test("events go on where they were lost, and the loss is told once", async () => {
  const [gone, stopping] = [new GantryError("unavailable"), new GantryError("internal")];
  const { portal, asked } = portalOf([[1], stopping, gone, gone, [2], [3]]);
  const pauses: number[] = [];
  const { seen, lost } = await follow(portal, () => Promise.resolve(void pauses.push(1)));
  assert.deepEqual([seen, lost, pauses.length], [[1, 2, 3], ["internal"], 3]);
  assert.deepEqual(
    asked.map((path) => /after=(\d)/.exec(path)?.[1]),
    ["0", "1", "1", "1", "1", "2"],
  );
});

test("an error that waiting does not mend ends it, and so does any without patience", async () => {
  const refused = portalOf([[1], new GantryError("forbidden")]);
  await assert.rejects(
    follow(refused.portal, () => assert.fail("it waits")),
    { code: "forbidden" },
  );
  await assert.rejects(follow(portalOf([new GantryError("unavailable")]).portal), { code: "unavailable" });
});
