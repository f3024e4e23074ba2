// Given a pipeline, when these requests arrive, then these events: a small vocabulary for the tests of the task engine.

import { hash } from "node:crypto";
import type { Answerer } from "../access/approvers.ts";
import type { Environments } from "../build/environments.ts";
import type { GantryError } from "../errors.ts";
import type { Job, Pipeline } from "../pipeline/pipeline.ts";
import { type Answer, decideAnswer } from "./decide-approval.ts";
import {
  decideClaim,
  decideLateReport,
  decideLost,
  decideProgress,
  decideReport,
  decideStart,
  type Progress,
  type Report,
} from "./decide-lease.ts";
import { decideCancel, decideResolve } from "./decide-task.ts";
import { type Claimant, type Decision, holder } from "./decision.ts";
import type { TaskEvent } from "./events.ts";
import { evolve, evolveAll } from "./evolve.ts";
import type { GateFacts } from "./gate.ts";
import type { TaskState } from "./model.ts";
import { settle } from "./settle.ts";

export function job(id: string, part: Partial<Job> = {}): Job {
  return {
    id,
    title: id,
    needs: [],
    site: "seoul",
    labels: [],
    each: undefined,
    matrix: undefined,
    when: undefined,
    timeoutMs: 60_000,
    retry: { max: 0, delayMs: 0 },
    mode: "lenient",
    retrySafe: true,
    env: {},
    outputs: {},
    steps: [
      {
        id: "only",
        title: "only",
        when: undefined,
        timeoutMs: undefined,
        env: {},
        action: { kind: "uses", uses: "test/step", with: {} },
      },
    ],
    ...part,
  };
}

/** A step with a script that does nothing. */
export function scriptStep(id: string): Job["steps"][number] {
  return {
    id,
    title: id,
    when: undefined,
    timeoutMs: undefined,
    env: {},
    action: { kind: "run", run: "true", shell: "sh", workingDirectory: undefined },
  };
}

export function pipeline(jobs: readonly Job[], part: Partial<Pipeline> = {}): Pipeline {
  return {
    name: "test",
    title: "Test",
    summary: "",
    button: "Run test",
    app: "none",
    params: { type: "object", properties: {}, required: [], additionalProperties: false },
    concurrency: undefined,
    jobs,
    finally: [],
    outputs: {},
    remember: {},
    ...part,
  };
}

/** A task with a method for each command, in domain terms. Time moves only when a test moves it. */
export class TaskUnderTest {
  readonly pipeline: Pipeline;
  readonly events: TaskEvent[] = [];
  state: TaskState;
  now = 1_000;
  /** The policy in force. Setting it has no effect until the next command, or `wait`. */
  environments: Environments = {};
  #refused: GantryError | undefined;
  #fence = 100;

  constructor(
    pipelineOfTask: Pipeline,
    requested: Partial<Extract<TaskEvent, { kind: "TaskRequested" }>> = {},
    environments: Environments = {},
  ) {
    this.pipeline = pipelineOfTask;
    const first: TaskEvent = {
      kind: "TaskRequested",
      at: this.now,
      task: "t1",
      pipeline: pipelineOfTask.name,
      definition: "sha256:0",
      title: "Run test",
      appScope: {},
      params: {},
      requestedBy: "dev",
      url: "http://portal/tasks/t1",
      ...requested,
    };
    this.environments = environments;
    this.state = evolve(undefined, first);
    this.events.push(first);
    this.#add([]);
  }

  /** Facts of a kind, or of a job. */
  kinds(of?: string): string[] {
    return this.events
      .filter((event) => of === undefined || ("job" in event && event.job === of))
      .map((event) => event.kind);
  }

  phase(key: string): string {
    const one = this.state.jobs[key];
    return one ? (one.outcome ?? one.phase) : "unknown";
  }

  claimant(key: string, runner = "r1"): Claimant {
    const one = this.state.jobs[key];
    return { job: key, attempt: one?.attempt ?? 1, fence: one?.fence ?? 1, runner, site: one?.site ?? "seoul" };
  }

  claim(key: string, runner = "r1"): Claimant {
    this.#fence += 1;
    const attempt = (this.state.jobs[key]?.attempt ?? 0) + 1;
    const who = { ...this.claimant(key, runner), attempt, fence: this.#fence };
    this.decide(decideClaim(this.pipeline, this.state, { ...who, choice: "test" }, this.now));
    return who;
  }

  start(who: Claimant): void {
    this.decide(decideStart(this.state, who, this.now));
  }

  progress(who: Claimant, from: number, reported: readonly Progress[]): void {
    this.decide(decideProgress(this.state, who, from, reported, this.now));
  }

  report(who: Claimant, outcome: Report["outcome"], part: Partial<Report> = {}): void {
    const progress = this.state.jobs[who.job]?.progress ?? 0;
    const report = { outcome, outputs: {}, progress, ...part };
    const digest = JSON.stringify([report.outcome, report.outputs, report.failure]);
    this.decide(decideReport(this.pipeline, this.state, who, { digest, ...report }, this.now));
  }

  late(who: Claimant, outcome: Report["outcome"], part: Partial<Report> = {}): void {
    const report = { outcome, outputs: {}, progress: 0, digest: outcome, ...part };
    this.decide(decideLateReport(this.state, who, report, this.now));
  }

  /** Claimed, started and ended, as a runner without trouble does it. */
  run(key: string, outcome: Report["outcome"] = "succeeded", part: Partial<Report> = {}): void {
    const who = this.claim(key);
    this.start(who);
    this.report(who, outcome, part);
  }

  lose(who: Claimant): void {
    this.decide(decideLost(this.pipeline, this.state, { job: who.job, fence: who.fence, reason: "silent" }, this.now));
  }

  cancel(): void {
    this.decide(decideCancel(this.state, { by: "dev" }, this.now));
  }

  resolve(key: string, answer: "run-again" | "mark-done" | "fail", reason?: string): void {
    this.decide(decideResolve(this.state, { job: key, answer, by: "ops", reason }, this.now));
  }

  /** `plan`: default: what is asked for now. */
  answer(
    key: string,
    answer: "approve" | "reject" | "override",
    who: string | Answerer,
    part: Partial<Answer> = {},
  ): void {
    const person = typeof who === "string" ? { name: who, groups: [], roles: [] } : who;
    const plan = this.state.jobs[key]?.approval?.plan;
    const reason = answer === "approve" ? undefined : "because";
    const asked = { pipeline: this.pipeline, state: this.state, facts: this.#gates(), now: this.now };
    this.decide(decideAnswer(asked, { job: key, answer, who: person, plan, reason, ...part }));
  }

  /** The agent looks at the task after this time. */
  wait(ms: number): void {
    this.now += ms;
    this.decide({ events: settle(this.pipeline, this.state, this.now, this.#gates()) });
  }

  #gates(): GateFacts {
    return { environments: this.environments, digest: (text) => hash("sha256", text, "hex") };
  }

  /** Why the last request was refused; undefined when it was accepted. */
  refusal(): GantryError | undefined {
    return this.#refused;
  }

  holds(who: Claimant): boolean {
    return !(holder(this.state, who) instanceof Error);
  }

  decide(decision: Decision): void {
    this.#refused = decision.refuse;
    if (!decision.refuse) this.#add(decision.events);
  }

  #add(events: readonly TaskEvent[]): void {
    const changed = evolveAll(this.state, events);
    const follows = settle(this.pipeline, changed, this.now, this.#gates());
    this.state = evolveAll(changed, follows);
    this.events.push(...events, ...follows);
  }
}
