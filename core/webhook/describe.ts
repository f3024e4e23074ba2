// What a delivery says, for lists: short, and without what may be long.

import type { JsonObject } from "../json.ts";
import { truncate } from "../truncate.ts";
import type { DeliveryFacts, RefChange, RepositoryName } from "./delivery.ts";

/** As many branches and tags of one push are described. */
const MAX_SHOWN = 20;

/** "kim pushed 1a2b3c4 to main". */
export function describeDelivery(facts: DeliveryFacts): string {
  switch (facts.kind) {
    case "push": {
      const [first, ...more] = facts.changes;
      const rest = more.length === 0 ? "" : `, and ${more.length} more`;
      return first ? `${facts.by ?? "Somebody"} ${describeChange(first)}${rest}` : "A push of nothing";
    }
    case "pull_request":
      return `Pull request #${facts.number} of ${facts.branch} into ${facts.target} was ${facts.action}`;
    case "image":
      return `The image ${facts.repository}${facts.images[0]?.tag ? `:${facts.images[0].tag}` : ""} was ${facts.action}`;
    case "gate":
      return `The quality gate of ${facts.project} is ${facts.gate}`;
    case "other":
      return facts.reason;
  }
}

export function describeChange({ ref, name, before, commit, isForced }: RefChange): string {
  const what = `${ref === "tag" ? "the tag " : ""}${name}`;
  if (commit === undefined) return `deleted ${ref === "tag" ? what : `the branch ${name}`}`;
  const short = commit.slice(0, 7);
  if (before === undefined) return `pushed ${short} as the new ${ref} ${name}`;
  return `${isForced ? "replaced" : "pushed"} ${isForced ? `${what} by ${short}` : `${short} to ${what}`}`;
}

/** What is kept of the facts, and shown. */
export function shownFacts(facts: DeliveryFacts): JsonObject {
  if (facts.kind !== "push") return plain(facts);
  const changes = facts.changes.slice(0, MAX_SHOWN).map(({ message, paths, ...change }) => ({
    ...change,
    subject: message === undefined ? undefined : subjectOf(message),
    pathCount: paths?.length,
  }));
  return plain({ ...facts, changes });
}

/** The first line of a message of a commit. */
export function subjectOf(message: string): string {
  return truncate(message.split("\n", 1)[0] ?? "", 200);
}

export function repositoryOf(facts: DeliveryFacts): string | undefined {
  if (facts.kind === "image") return facts.repository;
  if (facts.kind === "gate") return facts.project;
  return facts.repository && nameOf(facts.repository);
}

function nameOf({ project, slug }: RepositoryName): string {
  return `${project}/${slug}`;
}

/** Without what is undefined. */
function plain(value: object): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
