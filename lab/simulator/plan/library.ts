// Random pipelines: graphs of 1 to 10 jobs with a few steps each, covering every kind that the engine treats differently.

import { unfitApp } from "@gantry/core/child/child-set.ts";
import type { Concurrency, Job, Pipeline, StepSpec } from "@gantry/core/pipeline/pipeline.ts";
import { PRIORITIES } from "@gantry/core/task/priority.ts";
import type { Definitions } from "@gantry/task-agent/tasks/definitions.ts";
import type { Random } from "../machine/random.ts";
import type { StepInput } from "./step-input.ts";

export const SITES = ["north", "south"] as const;

/** Where jobs may run: a site, and the labels of a runner there. */
export type Place = { readonly site: string; readonly labels: readonly string[] };
export const LABEL = "big";

/** Probabilities of the properties of jobs, steps and pipelines. */
export type Workload = {
  readonly strict: number;
  readonly retrySafe: number;
  /** A step takes minutes. */
  readonly long: number;
  /** A step takes nearly no time. */
  readonly short: number;
  readonly effects: number;
  readonly fail: number;
  /** `big`: a pipeline has many jobs. `group`: its tasks run one after the other. */
  readonly big: number;
  readonly group: number;
};
export const USUAL_WORKLOAD: Workload = {
  strict: 0.4,
  retrySafe: 0.7,
  long: 0.03,
  short: 0,
  effects: 0.5,
  fail: 0.08,
  big: 0.2,
  group: 0.25,
};

/** What the invariants must know about a job. */
export type JobRules = Pick<Job, "mode" | "retrySafe" | "wait">;

/** Of every concurrency group of jobs. */
export const JOB_LIMIT = 2;

/** The app that the plans with an app build and deploy. */
export const APP = "shop";

export type Library = {
  readonly names: readonly string[];
  /** The app that a request for the pipeline names. */
  readonly appOf: (pipeline: string) => string | undefined;
  readonly definitions: Definitions;
  /** `job`: the key of the job. */
  readonly rules: (pipeline: string, job: string) => JobRules;
  /** How many tasks of one group may run at the same time. */
  readonly limitOf: (pipeline: string) => number;
};

export function makeLibrary(random: Random, places: readonly Place[], workload: Workload): Library {
  const builds = random.fork("builds");
  const plain = Array.from({ length: random.int(2, 5) }, (_, index) =>
    makePipeline(random, places, workload, `p${index}`),
  );
  // In a third of the seeds there is an app. Its pipelines are those of the other seeds, so the rest stays the same.
  const built = builds.chance(0.35) ? plain.map((one, index) => withBuild(builds, one, index)) : plain;
  const pipelines = withChildren(random.fork("children"), built);
  const byName = new Map(
    pipelines.map((pipeline) => [pipeline.name, { pipeline, version: `sha256:${pipeline.name}` }]),
  );
  const find = (name: string): Pipeline => {
    const known = byName.get(name.replace("sha256:", ""));
    if (!known) throw new Error(`no pipeline ${name}`);
    return known.pipeline;
  };
  return {
    names: pipelines.map(({ name }) => name),
    appOf: (name) => (find(name).app === "existing" ? APP : undefined),
    definitions: {
      list: () => [...byName.values()],
      current: (name) => byName.get(name),
      pinned: async (version) => find(version),
      steps: [],
    },
    limitOf: (pipeline) => find(pipeline).concurrency?.limit ?? 1,
    rules: (pipeline, key) => {
      const { jobs, finally: last } = find(pipeline);
      const job = [...jobs, ...last].find(({ id }) => id === key.replace(/\[.*$/, ""));
      if (!job) throw new Error(`no job ${key} in ${pipeline}`);
      return job;
    },
  };
}

function makePipeline(random: Random, places: readonly Place[], workload: Workload, name: string): Pipeline {
  const count = random.chance(workload.big) ? random.int(4, 9) : random.int(1, 3);
  const jobs: Job[] = [];
  for (let index = 0; index < count; index += 1) {
    const earlier = jobs.map(({ id }) => id);
    const needs = earlier.filter(() => random.chance(index < 4 ? 0.6 : 0.25));
    jobs.push(makeJob(random, places, workload, `j${index}`, needs));
  }
  return {
    name,
    title: name,
    summary: "",
    button: `Run ${name}`,
    app: "none",
    params: { type: "object", properties: {}, required: [], additionalProperties: false },
    concurrency: random.chance(workload.group) ? makeGroup(random, name) : undefined,
    priority: PRIORITIES[numberOf(name) % PRIORITIES.length] ?? "normal",
    jobs: withJobGroup(jobs, numberOf(name)),
    finally: random.chance(0.4) ? [makeJob(random, places, workload, "last", [])] : [],
    outputs: {},
    remember: {},
  };
}

/** The first one makes builds, the second one deploys them; each of the others does one of both, or nothing. */
function withBuild(random: Random, pipeline: Pipeline, index: number): Pipeline {
  const does = index < 2 ? index : random.int(0, 2);
  if (does > 1) return pipeline;
  const params = pipeline.params;
  const properties = { build: { type: "string", default: "", "x-ui": "build" } } as const;
  const image = { name: APP, repository: APP, image: APP, digest: `sha256:${"a".repeat(64)}` };
  if (does === 0) return { ...pipeline, app: "existing", build: { commit: "c0ffee", branch: "main", images: [image] } };
  const jobs = pipeline.jobs.map((job) => ({ ...job, deploys: `${job.site}` }));
  return { ...pipeline, app: "existing", params: { ...params, properties }, jobs };
}

/** In a third of the seeds some pipelines run the next one, so that none leads back to itself. */
function withChildren(random: Random, pipelines: readonly Pipeline[]): readonly Pipeline[] {
  if (!random.chance(0.35)) return pipelines;
  return pipelines.map((one, index) => {
    const next = pipelines[index + 1];
    if (!next || unfitApp(one, next) !== undefined || !random.chance(0.6)) return one;
    const [first] = one.jobs;
    const needs = first && random.chance(0.5) ? [first.id] : [];
    const waits = random.chance(0.8) ? {} : { wait: false as const };
    return { ...one, jobs: [...one.jobs, { ...CHILD_JOB, needs, pipeline: next.name, ...waits }] };
  });
}

const CHILD_JOB: Job = {
  ...{
    id: "child",
    title: "child",
    needs: [],
    site: "",
    labels: [],
    each: undefined,
    matrix: undefined,
    when: undefined,
  },
  ...{
    timeoutMs: 60_000,
    retry: { max: 0, delayMs: 0 },
    mode: "strict",
    retrySafe: true,
    env: {},
    outputs: {},
    steps: [],
  },
};

function makeGroup(random: Random, name: string): Concurrency {
  const group = `group-${name}`;
  if (!random.chance(0.7)) return { group, policy: "cancel-older" };
  return { group, policy: "queue", limit: numberOf(name) % 2 === 0 ? 1 : 2 };
}

/** Chosen without chance, so that the rest of a seed stays the same. */
function numberOf(name: string): number {
  return Number(name.slice(1));
}

/** In some pipelines, jobs of all its tasks share two places. */
function withJobGroup(jobs: readonly Job[], number: number): readonly Job[] {
  if (number % 3 !== 1) return jobs;
  const concurrency = { group: `jobs-${number}`, policy: "queue", limit: JOB_LIMIT } as const;
  return jobs.map((job, index) => (index % 2 === 0 ? { ...job, concurrency } : job));
}

function makeJob(
  random: Random,
  places: readonly Place[],
  workload: Workload,
  id: string,
  needs: readonly string[],
): Job {
  const strict = random.chance(workload.strict);
  const { site, labels } = random.pick(places);
  return {
    id,
    title: id,
    needs,
    site,
    labels: random.chance(0.2) ? labels : [],
    each: random.chance(0.1) ? ["a", "b"] : undefined,
    matrix: undefined,
    when: random.chance(0.1) ? "status != 'canceled'" : undefined,
    timeoutMs: random.chance(0.9) ? 3_600_000 : random.int(20_000, 60_000),
    retry: random.chance(0.4) ? { max: random.int(1, 3), delayMs: random.int(0, 20_000) } : { max: 0, delayMs: 0 },
    mode: strict ? "strict" : "lenient",
    retrySafe: random.chance(workload.retrySafe),
    env: {},
    outputs: random.chance(0.2) ? { n: "${{ steps.s0.outputs.n }}" } : {},
    steps: Array.from({ length: random.int(1, 3) }, (_, index) => makeStep(random, workload, `s${index}`)),
  };
}

function makeStep(random: Random, workload: Workload, id: string): StepSpec {
  const stepInput: StepInput = {
    workMs: workMs(random, workload),
    waits: random.chance(0.15) ? random.int(1, 3) : 0,
    waitMs: random.int(100, 10_000),
    effects: random.chance(workload.effects) ? random.int(1, 2) : 0,
    target: random.pick(["create", "replace", "add"]),
    flaky: random.chance(0.2) ? 0.4 : 0,
    fail: random.chance(workload.fail) ? 0.5 : 0,
    stubbornMs: random.chance(0.2) ? 1_500 : 0,
    lines: random.chance(0.5) ? random.int(1, 3) : 0,
  };
  return {
    id,
    title: id,
    when: random.chance(0.05) ? "status == 'failed' || status == 'canceled'" : undefined,
    timeoutMs: random.chance(0.05) ? random.int(5_000, 60_000) : undefined,
    env: {},
    action: { kind: "uses", uses: "sim/do", with: stepInput },
  };
}

function workMs(random: Random, workload: Workload): number {
  if (random.chance(workload.long)) return random.int(20_000, 180_000);
  return random.chance(workload.short) ? random.int(0, 300) : random.int(0, 8_000);
}
