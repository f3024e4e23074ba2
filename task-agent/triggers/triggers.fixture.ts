// Task-agents with triggers but without HTTP, on one memory store: each "process" can be killed and opened again.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { JsonObject } from "@gantry/core/json.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { NO_OWN_PIPELINES } from "../definitions/own-pipelines.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { type LiveDefinitions, openDefinitions } from "../tasks/definitions.ts";
import { appStream, taskStream } from "../tasks/task-stream.ts";
import { openTasks, type Tasks } from "../tasks/tasks.ts";
import { statesOf } from "./trigger-stream.ts";
import { openTriggers, type Triggers } from "./triggers.ts";

export type Started = {
  readonly id: string;
  readonly pipeline: string;
  readonly at: string;
  readonly trigger: JsonObject;
};

export type Process = { readonly triggers: Triggers; readonly tasks: Tasks; readonly definitions: LiveDefinitions };

/** Jobs of a task that ends at once, because its only job is skipped. */
export const SHORT = "jobs:\n  work: { site: seoul, when: task.id == 'none', steps: [{ run: x }] }\n";
/** Jobs of a task that waits for a runner. */
export const LONG = "jobs:\n  work: { site: seoul, steps: [{ run: x }] }\n";

let ids = 0;

export class TriggersFixture {
  readonly clock = new SteppedClock();
  readonly folder: string;
  readonly #store = newMemoryStore();
  readonly #reader = openMemoryJournal({ indexes: AGENT_INDEXES, clock: this.clock, store: this.#store });

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(t: TestContext, files: { readonly [name: string]: string }): Promise<TriggersFixture> {
    const folder = await mkdtemp(join(tmpdir(), "gantry-triggers-"));
    t.after(() => rm(folder, { recursive: true }));
    const fixture = new TriggersFixture(folder);
    await fixture.write(files);
    return fixture;
  }

  async write(files: { readonly [name: string]: string }): Promise<void> {
    for (const [name, text] of Object.entries(files))
      await writeFile(join(this.folder, `${name}.yaml`), `name: ${name}\n${text}`);
  }

  /** One more task-agent on the store. `wrap`: of its journal, for example to make it fail. */
  async start(wrap: (journal: Journal) => Journal = (journal) => journal): Promise<Process> {
    const { clock } = this;
    const memory = openMemoryJournal({ indexes: AGENT_INDEXES, clock, store: this.#store });
    const journal = wrap(memory);
    const definitions = await openDefinitions(this.folder, [], memory);
    const tasks = openTasks(journal, definitions, { shared: true });
    const newId = (): string => (++ids).toString(16).padStart(12, "0");
    const triggers = openTriggers({
      ...{ journal, definitions, tasks, newId, portalUrl: "http://portal", ownPipelines: NO_OWN_PIPELINES },
      monotonicMs: clock.monotonicMs,
    });
    return { triggers, tasks, definitions };
  }

  async addApp(name: string, record: JsonObject = {}): Promise<void> {
    const state = {
      ...{ name, createdBy: "kim", createdAt: 0, task: "", record, facts: {}, latest: {} },
      state: "ready" as const,
    };
    await this.#reader.append([appStream.append(name, { expected: 0, events: [{ kind: "AppAdopted" }], state })]);
  }

  /** Sets the wall clock; the store follows it. */
  setTime(time: string): void {
    this.clock.jumpWall(Date.parse(time) - this.clock.nowMs());
  }

  /** Every task, in the order of their requests. `at`: the time of the request in UTC. */
  async started(): Promise<readonly Started[]> {
    return (await statesOf(this.#reader, "tasks", taskStream)).map(({ id, pipeline, requestedAt, trigger = {} }) => ({
      ...{ id, pipeline, trigger },
      at: new Date(requestedAt).toISOString(),
    }));
  }
}

/** What each process does in a second. */
export async function tick(...processes: readonly Process[]): Promise<void> {
  await Promise.all(
    processes.map(async ({ triggers, definitions }) => {
      await definitions.tick();
      for (const one of triggers.ticks) await one();
    }),
  );
}

/** A pipeline with one schedule. `more`: further members of the schedule. */
export function every(cron: string, more = "", jobs = SHORT): string {
  return `app: none\ntriggers:\n  - schedule: { cron: "${cron}"${more === "" ? "" : `, ${more}`} }\n${jobs}`;
}
