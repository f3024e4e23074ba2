// Converts the form of `triggers:` to what the rest of the code reads. Nothing is checked here; rules-triggers.ts does that.

import { parseDuration } from "../pipeline/duration.ts";
import type { Trigger } from "./trigger.ts";
import type { TriggerFile } from "./trigger-shape.ts";

export function normaliseTriggers(files: readonly TriggerFile[]): readonly Trigger[] {
  return files.map(normaliseTrigger);
}

function normaliseTrigger(file: TriggerFile): Trigger {
  const { title, when, push, tag, pull_request: pull, image, schedule, upstream } = file;
  const common = {
    ...(title === undefined ? {} : { title }),
    ...(when === undefined ? {} : { when: bare(when) }),
    params: file.params ?? {},
  };
  if (tag) return { kind: "tag", ...common, names: tag.names ?? ["*"] };
  if (pull) return { kind: "pull_request", ...common, ...branchesOf(pull), ...newsOf(pull) };
  if (image) return { kind: "image", ...common, tags: image.tags ?? ["**"], actions: image.actions ?? ["pushed"] };
  if (schedule) return { kind: "schedule", ...common, ...times(schedule) };
  if (upstream)
    return { kind: "upstream", ...common, pipeline: upstream.pipeline, outcomes: upstream.outcomes ?? ["succeeded"] };
  // An entry without a kind is a mistake that the rules report. Here it only keeps the places of the others.
  return { kind: "push", ...common, ...branchesOf(push), ...(push?.paths === undefined ? {} : { paths: push.paths }) };
}

const NEWS = ["opened", "updated"] as const;

function newsOf({ actions, fromForks }: NonNullable<TriggerFile["pull_request"]>) {
  return { actions: actions ?? NEWS, ...(fromForks === undefined ? {} : { fromForks }) };
}

function branchesOf(file: { readonly branches?: readonly string[] | undefined } | undefined) {
  return file?.branches === undefined ? {} : { branches: file.branches };
}

function times({ cron, once, timeZone, until, overlap, catchUp, jitter }: NonNullable<TriggerFile["schedule"]>) {
  return {
    ...(cron === undefined ? {} : { cron }),
    ...(once === undefined ? {} : { onceMs: Date.parse(once) }),
    timeZone: timeZone ?? "UTC",
    ...(until === undefined ? {} : { untilMs: Date.parse(until) }),
    overlap: overlap ?? "skip",
    catchUp: catchUp ?? "latest",
    jitterMs: (jitter === undefined ? undefined : parseDuration(jitter)) ?? 0,
  } as const;
}

/** `when: ${{ x }}` and `when: x` are the same. */
function bare(when: string): string {
  return (/^\$\{\{([\s\S]*)\}\}$/.exec(when.trim())?.[1] ?? when).trim();
}
