// Steps that misbehave, for tests of worker threads. A step that blocks its thread does so when the test creates a file,
// so that the test has seen before what it wants to see; nothing depends on how fast the machine is.

import { existsSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "@gantry/core/json.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { type AnyStep, defineStep, NO_RETRY, type StepContext, stepBook } from "@gantry/core/step/step.ts";
import { z } from "zod";

const input = z.strictObject({ text: z.string().default("") });
type Context = StepContext<z.output<typeof input>>;

function step(name: string, run: (context: Context) => Promise<object>): AnyStep {
  return defineStep({
    name: `test/${name}`,
    title: name,
    input: input as z.core.$ZodType<z.output<typeof input>>,
    output: z.record(z.string(), z.json()) as z.core.$ZodType<JsonObject>,
    needs: [],
    acts: () => [],
    effects: ["put"],
    retry: NO_RETRY,
    timeoutMs: 30_000,
    plan: async () => [],
    run: async (context) => succeeded((await run(context as Context)) as Record<string, string>),
  }) as AnyStep;
}

/** A file in the data folder of the runner. */
function fileOf({ workspace }: Pick<Context, "workspace">, name: string): string {
  return join(workspace, "../../..", name);
}

/** Resolves when the test has created the file `go`; then says by the file `blocked` that the thread will not answer now. */
async function untilGo(context: Context): Promise<void> {
  const go = fileOf(context, "go");
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (!existsSync(go)) return;
      watcher.close();
      resolve();
    };
    const watcher = watch(fileOf(context, "."), look);
    look();
  });
  writeFileSync(fileOf(context, "blocked"), "");
}

/** Blocks the thread without using it. */
function block(ms?: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

export const STEPS = stepBook([
  step("say", async ({ log, input: { text } }) => {
    log(text);
    return { said: text };
  }),
  // Blocks the thread until the test creates the file `stop`.
  step("hold", async (context) => {
    context.log("holding");
    await untilGo(context);
    while (!existsSync(fileOf(context, "stop"))) block(5);
    return {};
  }),
  step("block", async (context) => {
    const { exec, log } = context;
    exec(["sleep", "300"]).catch(() => log("the program was stopped"));
    log("on");
    await untilGo(context);
    for (;;);
  }),
  // Blocks the thread like `block`, but uses no CPU time.
  step("stuck", async (context) => {
    context.log("on");
    await untilGo(context);
    block();
    return {};
  }),
  step("eat", async () => {
    const kept: object[] = [];
    for (;;) kept.push(Array.from({ length: 10_000 }, (_, n) => ({ n })));
  }),
  step("forget", async ({ input: { text } }) => {
    setImmediate(() => {
      throw new Error(`forgotten ${text}`);
    });
    return new Promise(() => {});
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
