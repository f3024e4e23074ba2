// Steps that misbehave, for tests of worker threads.

import type { JsonObject } from "@gantry/core/json.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { type AnyStep, defineStep, NO_RETRY, type StepContext, stepBook } from "@gantry/core/step/step.ts";
import { z } from "zod";

const input = z.strictObject({ ms: z.number().default(0), text: z.string().default("") });
type Context = StepContext<z.output<typeof input>>;

function step(name: string, run: (context: Context) => Promise<object>): AnyStep {
  return defineStep({
    name: `test/${name}`,
    title: name,
    input: input as z.ZodType<z.output<typeof input>>,
    output: z.record(z.string(), z.json()) as z.ZodType<JsonObject>,
    needs: [],
    effects: ["put"],
    retry: NO_RETRY,
    timeoutMs: 30_000,
    plan: async () => [],
    run: async (context) => succeeded((await run(context as Context)) as Record<string, string>),
  }) as AnyStep;
}

/** Waits long enough for a line to reach its file, also on a busy machine. */
function written(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 400));
}

function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

export const STEPS = stepBook([
  step("say", async ({ log, input: { text } }) => {
    log(text);
    return { said: text };
  }),
  step("spin", async ({ log, input: { ms } }) => {
    log("spinning");
    // The line must be on its way before the thread is blocked.
    await written();
    spin(ms);
    return {};
  }),
  step("block", async ({ exec, log }) => {
    exec(["sleep", "300"]).catch(() => log("the program was stopped"));
    log("on");
    // The line must be on its way before the thread is blocked for ever.
    await written();
    for (;;);
  }),
  // Blocks the thread like `block`, but uses no CPU time.
  step("stuck", async ({ log }) => {
    log("on");
    await written();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    return {};
  }),
  step("eat", async () => {
    const kept: object[] = [];
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, n) => ({ n })));
  }),
  step("forget", async ({ input: { text } }) => {
    setTimeout(() => {
      throw new Error(`forgotten ${text}`);
    }, 10);
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    return {};
  }),
  step("deaf", async () => new Promise(() => {})),
  step("put", async ({ effect, input: { text } }) =>
    effect({
      name: "put",
      what: `put ${text}`,
      probe: async () => undefined,
      perform: async (key) => ({ key, text }),
    }),
  ),
]);
