import assert from "node:assert/strict";
import { test } from "node:test";
import { openWorld } from "../agent.fixture.ts";

test("jobs that wait together are told why in few commits, and not one after the other", async () => {
  const many = 120;
  const told = Promise.withResolvers<void>();
  let [underWay, most, done] = [0, 0, 0];
  const world = await openWorld({
    grouped: false,
    around: (journal) => ({
      ...journal,
      append: async (batch) => {
        const isTold = batch.some(({ events }) => events.some((event) => event.kind === "JobWaiting"));
        if (!isTold) return journal.append(batch);
        underWay += 1;
        most = Math.max(most, underWay);
        // As a commit does, which all share that have come by then.
        await new Promise((resolve) => setImmediate(resolve));
        underWay -= 1;
        done += 1;
        if (done === many) told.resolve();
        return journal.append(batch);
      },
    }),
  });
  const tasks = await Promise.all(Array.from({ length: many }, (_, n) => world.start(`key-${n}`)));
  await told.promise;
  assert.equal(most, 50);
  for (const { state } of tasks) {
    const record = await world.agent.tasks.change(state.id, () => ({ events: [] }));
    assert.equal(record.state.jobs.only?.waiting?.code, "no-runner");
  }
});
