// Two agents on one journal: one of them learns of the other's change when its own change is refused.

import assert from "node:assert/strict";
import { test } from "node:test";
import { GantryError } from "@gantry/core/errors.ts";
import type { TaskEventOf } from "@gantry/core/task/events.ts";
import { job, pipeline } from "@gantry/core/task/task.fixture.ts";
import { openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import type { Definitions } from "./definitions.ts";
import { openTasks } from "./tasks.ts";

const definition = pipeline([job("only")]);
const requested: TaskEventOf<"TaskRequested"> = {
  kind: "TaskRequested",
  at: 1,
  task: "t1",
  pipeline: "test",
  definition: "sha256:0",
  title: "Test",
  appScope: {},
  params: {},
  requestedBy: "dev",
  url: "/t1",
};

test("when another agent's change makes a change fail, the listeners learn of the other change", async () => {
  const journal = openMemoryJournal({ indexes: AGENT_INDEXES });
  const definitions = { pinned: async () => definition } as Partial<Definitions> as Definitions;
  const [here, there] = [
    openTasks(journal, definitions, { shared: true }),
    openTasks(journal, definitions, { shared: true }),
  ];
  await here.create(definition, [requested], () => []);
  const versions: number[] = [];
  here.listen(({ version }) => versions.push(version));
  const changed = await there.change("t1", () => ({ events: [{ kind: "TaskCancelRequested", at: 2, by: "dev" }] }));
  const refuse = new GantryError("offer-gone", { problem: "It was canceled." });
  await assert.rejects(
    here.change("t1", () => ({ events: [], refuse })),
    { code: "offer-gone" },
  );
  assert.deepEqual(versions, [changed.version]);
});
