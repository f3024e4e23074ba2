// What started a task, in words.

import { isJsonObject, type JsonObject } from "../json.ts";
import { truncate } from "../truncate.ts";
import { inZone } from "./times.ts";
import type { Trigger } from "./trigger.ts";

const COMMIT = 7;

/** To follow "by": `push of 1a2b3c4 to main`. `trigger`: what expressions see. Undefined for a task that a person started. */
export function triggerText(trigger: JsonObject | undefined): string | undefined {
  if (!isJsonObject(trigger)) return undefined;
  const text = (name: string): string => {
    const value = trigger[name];
    return typeof value === "string" || typeof value === "number" ? truncate(String(value), 100) : "";
  };
  const commit = text("commit").slice(0, COMMIT);
  switch (trigger.kind) {
    case "push":
      return `push of ${commit} to ${text("branch")}`;
    case "tag":
      return `tag ${text("tag")}`;
    case "pull_request":
      return `pull request ${text("number")} of ${text("branch")} into ${text("target")}`;
    case "image":
      return `image ${text("repository")}${text("tag") === "" ? "" : `:${text("tag")}`}`;
    case "schedule":
      return text("cron") === "" ? "schedule, once" : `schedule ${text("cron")} ${text("timeZone")}`;
    case "upstream":
      return `the end of ${text("pipeline")} (${text("outcome")})`;
    default:
      return undefined;
  }
}

const REQUESTERS: Readonly<Record<string, string>> = {
  "trigger:push": "a push",
  "trigger:tag": "a tag",
  "trigger:pull_request": "a pull request",
  "trigger:image": "an image",
  "trigger:schedule": "a schedule",
  "trigger:upstream": "the end of another pipeline",
};

/** Who requested a task, for a sentence: a person, or what has happened. `trigger`: what expressions see, if it is known. */
export function requesterInWords(requestedBy: string, trigger?: JsonObject): string {
  const kind = REQUESTERS[requestedBy];
  return kind === undefined ? requestedBy : (triggerText(trigger) ?? kind);
}

/** What a trigger waits for: `0 3 * * 1-5 Europe/Berlin`, `push to main`. */
export function waitsFor(trigger: Trigger): string {
  switch (trigger.kind) {
    case "push":
      return `push to ${branchText(trigger.branches)}${trigger.paths ? ` with changes in ${list(trigger.paths)}` : ""}`;
    case "tag":
      return `tag ${list(trigger.names)}`;
    case "pull_request":
      return `pull request ${trigger.actions.join(" or ")}, into ${branchText(trigger.branches)}${trigger.fromForks ? ", also from forks" : ""}`;
    case "image":
      return `image ${trigger.actions.join(" or ")}, with the tag ${list(trigger.tags)}`;
    case "schedule":
      if (trigger.cron !== undefined) return `${trigger.cron} ${trigger.timeZone}`;
      return `once at ${inZone(trigger.onceMs ?? 0, trigger.timeZone)}`;
    case "upstream":
      return `end of ${trigger.pipeline} (${trigger.outcomes.join(", ")})`;
  }
}

function branchText(branches: readonly string[] | undefined): string {
  return branches === undefined ? "the branch of release" : list(branches);
}

function list(patterns: readonly string[]): string {
  return truncate(patterns.join(", "), 200);
}
