// A step whose effects tests can observe and block at any point; it replaces a shipped step. The outside system is a folder
// (GANTRY_LAB_OUTSIDE), a change is a line in a file, and the step blocks until a file exists.

import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { type AnyStep, defineStep, NO_RETRY, stepBook } from "@gantry/core/step/step.ts";
import { z } from "zod";

export const OUTSIDE = "GANTRY_LAB_OUTSIDE";

const CHECK_EVERY_MS = 20;

async function fileThere(path: string, signal: AbortSignal): Promise<void> {
  while (!existsSync(path)) {
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, CHECK_EVERY_MS));
  }
}

/** Computes without yielding. */
function spin(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

/**
 * `text` has up to three words: the file that must exist before the change is made, the file that must exist before the
 * change ends (`-`: none), and how many milliseconds the step computes without a pause before the change.
 */
const put = defineStep({
  name: "jira/comment",
  title: "Put",
  input: z.object({ issue: z.string(), text: z.string() }),
  output: z.object({ key: z.string() }),
  needs: [],
  acts: () => [],
  effects: ["comment"],
  retry: NO_RETRY,
  timeoutMs: 600_000,
  plan: async () => [],
  run: async ({ input, effect, signal, log }) => {
    const outside = process.env[OUTSIDE] ?? "";
    const [before = "-", within = "-", spinMs = "0"] = input.text.split(" ");
    if (before !== "-") await fileThere(join(outside, before), signal);
    log("now");
    spin(Number(spinMs));
    const made = await effect({
      name: "comment",
      what: `put ${input.issue}`,
      probe: async (key) => (existsSync(join(outside, "puts")) && lines(outside).includes(key) ? { key } : undefined),
      perform: async (key) => {
        appendFileSync(join(outside, "puts"), `${key}\n`);
        writeFileSync(join(outside, `put-${input.issue}`), "");
        if (within !== "-") await fileThere(join(outside, within), signal);
        return { key };
      },
    });
    return succeeded(made);
  },
});

export const STEPS = stepBook([put as AnyStep]);

/** The effect keys of all changes, in order. */
export function lines(outside: string): readonly string[] {
  const file = join(outside, "puts");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}
