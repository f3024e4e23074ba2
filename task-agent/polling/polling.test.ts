// Polling at two task-agents on one store: a change is told once, whoever looks, and whatever crashes.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { appInput } from "@gantry/core/app/app.fixture.ts";
import { recordOf } from "@gantry/core/app/app-record.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { PolledChange } from "@gantry/core/poll/polled.ts";
import { differences, readRefs, refsText } from "@gantry/core/poll/refs.ts";
import type { TaskState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { readBuiltIn } from "../definitions/built-in-pipelines.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { openDefinitions } from "../tasks/definitions.ts";
import { appStream, taskStream } from "../tasks/task-stream.ts";
import { openTasks, type Tasks } from "../tasks/tasks.ts";
import { statesOf } from "../triggers/trigger-stream.ts";
import { openDeliveries } from "../webhooks/deliveries.ts";
import { bodyStream, deliveryStream } from "../webhooks/delivery-stream.ts";
import { openPolling, type Polling } from "./polling.ts";
import { pollingConfig } from "./polling-config.ts";

const SHIPPED = fileURLToPath(new URL("../../pipelines/", import.meta.url));
const MAIN = "refs/heads/main";
const commitOf = (n: number): string => n.toString(16).padStart(40, "0");

/** One repository at a git host. Its runner answers every task at once, from what is there now. */
class World {
  readonly clock = new SteppedClock();
  readonly store = newMemoryStore();
  readonly reader = openMemoryJournal({ indexes: AGENT_INDEXES, clock: this.clock, store: this.store });
  refs = new Map([[MAIN, commitOf(1)]]);
  problem: string | undefined;
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(t: TestContext): Promise<World> {
    const folder = await mkdtemp(join(tmpdir(), "gantry-polling-"));
    t.after(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, "a.yaml"), 'name: a\napp: none\njobs:\n  work: { site: s, steps: [{ run: "x" }] }\n');
    const world = new World(folder);
    const source = { system: "bitbucket", project: "APPS", slug: "orders" };
    const record = recordOf("orders", appInput({ source }) as never);
    const state = { ...{ name: "orders", createdBy: "kim", createdAt: 0, task: "", facts: {}, latest: {} }, record };
    await world.reader.append([
      appStream.append("orders", {
        expected: 0,
        events: [{ kind: "AppAdopted" }],
        state: { ...state, state: "ready" },
      }),
    ]);
    return world;
  }

  async agent(wrap: (journal: Journal) => Journal = (journal) => journal): Promise<Polling> {
    const { clock, store } = this;
    const journal = wrap(openMemoryJournal({ indexes: AGENT_INDEXES, clock, store }));
    const steps = JSON.parse(await readFile(join(SHIPPED, "catalogue.json"), "utf8")) as StepDescription[];
    const definitions = await openDefinitions(this.folder, steps, this.reader);
    const tasks = this.#answered(openTasks(journal, definitions, { shared: true }));
    const deliveries = openDeliveries({ journal, newId: randomUUID, admit: () => {}, onReceived: () => {} });
    return openPolling({
      ...{ journal, definitions, tasks, deliveries, portalUrl: "http://portal", newId: randomUUID },
      config: pollingConfig.parse({ sources: { seoul: { site: "seoul", every: "1m" } } }),
      pipeline: await readBuiltIn(join(SHIPPED, "platform/poll-git.yaml"), steps),
    });
  }

  /** What each push has told, in order. */
  async told(): Promise<readonly string[]> {
    const deliveries = await statesOf(this.reader, "deliveries", deliveryStream);
    const bodies = await Promise.all(deliveries.map(({ id }) => bodyStream.load(this.reader, id)));
    return bodies.map((one) => {
      const { changes } = JSON.parse(one?.state.body ?? "{}") as { changes: { name: string; commit?: string }[] };
      return changes
        .map(({ name, commit }) => `${name} ${commit === undefined ? "-" : Number.parseInt(commit, 16)}`)
        .join();
    });
  }

  async tasks(): Promise<number> {
    return (await statesOf(this.reader, "tasks", taskStream)).length;
  }

  #answered(tasks: Tasks): Tasks {
    return {
      ...tasks,
      read: async (id) => {
        const record = await tasks.read(id);
        return record && { ...record, state: this.#ended(record.state) };
      },
    };
  }

  #ended(state: TaskState): TaskState {
    const [job] = Object.values(state.jobs);
    if (!job) throw new Error("a poll has one job");
    if (this.problem !== undefined)
      return {
        ...state,
        phase: "ended",
        outcome: "errored",
        failure: { code: "system-unavailable", message: this.problem } as never,
      };
    const { params } = state;
    const known = JSON.parse(String(params.known)) as Record<string, string>;
    const before = known["APPS/orders"];
    const changes = differences(readRefs(before ?? ""), this.refs) as PolledChange[];
    const found = {
      repository: "APPS/orders",
      isWhole: true,
      ...(before === undefined ? { refs: refsText(this.refs), changes: [] } : { changes }),
    };
    const outputs = {
      changed: ["APPS/orders"],
      failed: [],
      provider: "bitbucket-dc",
      found: params.read === true ? [found] : [],
    };
    const steps = [{ ...job.steps[0], id: "poll", outputs }];
    return {
      ...state,
      phase: "ended",
      outcome: "succeeded",
      jobs: { poll: { ...job, steps } },
    } as unknown as TaskState;
  }
}

async function minute(world: World, ...agents: readonly Polling[]): Promise<void> {
  await world.clock.pass(70_000);
  for (let n = 0; n < 3; n += 1) await Promise.all(agents.map((one) => one.tick()));
}

test("what is there at first starts nothing; then each move is told once, by either of two agents", async (t) => {
  const world = await World.open(t);
  const agents = [await world.agent(), await world.agent()] as const;
  await minute(world, ...agents);
  assert.deepEqual(await world.told(), []);
  const first = await world.tasks();
  await agents[0].tick();
  assert.equal(await world.tasks(), first, "nothing within the interval");
  world.refs.set(MAIN, commitOf(2)).set("refs/tags/v1", commitOf(2));
  await minute(world, ...agents);
  world.refs.delete("refs/tags/v1");
  world.refs.set(MAIN, commitOf(3));
  await minute(world, agents[1]);
  await minute(world, ...agents);
  assert.deepEqual(await world.told(), ["main 2,v1 2", "main 3,v1 -"]);
});

test("a host that does not answer is asked again, and what was pushed meanwhile is told", async (t) => {
  const world = await World.open(t);
  const agent = await world.agent();
  await minute(world, agent);
  world.problem = "bitbucket does not answer.";
  world.refs.set(MAIN, commitOf(2));
  await minute(world, agent);
  await minute(world, agent);
  const [source] = await agent.sources();
  assert.match(source?.last?.problem ?? "", /^Task t\w+ errored: bitbucket does not answer\.$/);
  world.problem = undefined;
  await minute(world, agent);
  assert.deepEqual(await world.told(), ["main 2"]);
  assert.equal((await agent.sources())[0]?.last?.problem, undefined);
});

for (const when of ["before", "after"] as const)
  test(`an agent that is killed ${when} any of its writes neither loses a move nor tells it twice`, async (t) => {
    for (let at = 1; ; at += 1) {
      const world = await World.open(t);
      await minute(world, await world.agent());
      world.refs.set(MAIN, commitOf(2));
      let writes = 0;
      const dying = (journal: Journal): Journal => ({
        ...journal,
        append: async (batch) => {
          writes += 1;
          if (writes === at && when === "before") throw new Error("killed");
          const answer = await journal.append(batch);
          if (writes === at) throw new Error("killed");
          return answer;
        },
      });
      await minute(world, await world.agent(dying)).catch(() => {});
      await minute(world, await world.agent());
      world.refs.set(MAIN, commitOf(3));
      await minute(world, await world.agent());
      assert.deepEqual(await world.told(), ["main 2", "main 3"], `write ${at}`);
      if (writes < at) return;
    }
  });
