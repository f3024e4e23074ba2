// The one step of the simulated pipelines: it works, waits, fails, ignores a stop for a while, and changes the outside system
// through `context.effect` like the shipped steps. It reports to the observer, which detects overlaps.

import { GantryError } from "@gantry/core/errors.ts";
import { failed, succeeded, waiting } from "@gantry/core/step/outcome.ts";
import { type AnyStep, defineStep, type StepContext } from "@gantry/core/step/step.ts";
import { z } from "zod";
import type { StepObserver } from "../invariants/step-observer.ts";
import type { Process } from "../machine/process.ts";
import type { Random } from "../machine/random.ts";
import { type StepInput, stepInput } from "../plan/step-input.ts";

type Context = StepContext<StepInput>;

/** Timeout of a request to the outside system. */
const DEADLINE_MS = 20_000;

export function simStep(process: Process, random: Random, observer: StepObserver): AnyStep {
  return defineStep<StepInput, { n: number }>({
    name: "sim/do",
    title: "Do something",
    input: stepInput,
    output: z.object({ n: z.number() }),
    needs: [],
    acts: () => [],
    effects: ["change"],
    retry: { max: 3, delayMs: 1_000, maxDelayMs: 10_000 },
    timeoutMs: 3_600_000,
    plan: async () => [],
    run: async (context) => {
      const leave = observer.enter(process, context);
      try {
        return await run(process, random, observer, context);
      } finally {
        leave();
      }
    },
  }) as AnyStep;
}

async function run(process: Process, random: Random, observer: StepObserver, context: Context) {
  const { input, memo } = context;
  const waited = typeof memo === "number" ? memo : 0;
  for (let line = 0; line < input.lines; line += 1) context.log(`line ${line} of ${context.task.step}, ${waited}`);
  if (waited < input.waits) return waiting("the outside system is not ready", input.waitMs, waited + 1);
  await work(process, context, input.workMs / 2);
  for (let ordinal = 0; ordinal < input.effects; ordinal += 1) {
    const thing = thingOf(context, ordinal);
    await context.effect({
      name: "change",
      ordinal,
      what: `change ${thing}`,
      probe: async (key) => {
        const { done } = await look(process, context, thing, key);
        observer.probed(key, done);
        return done ? { thing } : undefined;
      },
      perform: (key) => {
        observer.performs(process, context, key);
        return change(process, context, { thing, key, what: whatOf(context, ordinal) });
      },
    });
  }
  if (random.chance(input.flaky))
    throw new GantryError("unavailable", { what: "The outside system", problem: "A transient error." });
  if (random.chance(input.fail)) return failed<{ n: number }>({ code: "red", message: "The check is red." });
  await work(process, context, input.workMs / 2);
  return succeeded({ n: input.effects });
}

/** Things that are replaced are shared by all tasks of a pipeline, like a yaml repository. */
function thingOf(context: Context, ordinal: number): string {
  return context.input.target === "replace" ? `${context.task.pipeline}-${ordinal}` : whatOf(context, ordinal);
}

function whatOf({ task }: Context, ordinal: number): string {
  return `${task.id}/${task.job}/${task.step}/${ordinal}`;
}

async function change(
  process: Process,
  context: Context,
  { thing, key, what }: { thing: string; key: string; what: string },
): Promise<{ thing: string }> {
  if (context.input.target === "add") {
    await ask(process, context, "add", { name: thing, key, what });
    return { thing };
  }
  for (let tries = 0; tries < 6; tries += 1) {
    const { version, done } = await look(process, context, thing, key);
    if (done) return { thing };
    const how = context.input.target;
    const answer = await ask(process, context, how, { name: thing, key, version, what });
    if (answer.ok) return { thing };
  }
  throw new GantryError("unavailable", { what: thing, problem: "Another change was faster six times." });
}

async function look(
  process: Process,
  context: Context,
  name: string,
  key: string,
): Promise<{ version: number; done: boolean }> {
  const answer = await ask(process, context, "look", { name, key });
  return JSON.parse(answer.text) as { version: number; done: boolean };
}

async function ask(
  process: Process,
  context: Context,
  path: string,
  body: object,
): Promise<{ ok: boolean; text: string }> {
  const late = new AbortController();
  const cancel = process.clock.after(DEADLINE_MS, () => late.abort(new Error("late")));
  try {
    const answer = await context.fetch(`http://outside/${path}`, {
      method: "POST",
      body: JSON.stringify(body),
      signal: late.signal,
    });
    if (!answer.ok && answer.status !== 409) throw new Error(`status ${answer.status}`);
    let text = "";
    for await (const chunk of answer.body ?? []) text += Buffer.from(chunk).toString("utf8");
    return { ok: answer.ok, text };
  } catch (error) {
    context.signal.throwIfAborted();
    throw new GantryError("unavailable", { what: "The outside system", problem: String(error) });
  } finally {
    cancel();
  }
}

/** Work that stops when the signal is aborted, or `stubbornMs` later. */
function work(process: Process, { signal, input }: Context, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      if (input.stubbornMs === 0) reject(signal.reason);
      else process.clock.after(input.stubbornMs, () => reject(signal.reason));
    };
    const cancel = process.clock.after(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop, { once: true });
  });
}
