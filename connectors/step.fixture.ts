// A test bench for steps. It acts as the runner of one job, with real fetch, real programs and a real workspace, and keeps
// permits as the agent does. A test may crash it before or after a change and run the same step again.

import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import { otherSiteOf, type System, type SystemKind, type SystemOf } from "@gantry/core/site/systems.ts";
import { failureOf, type StepOutcome } from "@gantry/core/step/outcome.ts";
import type { Exec, OfSite, RunEffect, Step, StepContext, TaskFacts } from "@gantry/core/step/step.ts";
import { z } from "zod";

/** One change that the bench has permitted. */
export type Permit = { readonly what: string; readonly end: "unknown" | "done"; readonly result?: JsonObject };

/** Where the next run stops as in a power failure: before the change, or after it but before it is recorded. */
export type CrashPoint = { readonly effect: string; readonly when: "before-perform" | "after-perform" };

/** Thrown at a crash point. */
export class Crash extends Error {}

export type Started = {
  readonly argv: readonly string[];
  readonly confined: boolean;
  readonly env: Readonly<Record<string, string>>;
};

type BenchStep<I, O, K extends SystemKind> = Step<I, O, K>;

export type RunLimits = {
  readonly limitMs?: number;
  readonly retries?: number;
  /** Runs a waiting step again after at most this time, whatever the step asks for. */
  readonly maxPauseMs?: number;
};

export type StepBench = {
  readonly workspace: string;
  readonly home: string;
  readonly cache: string;
  /** By effect key; the same key in every run of the same task. */
  readonly permits: Map<string, Permit>;
  /** What the steps logged. */
  readonly lines: string[];
  /** Reasons of the `waiting` outcomes of all runs. */
  readonly reasons: string[];
  /** Resolves as soon as a run waits for this reason, or has waited for it. */
  waited(reason: string): Promise<void>;
  /** The programs that the steps started, each with its environment. */
  readonly programs: Started[];
  readonly task: TaskFacts;
  /** Crashes the next run that reaches this point, once. */
  crashAt(point: CrashPoint): void;
  /** One call of `run`, as the runner makes it. Errors that are expected become outcomes; bugs and crashes are thrown. */
  once<I, O, K extends SystemKind>(step: BenchStep<I, O, K>, input: unknown, memo?: JsonValue): Promise<StepOutcome<O>>;
  /** Calls `run` until it ends: waits as long as it asks for (at most `limitMs`, default 60 s), and repeats retryable errors. */
  run<I, O, K extends SystemKind>(
    step: BenchStep<I, O, K>,
    input: unknown,
    options?: RunLimits,
  ): Promise<StepOutcome<O>>;
  plan<I, O, K extends SystemKind>(step: BenchStep<I, O, K>, input: unknown): Promise<readonly string[]>;
  undo<I, O, K extends SystemKind>(step: BenchStep<I, O, K>, input: unknown, output: O): Promise<void>;
  /** What an interrupted run of this task has made, as an undo looks for it. `result`: of its effect, if its end is known. */
  find<I, O, K extends SystemKind>(step: BenchStep<I, O, K>, input: unknown, result?: JsonObject): Promise<O | string>;
  /** Another task on the same site: no permits, an empty log, the same systems and folders. */
  nextTask(facts?: Partial<TaskFacts>): void;
  /** Aborts what runs and removes the folders. */
  close(): Promise<void>;
};

/** A clock that advances a second per reading, so that tests do not wait for a system that may be starting. */
export function fastClock(): () => number {
  let nowMs = Date.now();
  return () => {
    nowMs += 1_000;
    return nowMs;
  };
}

/** Opens a bench at a site that has these systems. */
export async function openBench(options: {
  readonly systems: readonly System[];
  readonly task?: Partial<TaskFacts>;
  readonly fetch?: typeof fetch;
  /** Default: every host may be called. */
  readonly checkHost?: (host: string) => Promise<void>;
  /** Folders before the PATH of the test. */
  readonly path?: readonly string[];
  /** The clock that steps read, ms since 1970; default: the machine's. */
  readonly nowMs?: () => number;
  /** Default: everything may be used. */
  readonly require?: StepContext<unknown>["require"];
  readonly checkoutLimits?: StepContext<unknown>["checkoutLimits"];
  /** For every run that does not say otherwise. */
  readonly limits?: RunLimits;
}): Promise<StepBench> {
  const folder = await mkdtemp(join(tmpdir(), "gantry-bench-"));
  const [workspace, home, cache] = [join(folder, "work"), join(folder, "home"), join(folder, "cache")];
  await mkdir(workspace);
  await mkdir(home, { mode: 0o700 });
  await mkdir(cache);
  const abort = new AbortController();
  const permits = new Map<string, Permit>();
  const lines: string[] = [];
  const reasons: string[] = [];
  const waiters: { readonly reason: string; readonly resolve: () => void }[] = [];
  const programs: Started[] = [];
  let task = factsOf(options.task);
  let tasks = 1;
  let crash: CrashPoint | undefined;

  const crashIf = (effect: string, when: CrashPoint["when"]): void => {
    if (crash?.effect !== effect || crash.when !== when) return;
    crash = undefined;
    throw new Crash(`crash of the bench at ${effect}, ${when}`);
  };
  const contextOf = <I, K extends SystemKind>(step: BenchStep<I, never, K>, input: unknown, memo?: JsonValue) => {
    const context: StepContext<I, K> = {
      input: parseInput(step, input),
      memo,
      task: { ...task, step: step.name },
      workspace,
      home,
      cache,
      system: (kind, which) => pickSystem(step, options.systems, task.site, kind, which),
      log: (line) => void lines.push(line),
      failingLine: () => lines.findLast((line) => /error|fail/i.test(line)),
      environment: { PATH: [...(options.path ?? []), process.env.PATH ?? ""].join(delimiter) },
      exec: execIn({ workspace, home, path: options.path ?? [], signal: abort.signal, lines, programs }),
      checkoutLimits: options.checkoutLimits ?? { mb: 1_024, files: 100_000 },
      require: options.require ?? (() => {}),
      artifacts: NO_ARTIFACTS,
      caches: NO_CACHES,
      effect: effectOf(step, task, permits, crashIf),
      fetch: options.fetch ?? fetch,
      checkHost: options.checkHost ?? (async () => {}),
      signal: abort.signal,
      nowMs: options.nowMs ?? Date.now,
    };
    return context;
  };
  const once: StepBench["once"] = async (step, input, memo) => {
    try {
      const outcome = await step.run(contextOf(step as never, input, memo));
      if (outcome.kind === "waiting") {
        reasons.push(outcome.reason);
        for (const { reason, resolve } of waiters) if (reason === outcome.reason) resolve();
      }
      return outcome.kind === "succeeded" ? { ...outcome, output: z.parse(step.output, outcome.output) } : outcome;
    } catch (error) {
      if (!(error instanceof GantryError)) throw error;
      return { kind: "errored", failure: failureOf(error), retryable: "retryable" in error.entry };
    }
  };
  const run: StepBench["run"] = async (step, input, limits = {}) => {
    const { limitMs = 60_000, retries = 0, maxPauseMs = Number.POSITIVE_INFINITY } = { ...options.limits, ...limits };
    const endMs = Date.now() + limitMs;
    let left = retries;
    let memo: JsonValue | undefined;
    for (;;) {
      const outcome = await once(step, input, memo);
      if (outcome.kind === "errored" && outcome.retryable && left > 0) {
        left -= 1;
        await wait(20, undefined, { signal: abort.signal });
        continue;
      }
      if (outcome.kind !== "waiting") return outcome;
      const pauseMs = Math.min(outcome.retryAfterMs, maxPauseMs);
      if (Date.now() + pauseMs > endMs) return outcome;
      memo = outcome.memo;
      await wait(pauseMs, undefined, { signal: abort.signal });
    }
  };
  return {
    workspace,
    home,
    cache,
    permits,
    lines,
    reasons,
    waited: (reason) =>
      reasons.includes(reason) ? Promise.resolve() : new Promise((resolve) => void waiters.push({ reason, resolve })),
    programs,
    get task() {
      return task;
    },
    crashAt: (point) => {
      crash = point;
    },
    once,
    run,
    plan: (step, input) => step.plan(contextOf(step as never, input)),
    undo: async (step, input, output) => {
      if (!step.undo) throw new Error(`${step.name} cannot be undone`);
      await step.undo.remove(contextOf(step as never, input), output);
    },
    find: async (step, input, result) => {
      if (!step.undo) throw new Error(`${step.name} cannot be undone`);
      return step.undo.find(contextOf(step as never, input), result);
    },
    nextTask: (facts) => {
      tasks += 1;
      task = factsOf({ ...task, id: `t${tasks}`, url: `https://portal.example/tasks/t${tasks}`, ...facts });
      permits.clear();
      lines.length = 0;
      reasons.length = 0;
    },
    close: async () => {
      abort.abort(new Error("the bench is closed"));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const noArtifacts = async (): Promise<never> => {
  throw new Error("the bench has no artifacts");
};
const NO_ARTIFACTS = { save: noArtifacts, download: noArtifacts };
const NO_CACHES = { save: noArtifacts, restore: noArtifacts };

function factsOf(facts: Partial<TaskFacts> = {}): TaskFacts {
  return {
    id: "t1",
    pipeline: "cd",
    app: "orders",
    job: "deploy",
    step: "step",
    site: "seoul",
    requestedBy: "kim",
    requestedAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    url: "https://portal.example/tasks/t1",
    ...facts,
  };
}

function parseInput<I>(step: Pick<Step<I>, "name" | "input">, input: unknown): I {
  const parsed = z.safeParse(step.input, input);
  if (parsed.success) return parsed.data;
  const problem = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("; ");
  throw new GantryError("bad-input", { step: step.name, problem });
}

function pickSystem<T extends SystemKind>(
  step: { readonly name: string; readonly needs: readonly SystemKind[] },
  systems: readonly System[],
  site: string,
  kind: T,
  which: string | OfSite | undefined,
): SystemOf<T> {
  if (!step.needs.includes(kind))
    throw new Error(`${step.name} asks for a ${kind} system that it does not list in needs`);
  const found = systems.filter(
    (one) => one.kind === kind && (typeof which === "string" ? one.name === which : otherSiteOf(one) === which?.ofSite),
  );
  const [only] = found;
  if (only && found.length === 1) return only as SystemOf<T>;
  const name = which === undefined ? "" : ` ${typeof which === "string" ? which : which.ofSite}`;
  throw new GantryError("system-missing", { site, kind, name, step: step.name });
}

function effectOf(
  step: { readonly name: string; readonly effects: readonly string[] },
  task: TaskFacts,
  permits: Map<string, Permit>,
  crashIf: (effect: string, when: CrashPoint["when"]) => void,
): RunEffect {
  return async ({ name, ordinal = 0, what, probe, perform }) => {
    if (!step.effects.includes(name)) throw new Error(`${step.name} does not list its effect ${name}`);
    const key = `${task.id}/${task.job}/${step.name}/${name}/${ordinal}`;
    const permit = permits.get(key);
    if (permit?.end === "done") return permit.result as Awaited<ReturnType<typeof perform>>;
    permits.set(key, { what, end: "unknown" });
    let result = permit ? await probe(key) : undefined;
    if (result === undefined) {
      crashIf(name, "before-perform");
      result = await perform(key);
      crashIf(name, "after-perform");
    }
    permits.set(key, { what, end: "done", result: JSON.parse(JSON.stringify(result)) as JsonObject });
    return result;
  };
}

type Place = {
  readonly workspace: string;
  readonly home: string;
  readonly path: readonly string[];
  readonly signal: AbortSignal;
  readonly lines: string[];
  readonly programs: Started[];
};

function execIn({ workspace, home, path, signal, lines, programs }: Place): Exec {
  return ([program, ...argv], { cwd, env, input, stdout = "log", onLine, confined = false } = {}) =>
    new Promise((resolve, reject) => {
      programs.push({ argv: [program, ...argv], confined: confined !== false, env: { HOME: home, ...env } });
      const child = spawn(program, argv, {
        cwd: cwd ?? workspace,
        env: { PATH: [...path, process.env.PATH ?? ""].join(delimiter), HOME: home, ...env },
        signal,
        stdio: ["pipe", "pipe", "pipe"],
      });
      const [out, err]: [Buffer[], Buffer[]] = [[], []];
      child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
      child.stderr.on("data", (chunk: Buffer) => err.push(chunk));
      child.on("error", (error: NodeJS.ErrnoException) =>
        reject(error.code === "ENOENT" ? new GantryError("program-missing", { program }) : error),
      );
      child.on("close", (code, killedBy) => {
        const [text, complaints] = [Buffer.concat(out).toString("utf8"), Buffer.concat(err).toString("utf8")];
        lines.push(...`${stdout === "log" ? text : ""}${complaints}`.split("\n").filter((line) => line !== ""));
        for (const line of `${text}${complaints}`.split("\n")) if (line !== "") onLine?.(line);
        resolve({ exitCode: code ?? -1, signal: killedBy, stdout: stdout === "capture" ? text : "" });
      });
      child.stdin.on("error", (error: NodeJS.ErrnoException) => {
        // The program ended without reading its input. Its exit code says what that means.
        if (error.code !== "EPIPE") reject(error);
      });
      child.stdin.end(input ?? "");
    });
}
