// cache/restore and cache/save: what `cache` of a job does.

import { artifactName } from "@gantry/core/artifact/artifact.ts";
import { counted } from "@gantry/core/count.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { type CacheResult, defineStep, NO_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";

const MINUTES = 60_000;
const patterns = z.array(z.string().min(1).max(300)).max(50);
const paths = patterns.min(1).describe("Below the workspace, or below the home of the job with ~/");
const output = z.object({ hit: z.string(), files: z.int(), bytes: z.int() });
const usual = {
  output,
  needs: [],
  acts: () => [],
  looksOnly: true as const,
  effects: [],
  retry: NO_RETRY,
  timeoutMs: 30 * MINUTES,
  plan: async () => [],
};

export const restore = defineStep({
  ...usual,
  name: "cache/restore",
  title: "Restore a cache",
  input: z.strictObject({
    name: artifactName,
    paths,
    files: patterns.default([]).describe("Files whose content is part of the key"),
    key: z.string().max(1_000).default(""),
    fallback: z.array(z.string().max(1_000)).max(10).default([]),
  }),
  run: async ({ input, caches, log }) => {
    const result = await caches.restore(input);
    log(RESTORED[result.hit === "exact" || result.hit === "older" ? result.hit : "none"](sizeOf(result)));
    return succeeded(result);
  },
});

export const save = defineStep({
  ...usual,
  name: "cache/save",
  title: "Save a cache",
  input: z.strictObject({ name: artifactName, paths }),
  run: async ({ input, caches, log }) => {
    const result = await caches.save(input);
    log(result.hit === "saved" ? `Saved ${sizeOf(result)}.` : "There is nothing new to save.");
    return succeeded(result);
  },
});

const RESTORED = {
  exact: (size: string) => `Restored ${size}, saved with the same key.`,
  older: (size: string) => `Restored ${size}, saved with another key: it may be out of date.`,
  none: () => "There is no cache yet.",
};

function sizeOf({ files, bytes }: CacheResult): string {
  return `${counted(files, "file")} with ${counted(bytes, "byte")}`;
}
