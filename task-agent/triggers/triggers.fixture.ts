// Task-agents with triggers but without HTTP, on one memory store: each "process" can be killed and opened again.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { asOwn } from "@gantry/core/choice/check-own.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import { parsePipeline } from "@gantry/core/pipeline/parse.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import { newMemoryStore, openMemoryJournal } from "@gantry/journal/memory/memory.ts";
import { SteppedClock } from "@gantry/runtime/stepped-clock.fixture.ts";
import { openTriggerLimit } from "../api/rate-limit.ts";
import { NO_OWN_PIPELINES, type OwnPipelines } from "../definitions/own-pipelines.ts";
import { AGENT_INDEXES } from "../store/indexes.ts";
import { keepDefinition, type LiveDefinitions, openDefinitions } from "../tasks/definitions.ts";
import { type Definition, definitionOf } from "../tasks/read-definitions.ts";
import { appStream, taskStream } from "../tasks/task-stream.ts";
import { openTasks, type Tasks } from "../tasks/tasks.ts";
import type { TriggerDeps } from "./start-triggered.ts";
import { statesOf } from "./trigger-stream.ts";
import { openTriggers, type Triggers } from "./triggers.ts";

export type Started = {
  readonly id: string;
  readonly pipeline: string;
  readonly at: string;
  readonly trigger: JsonObject;
};

export type Process = {
  readonly triggers: Triggers;
  readonly tasks: Tasks;
  readonly definitions: LiveDefinitions;
  readonly deps: TriggerDeps;
};

/** Jobs of a task that ends at once, because its only job is skipped. */
export const SHORT = "jobs:\n  work: { site: seoul, when: task.id == 'none', steps: [{ run: x }] }\n";
/** Jobs of a task that waits for a runner. */
export const LONG = "jobs:\n  work: { site: seoul, steps: [{ run: x }] }\n";

let ids = 0;

export class TriggersFixture {
  readonly clock = new SteppedClock();
  readonly folder: string;
  readonly #store = newMemoryStore();
  readonly #own = new Map<string, readonly Definition[]>();
  readonly #steps: readonly StepDescription[];
  readonly #reader = openMemoryJournal({ indexes: AGENT_INDEXES, clock: this.clock, store: this.#store });

  private constructor(folder: string, steps: readonly StepDescription[]) {
    this.folder = folder;
    this.#steps = steps;
  }

  static async open(
    t: TestContext,
    files: { readonly [name: string]: string },
    steps: readonly StepDescription[] = [],
  ): Promise<TriggersFixture> {
    const folder = await mkdtemp(join(tmpdir(), "gantry-triggers-"));
    t.after(() => rm(folder, { recursive: true }));
    const fixture = new TriggersFixture(folder, steps);
    await fixture.write(files);
    return fixture;
  }

  async write(files: { readonly [name: string]: string }): Promise<void> {
    for (const [name, text] of Object.entries(files))
      await writeFile(join(this.folder, `${name}.yaml`), `name: ${name}\n${text}`);
  }

  /** Pipelines of an app's own repository, by file, as they are when they have been read. */
  addOwn(app: string, files: { readonly [name: string]: string }): void {
    const definitions = Object.entries(files).map(([name, text]): Definition => {
      const { pipeline, problems } = parsePipeline(
        { name: `.gantry/${name}.yaml`, text: `name: ${name}\n${text}` },
        this.#steps,
      );
      assert(pipeline, JSON.stringify(problems));
      const own = asOwn(app, pipeline, { builds: false });
      return { ...definitionOf(name, `own ${name}\n${text}`, own), pipeline: own };
    });
    this.#own.set(app, definitions);
  }

  #ownPipelines(journal: Journal): OwnPipelines {
    const of = (app: string): readonly Definition[] => this.#own.get(app) ?? [];
    return {
      ...NO_OWN_PIPELINES,
      of: async ({ name }) => {
        for (const one of of(name)) await keepDefinition(journal, one);
        return of(name);
      },
      named: async (name, app = "") => of(app).find(({ pipeline }) => pipeline.name === name),
    };
  }

  /** One more task-agent on the store. `wrap`: of its journal, for example to make it fail. */
  async start(wrap: (journal: Journal) => Journal = (journal) => journal): Promise<Process> {
    const { clock } = this;
    const memory = openMemoryJournal({ indexes: AGENT_INDEXES, clock, store: this.#store });
    const journal = wrap(memory);
    const definitions = await openDefinitions(this.folder, this.#steps, memory);
    const tasks = openTasks(journal, definitions, { shared: true });
    const newId = (): string => (++ids).toString(16).padStart(12, "0");
    const deps: TriggerDeps = {
      ...{ journal, definitions, tasks, newId, portalUrl: "http://portal" },
      ownPipelines: this.#ownPipelines(memory),
      admitTriggered: openTriggerLimit(clock, 100),
    };
    const triggers = openTriggers({ ...deps, monotonicMs: clock.monotonicMs });
    return { triggers, tasks, definitions, deps };
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
