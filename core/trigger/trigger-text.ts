// What started a task, in words.

import { isJsonObject, type JsonObject } from "../json.ts";
import { truncate } from "../truncate.ts";

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
