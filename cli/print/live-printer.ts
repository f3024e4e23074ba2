// Prints a task while it runs, one line per step.

import { duration } from "@gantry/core/task/messages.ts";
import { STATE_LOOKS, type State } from "@gantry/core/task/states.ts";
import { truncate } from "@gantry/core/truncate.ts";
import { visibleText } from "@gantry/core/visible-text.ts";
import type { FeedEvent, TaskView } from "@gantry/wire/agent/views.ts";
import type { Io } from "../io.ts";
import { paint } from "./colour.ts";

const COLOURS = {
  grey: "gray",
  amber: "yellow",
  blue: "blue",
  green: "green",
  red: "red",
  orange: "yellow",
  faint: "gray",
  violet: "magenta",
} as const;

/** Conditions may be long. */
const MOST_REASON = 100;

export class LivePrinter {
  readonly #io: Io;
  readonly #titles = new Map<string, string>();
  readonly #sites = new Map<string, string>();
  /** What each job or step waits for, as printed last: a step reports it again at every try. */
  readonly #waits = new Map<string, string>();

  /** Why the last attempt of a job ended badly. */
  readonly #failures = new Map<string, string>();

  constructor(io: Io, task: TaskView) {
    this.#io = io;
    io.stdout(`→ ${task.title}   ${task.id}\n`);
    this.#addTitles(task);
  }

  show(event: FeedEvent): void {
    const fact = event.data.event as {
      kind: string;
      job?: string;
      step?: string;
      outcome?: State;
      durationMs?: number;
      reason?: string;
      text?: string;
      question?: string;
      answer?: string;
      by?: string;
      failure?: { message: string };
      notBefore?: number;
      jobs?: { key: string; site: string }[];
    };
    if (fact.kind === "JobExpanded") for (const { key, site } of fact.jobs ?? []) this.#sites.set(key, site);
    if (fact.kind === "StepEnded" && fact.outcome)
      this.#step({ job: fact.job ?? "", step: fact.step ?? "" }, fact.outcome, fact.durationMs ?? 0, fact.reason);
    if (fact.kind === "AttemptEnded" && fact.failure) this.#failures.set(fact.job ?? "", fact.failure.message);
    if (fact.kind === "JobReady" && fact.notBefore !== undefined) this.#again(fact.job ?? "");
    if (fact.kind === "JobWaiting") this.#wait(fact.job ?? "", undefined, fact.text ?? "");
    if (fact.kind === "JobGated") this.#wait(fact.job ?? "", undefined, fact.text ?? "");
    if (fact.kind === "ApprovalRequested") this.#wait(fact.job ?? "", undefined, fact.question ?? "");
    if (fact.kind === "ApprovalAnswered") {
      const said = fact.answer === "reject" ? "rejected" : "approved";
      const why = fact.reason === undefined ? "" : `: ${fact.reason}`;
      this.#line(fact.answer === "reject" ? "failed" : "succeeded", fact.job ?? "", `${fact.by} ${said} it${why}`);
    }
    if (fact.kind === "StepWaiting") this.#wait(fact.job ?? "", fact.step, fact.reason ?? "");
    if (fact.kind === "StepRetrying") this.#wait(fact.job ?? "", fact.step, fact.failure?.message ?? "");
    if (fact.kind === "JobSkipped") this.#line("skipped", fact.job ?? "", fact.reason ?? "");
    if (fact.kind === "AttemptLost") this.#line("errored", fact.job ?? "", `lost: ${fact.reason ?? ""}`);
    if (fact.kind === "JobHeld") this.#line("held", fact.job ?? "", fact.reason ?? "");
  }

  end(task: TaskView): void {
    this.#paint(`${this.#glyph(task.state)} ${visibleText(task.headline)}\n`);
    const { failure } = task;
    if (failure?.why) this.#io.stdout(`  ${failure.why}\n`);
    // The sentence before may quote this line of the log.
    if (failure?.line && !failure.why?.includes(failure.line)) this.#io.stdout(`  │ ${failure.line}\n`);
    if (failure?.todo) this.#io.stdout(`  ${failure.todo}\n`);
    this.#io.stdout("\n");
  }

  #addTitles(task: TaskView): void {
    for (const job of task.jobs) {
      this.#sites.set(job.key, job.site);
      for (const step of job.steps) this.#titles.set(`${job.id} ${step.id}`, step.title);
    }
  }

  #wait(job: string, step: string | undefined, reason: string): void {
    const place = `${job} ${step ?? ""}`;
    if (reason === "" || this.#waits.get(place) === reason) return;
    this.#waits.set(place, reason);
    this.#line("waiting", job, `${step === undefined ? "" : `${this.#titleOf(job, step)} `}waits: ${reason}`);
  }

  #titleOf(job: string, step: string): string {
    return this.#titles.get(`${job.replace(/\[.*$/, "")} ${step}`) ?? step;
  }

  /** Another attempt of a job follows one that has ended badly. */
  #again(job: string): void {
    const problem = this.#failures.get(job);
    if (problem !== undefined) this.#line("waiting", job, `is tried again: ${problem}`);
  }

  /** `reason`: why it was skipped. */
  #step({ job, step }: { job: string; step: string }, outcome: State, ms: number, reason: string | undefined): void {
    const title = this.#titleOf(job, step);
    const said =
      outcome === "skipped" && reason !== undefined ? visibleText(truncate(reason, MOST_REASON)) : duration(ms);
    this.#line(outcome, job, title, paint(this.#io, "gray", said));
  }

  /** `painted`: text of ours behind it. */
  #line(state: State, job: string, text: string, painted?: string): void {
    const site = this.#sites.get(job) ?? "";
    const shown = visibleText(`${`${site} ${job}`.padEnd(24)} ${text}`);
    this.#paint(`  ${this.#glyph(state)} ${shown}${painted === undefined ? "" : `  ${painted}`}\n`);
  }

  #paint(text: string): void {
    (this.#io.painted ?? this.#io.stdout)(text);
  }

  #glyph(state: State): string {
    const { glyph, hue } = STATE_LOOKS[state];
    return paint(this.#io, COLOURS[hue], glyph);
  }
}
