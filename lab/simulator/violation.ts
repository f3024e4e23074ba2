// What the simulation reports when a promise is broken. The invariants are described in docs/promises.md.

export type Invariant =
  | "no-task-lost"
  | "fences-grow"
  | "one-holder"
  | "one-end"
  | "no-stale-write"
  | "one-mutation"
  | "permit-first"
  | "no-effect-in-overlap"
  | "no-overlap"
  | "events-without-gap"
  | "cancel-holds"
  | "held-by-rule"
  | "alive-is-not-lost"
  | "dead-is-reassigned"
  | "no-idle-runner"
  | "everything-ends"
  | "notifications"
  | "builds-in-order"
  | "group-limit"
  | "one-child"
  | "child-outcome"
  | "logs-equal"
  | "claim-on-disk"
  | "probe-first"
  | "no-flood"
  | "no-unexpected-error";

export type Violation = { readonly invariant: Invariant; readonly text: string; readonly atMs: number };

/** Where parts of the simulation report what must not happen. */
export type ViolationSink = { readonly violated: (invariant: Invariant, text: string) => void };
