// What expressions see as `trigger`: `kind`, and by kind the facts of what happened. A task that a person started has only
// `kind: person`.

import type { JsonObject } from "../json.ts";
import { OUTCOMES } from "../task/states.ts";
import { IMAGE_ACTIONS, TRIGGER_KINDS, type TriggerKind } from "./trigger.ts";

/** CEL types of the facts; `dyn` where they may have any. */
export const TRIGGER_FACTS: { readonly [K in TriggerKind]: { readonly [name: string]: string } } = {
  push: {
    branch: "string",
    commit: "string",
    before: "string",
    author: "string",
    subject: "string",
    url: "string",
    paths: "list<string>",
  },
  tag: { tag: "string", commit: "string" },
  pull_request: {
    number: "int",
    branch: "string",
    target: "string",
    commit: "string",
    author: "string",
    title: "string",
    url: "string",
    fork: "bool",
    from: "string",
  },
  /** `repository`: without the registry. `tag`: empty for an image that has none. */
  image: { repository: "string", tag: "string", digest: "string", action: "string" },
  /** `at`: the planned time in UTC. `count`: 1 for the first start of this schedule. */
  schedule: { at: "string", cron: "string", timeZone: "string", count: "int" },
  /** `depth`: how many upstream triggers led here. */
  upstream: {
    task: "string",
    pipeline: "string",
    outcome: "string",
    outputs: "dyn",
    build: "dyn",
    depth: "int",
  },
};

/** Facts that have few values. */
export const FACT_VALUES: { readonly [fact: string]: readonly string[] } = {
  kind: [...TRIGGER_KINDS, "person"],
  action: IMAGE_ACTIONS,
  outcome: OUTCOMES,
};

/** Of a task that a person started, by the portal, the CLI or the API. */
export const BY_PERSON: JsonObject = { kind: "person" };

/** The names that may follow `trigger.` for these kinds. */
export function factNames(kinds: readonly TriggerKind[]): readonly string[] {
  return [...new Set(["kind", ...kinds.flatMap((kind) => Object.keys(TRIGGER_FACTS[kind]))])];
}

/** The CEL type of a fact, if it has the same in every kind that has it. */
export function factType(name: string): string | undefined {
  if (name === "kind") return "string";
  const types = new Set(
    Object.values(TRIGGER_FACTS).flatMap((facts) => (Object.hasOwn(facts, name) ? [facts[name]] : [])),
  );
  const [only] = types;
  return types.size === 1 && only !== "dyn" ? only : undefined;
}
