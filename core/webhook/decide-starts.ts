// What a delivery can start for one app: an event for each branch, tag or pull request, or why it starts nothing. Pure.

import { releaseBranchOf } from "../app/targets.ts";
import type { JsonObject } from "../json.ts";
import type { ImageTrigger, PullRequestTrigger, PushTrigger, TagTrigger } from "../trigger/trigger.ts";
import { type AppOfSource, touchesApp } from "./apps.ts";
import type { DeliveryFacts, ImageFacts, PullRequestFacts, RefChange, RepositoryName } from "./delivery.ts";
import { subjectOf } from "./describe.ts";
import { openNames } from "./names.ts";
import { asksToSkip, isOwnCommit } from "./own-commits.ts";

/** `part`: differs for the events of one delivery. `note`: what is to be known about what is started. */
type Event<Kind extends string, Trigger> = {
  readonly kind: Kind;
  readonly part: string;
  readonly facts: JsonObject;
  readonly note?: string;
  /** People because of whom it happened, as the host names them. */
  readonly causedBy?: readonly string[];
  /** Why a trigger of this kind does not fit, as a sentence. */
  readonly whyNot: (trigger: Trigger) => string | undefined;
};
export type TriggeringEvent =
  | Event<"push", PushTrigger>
  | Event<"tag", TagTrigger>
  | Event<"image", ImageTrigger>
  | Event<"pull_request", PullRequestTrigger>;

export type Start = TriggeringEvent | { readonly nothing: string };

export function decideStarts(facts: DeliveryFacts, app: AppOfSource): readonly Start[] {
  switch (facts.kind) {
    case "push":
      return facts.changes.map((change) => (change.ref === "branch" ? branchStart(change, app) : tagStart(change)));
    case "pull_request":
      return [pullRequestStart(facts, app)];
    case "image":
      return facts.images.map((image) => imageStart(facts, image));
    case "gate":
    case "other":
      return [];
  }
}

const UNKNOWN_PATHS = "The host did not say which files have changed, so all count as changed.";

function branchStart(change: RefChange, app: AppOfSource): Start {
  const { name, before, commit, message, author, url, paths } = change;
  const nothing = whyNoPush(change);
  if (nothing !== undefined || commit === undefined) return { nothing: nothing ?? "" };
  const touches = touchesApp(change, app);
  if (touches === false) return { nothing: `Nothing in the folder of the app has changed in ${name}.` };
  return {
    kind: "push",
    part: `refs/heads/${name}`,
    facts: {
      ...{ branch: name, commit, before: before ?? "", author: author ?? "", url: url ?? "", paths: paths ?? [] },
      subject: message === undefined ? "" : subjectOf(message),
    },
    ...(paths === undefined ? { note: UNKNOWN_PATHS } : {}),
    whyNot: (trigger) =>
      notIn(trigger.branches ?? [releaseBranchOf(app.record)], name, "branch") ?? noPath(trigger, paths),
  };
}

function whyNoPush(change: RefChange): string | undefined {
  const { name, commit, message } = change;
  if (commit === undefined) return `The branch ${name} was deleted.`;
  if (change.before === commit) return `Nothing has changed in ${name}.`;
  if (isOwnCommit(change)) return `Gantry itself has made the commit ${commit.slice(0, 7)}.`;
  return asksToSkip(message) ? `The commit ${commit.slice(0, 7)} says [skip ci].` : undefined;
}

function noPath({ paths: wanted }: PushTrigger, paths: readonly string[] | undefined): string | undefined {
  if (wanted === undefined || paths === undefined || paths.some(openNames(wanted))) return undefined;
  return `None of the changed files is in the paths of the trigger (${wanted.join(", ")}).`;
}

function tagStart(change: RefChange): Start {
  const { name, commit, message } = change;
  if (commit === undefined) return { nothing: `The tag ${name} was deleted.` };
  if (asksToSkip(message)) return { nothing: `The commit ${commit.slice(0, 7)} says [skip ci].` };
  return {
    kind: "tag",
    part: `refs/tags/${name}`,
    facts: { tag: name, commit },
    whyNot: ({ names }) => notIn(names, name, "tag"),
  };
}

function pullRequestStart(facts: PullRequestFacts, app: AppOfSource): Start {
  const { number, branch, target, commit, title, author, url, fork, action, from } = facts;
  const unusable = fork ? unusableFork(facts) : undefined;
  if (unusable !== undefined) return { nothing: unusable };
  if (asksToSkip(title)) return { nothing: "The title of the pull request says [skip ci]." };
  const happened = action === "reopened" ? "opened" : action;
  return {
    kind: "pull_request",
    // Hosts tell of the same commit more than once, for example when the title changes.
    part: `pull-request/${number}/${happened}`,
    facts: {
      ...{ number, branch, target, commit, title, author: author ?? "", url: url ?? "", fork },
      from: from === undefined ? "" : nameOf(from),
    },
    ...(fork && author !== undefined ? { causedBy: [author] } : {}),
    whyNot: (trigger) => {
      if (fork && trigger.fromForks === undefined)
        return `The pull request comes from ${from ? nameOf(from) : "a fork"}. Pull requests from forks start nothing where the trigger does not say \`fromForks: after-approval\`.`;
      if (!trigger.actions.includes(happened))
        return `The pull request was ${happened}, and the trigger is for: ${trigger.actions.join(", ")}.`;
      return notIn(trigger.branches ?? [releaseBranchOf(app.record)], target, "branch");
    },
  };
}

/** A person lets a commit run, so it must be known in full, and it must be known whose it is. */
function unusableFork({ from, commit }: PullRequestFacts): string | undefined {
  if (!from) return "The pull request comes from a repository that is not known, so it starts nothing.";
  if (/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit)) return undefined;
  return `The pull request comes from ${nameOf(from)}, and the host names only a part of its commit (${commit}). Nobody could let it run, so it starts nothing.`;
}

function nameOf({ project, slug }: RepositoryName): string {
  return `${project}/${slug}`;
}

function imageStart(
  { repository, action }: ImageFacts,
  { tag = "", digest }: ImageFacts["images"][number],
): TriggeringEvent {
  return {
    kind: "image",
    part: `${action}/${repository}/${tag}@${digest}`,
    facts: { repository, tag, digest, action },
    whyNot: ({ tags, actions }) => {
      if (!actions.includes(action)) return `The image was ${action}, and the trigger is for: ${actions.join(", ")}.`;
      return notIn(tags, tag, "tag");
    },
  };
}

function notIn(patterns: readonly string[], name: string, what: string): string | undefined {
  return openNames(patterns)(name)
    ? undefined
    : `The ${what} ${name} is not one of the trigger: ${patterns.join(", ")}.`;
}
