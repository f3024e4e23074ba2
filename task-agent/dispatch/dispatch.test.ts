import assert from "node:assert/strict";
import { test } from "node:test";
import { openTestAgent } from "../agent.fixture.ts";

test("the waiting reasons of many jobs are committed 50 at a time", async () => {
  const many = 120;
  const allCommitted = Promise.withResolvers<void>();
  let [inProgress, most, done] = [0, 0, 0];
  const fixture = await openTestAgent({
    grouped: false,
    wrapJournal: (journal) => ({
      ...journal,
      append: async (batch) => {
        const isReason = batch.some(({ events }) => events.some((event) => event.kind === "JobWaiting"));
        if (!isReason) return journal.append(batch);
        inProgress += 1;
        most = Math.max(most, inProgress);
        // Like a real commit, which includes all appends that have arrived by then.
        await new Promise((resolve) => setImmediate(resolve));
        inProgress -= 1;
        done += 1;
        if (done === many) allCommitted.resolve();
        return journal.append(batch);
      },
    }),
  });
  const tasks = await Promise.all(Array.from({ length: many }, (_, n) => fixture.start(`key-${n}`)));
  await allCommitted.promise;
  assert.equal(most, 50);
  for (const { state } of tasks) {
    const record = await fixture.agent.tasks.change(state.id, () => ({ events: [] }));
    assert.equal(record.state.jobs.only?.waiting?.code, "no-runner");
  }
});
