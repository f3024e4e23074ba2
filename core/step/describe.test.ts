import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { describeStep } from "./describe.ts";
import { succeeded } from "./outcome.ts";
import { type AnyStep, defineStep, NO_RETRY } from "./step.ts";

test("a step is described by what is written in `with` and what comes out", () => {
  const step = defineStep({
    name: "demo/do-it",
    title: "Do it",
    input: z.strictObject({
      count: z.int().default(3),
      url: z.string().transform((text) => new URL(text)),
    }),
    output: z.object({ done: z.boolean() }),
    needs: [],
    acts: () => [],
    effects: ["do"],
    retry: NO_RETRY,
    timeoutMs: 1_000,
    plan: async () => [],
    run: async () => succeeded({ done: true }),
  }) as unknown as AnyStep;
  const { input, output, ...rest } = describeStep(step);
  assert.deepEqual(rest, {
    name: "demo/do-it",
    title: "Do it",
    needs: [],
    effects: ["do"],
    timeoutMs: 1_000,
    undo: false,
  });
  assert.deepEqual(
    input.required,
    ["url"],
    "a default is not required, and what is transformed is described as it goes in",
  );
  assert.deepEqual(Object.keys(output.properties ?? {}), ["done"]);
  assert.deepEqual(JSON.parse(JSON.stringify(input)), input);
});
