// Transitions of tasks (read, decide, commit), compared with bare appends of the same bytes to the store.

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decideWaiting } from "@gantry/core/task/decide-task.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { openSqliteJournal } from "@gantry/journal/sqlite/sqlite.ts";
import { AGENT_INDEXES } from "@gantry/task-agent/store/indexes.ts";
import { openDefinitions } from "@gantry/task-agent/tasks/definitions.ts";
import { startTask } from "@gantry/task-agent/tasks/start-task.ts";
import { openTasks } from "@gantry/task-agent/tasks/tasks.ts";
import type { Bench } from "./figure.ts";
import { load } from "./load/load.ts";
import { NO_OP } from "./load/no-ops.ts";

const TASKS = 200;
const SECONDS = 3;

export const transitions: Bench = async ({ folder }) => {
  const journal = await openSqliteJournal({ file: join(folder, "transitions.sqlite"), indexes: AGENT_INDEXES });
  try {
    const appends: StreamAppend[] = [];
    const changes = await changesPerSecond(join(folder, "pipelines"), {
      ...journal,
      append: (batch) => {
        if (batch.length === 1 && batch[0]) appends[0] = batch[0];
        return journal.append(batch);
      },
    });
    const [like] = appends;
    if (!like) throw new Error("nothing was appended");
    const bare = await appendsPerSecond(journal, like);
    return [
      {
        name: "Transitions of tasks, sqlite",
        value: changes,
        unit: "/s",
        beside: { name: "bare appends of the same size to the same store", value: bare },
        note: `${TASKS} tasks at once, each changed again and again; durable, in this process`,
      },
    ];
  } finally {
    await journal.close();
  }
};

async function changesPerSecond(pipelines: string, journal: Journal): Promise<number> {
  await mkdir(pipelines);
  const head = "name: nothing\ntitle: nothing\nbutton: Run nothing\napp: none\njobs:\n";
  await writeFile(join(pipelines, "nothing.yaml"), `${head}${NO_OP}\n`);
  const definitions = await openDefinitions(pipelines, [], journal);
  const tasks = openTasks(journal, definitions);
  const deps = { journal, tasks, definitions, portalUrl: "http://portal", newId: () => crypto.randomUUID() };
  const ids: string[] = [];
  for (let n = 0; n < TASKS; n += 1) {
    const request = { pipeline: "nothing", params: {}, principal: "bench", idempotencyKey: `key-${n}` };
    ids.push((await startTask(deps, request)).state.id);
  }
  const { perSecond } = await load({ workers: TASKS, seconds: SECONDS }, (worker, n) =>
    tasks.change(ids[worker] ?? "", ({ state }, now) =>
      decideWaiting(state, { job: "work", code: "all-busy", text: `All runners are busy (${n}).` }, now),
    ),
  );
  return perSecond;
}

async function appendsPerSecond(journal: Journal, like: StreamAppend): Promise<number> {
  const { perSecond } = await load({ workers: TASKS, seconds: SECONDS }, async (worker, n) => {
    const answer = await journal.append([
      { stream: `bare/${worker}`, expected: n * like.events.length, events: like.events, snapshot: like.snapshot },
    ]);
    if (!answer.ok) throw new Error("a bare append met a conflict");
  });
  return perSecond;
}
