// Tasks of pull requests from forks: the code is of people who may not push to the repository of the app. A person must have looked
// at the commit before anything of such a task runs, and then it has the limits of core/step/fork-steps.ts. Pure.

import type { JsonObject } from "../json.ts";
import type { Concurrency, Pipeline } from "../pipeline/pipeline.ts";
import type { TaskEvent } from "./events.ts";
import type { Demand, TaskState } from "./model.ts";

/** Also of a rerun, which has the trigger of its task. */
export function isFromFork({ trigger }: Pick<TaskState, "trigger">): boolean {
  return trigger?.kind === "pull_request" && trigger.fork === true;
}

/** Everybody with the verb `approve` on the app. */
export const FORK_DEMAND: Demand = { approvers: [], count: 1, notOwn: true };
export const FORK_EXPIRES_MS = 7 * 86_400_000;

/** All that decides what the code does is in it: the title is not, because its author could write there that all is well. */
export function forkQuestion({ trigger = {}, pipeline }: Pick<TaskState, "trigger" | "pipeline">): string {
  const [number, from, author, commit, url] = ["number", "from", "author", "commit", "url"].map((name) =>
    String(trigger[name] ?? ""),
  );
  const by = author === "" ? "" : ` by ${author}`;
  const look = url === "" ? "" : ` Look at the changes first: ${url}`;
  return `Run ${pipeline} for pull request ${number} from the fork ${from}${by}, at commit ${commit}?${look}`;
}

/**
 * Whether a person has let the task run. The commit, the pipeline and the parameters of a task never change, so one word counts
 * for all its jobs. Undefined: it is not from a fork.
 */
export function forkWord(state: TaskState): "approved" | "refused" | "open" | undefined {
  if (!isFromFork(state)) return undefined;
  const answers = Object.values(state.jobs).flatMap(({ approval }) => approval?.state ?? []);
  if (answers.includes("approved")) return "approved";
  return answers.includes("rejected") || answers.includes("expired") ? "refused" : "open";
}

/** What another job of the task was told, or asks. A task asks once: its other jobs wait for the first one that could start. */
export function wordElsewhere(state: TaskState, job: string): "approved" | "asked" | undefined {
  const others = Object.values(state.jobs).filter(({ key }) => key !== job);
  if (others.some(({ approval }) => approval?.state === "approved")) return "approved";
  const isAsking = others.some(({ phase, approval }) => phase === "pending" && approval?.state === "asked");
  return isAsking ? "asked" : undefined;
}

/** Jobs that could start at the same time would each ask. */
export function askOnce(state: TaskState, events: readonly TaskEvent[]): TaskEvent[] {
  if (!isFromFork(state)) return [...events];
  const first = events.find(({ kind }) => kind === "ApprovalRequested");
  return events.filter((event) => event.kind !== "ApprovalRequested" || event === first);
}

/**
 * The concurrency of a task. Pull requests from forks are never in the group of the pipeline, where one that waits for a person would
 * hold up the others. Of one pull request the newest commit counts.
 */
export function concurrencyOf(
  { concurrency, name }: Pick<Pipeline, "concurrency" | "name">,
  state: Pick<TaskState, "trigger"> & { readonly app?: string | undefined },
): Concurrency | undefined {
  if (!isFromFork(state)) return concurrency;
  return { group: forkGroup(name, state.app, state.trigger), policy: "cancel-older" };
}

function forkGroup(pipeline: string, app = "", trigger: JsonObject = {}): string {
  return `${app}: ${pipeline} for pull request ${String(trigger.number)} from a fork`;
}
