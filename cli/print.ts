// Prints a task while it runs, one line per step.

import { styleText } from "node:util";
import { duration } from "@gantry/core/task/messages.ts";
import { STATE_LOOKS, type State } from "@gantry/core/task/states.ts";
import type { FeedEvent, TaskView } from "@gantry/wire/agent/views.ts";
import type { Io } from "./io.ts";

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

export class LivePrinter {
  readonly #io: Io;
  readonly #titles = new Map<string, string>();
  readonly #sites = new Map<string, string>();

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
      jobs?: { key: string; site: string }[];
    };
    if (fact.kind === "JobExpanded") for (const { key, site } of fact.jobs ?? []) this.#sites.set(key, site);
    if (fact.kind === "StepEnded" && fact.outcome)
      this.#step(fact.job ?? "", fact.step ?? "", fact.outcome, fact.durationMs ?? 0);
    if (fact.kind === "JobSkipped") this.#line("skipped", fact.job ?? "", fact.reason ?? "");
    if (fact.kind === "AttemptLost") this.#line("errored", fact.job ?? "", `lost: ${fact.reason ?? ""}`);
    if (fact.kind === "JobHeld") this.#line("held", fact.job ?? "", fact.reason ?? "");
  }

  end(task: TaskView): void {
    this.#io.stdout(`${this.#glyph(task.state)} ${task.headline}\n`);
    const { failure } = task;
    if (failure?.why) this.#io.stdout(`  ${failure.why}\n`);
    if (failure?.line) this.#io.stdout(`  │ ${failure.line}\n`);
    if (failure?.todo) this.#io.stdout(`  ${failure.todo}\n`);
    this.#io.stdout("\n");
  }

  #addTitles(task: TaskView): void {
    for (const job of task.jobs) {
      this.#sites.set(job.key, job.site);
      for (const step of job.steps) this.#titles.set(`${job.id} ${step.id}`, step.title);
    }
  }

  #step(job: string, step: string, outcome: State, ms: number): void {
    const title = this.#titles.get(`${job.replace(/\[.*$/, "")} ${step}`) ?? step;
    this.#line(outcome, job, `${title}  ${styleText("gray", duration(ms), { validateStream: false })}`);
  }

  #line(state: State, job: string, text: string): void {
    const site = this.#sites.get(job) ?? "";
    this.#io.stdout(`  ${this.#glyph(state)} ${`${site} ${job}`.padEnd(24)} ${this.#io.tty ? text : plain(text)}\n`);
  }

  #glyph(state: State): string {
    const { glyph, hue } = STATE_LOOKS[state];
    return this.#io.tty && !this.#io.env.NO_COLOR ? styleText(COLOURS[hue], glyph) : glyph;
  }
}

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colour codes contain one.
  return text.replace(/\u001b\[[0-9;]*m/g, "");
}
