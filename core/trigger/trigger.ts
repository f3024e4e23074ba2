// What starts a pipeline by itself, as written in `triggers:` of its file, with every default filled in.

import type { JsonValue } from "../json.ts";
import type { Outcome } from "../task/states.ts";

export const TRIGGER_KINDS = ["push", "tag", "pull_request", "image", "schedule", "upstream"] as const;
export type TriggerKind = (typeof TRIGGER_KINDS)[number];

export const PULL_REQUEST_ACTIONS = ["opened", "updated", "closed", "merged"] as const;
export const IMAGE_ACTIONS = ["pushed", "scanned"] as const;
export const OVERLAPS = ["skip", "queue", "cancel-older"] as const;
export const CATCH_UPS = ["none", "latest", "all"] as const;

type Common = {
  readonly title?: string;
  /** A CEL expression over `trigger` and `app`. Absent: always. */
  readonly when?: string;
  /** Values of the params of the pipeline; templates over `trigger` and `app`. */
  readonly params: { readonly [name: string]: JsonValue };
};

/** Names with `*`. A name that begins with `!` excludes. Absent: the branch of release of the app. */
type Branches = { readonly branches?: readonly string[] };

export type PushTrigger = Common &
  Branches & {
    readonly kind: "push";
    /** Paths with `*` and `**`; `!` excludes. Absent: all. */
    readonly paths?: readonly string[];
  };
export type TagTrigger = Common & { readonly kind: "tag"; readonly names: readonly string[] };
export type PullRequestTrigger = Common &
  Branches & {
    readonly kind: "pull_request";
    readonly actions: readonly (typeof PULL_REQUEST_ACTIONS)[number][];
    /** Those from forks start a task that waits for a person. Absent: they start nothing. */
    readonly fromForks?: "after-approval";
  };

/** An image of the app is in the registry. `tags`: names with `*`; `!` excludes. */
export type ImageTrigger = Common & {
  readonly kind: "image";
  readonly tags: readonly string[];
  readonly actions: readonly (typeof IMAGE_ACTIONS)[number][];
};

/** Either `cron` or `onceMs`. Times are milliseconds since 1970. */
export type ScheduleTrigger = Common & {
  readonly kind: "schedule";
  readonly cron?: string;
  readonly onceMs?: number;
  /** An IANA name. Of `once` only for showing it. */
  readonly timeZone: string;
  /** No time at or after this one. */
  readonly untilMs?: number;
  /** What happens at a time when the last task of the schedule has not ended. */
  readonly overlap: (typeof OVERLAPS)[number];
  /** Which of the times are made up for that passed while no task-agent ran. */
  readonly catchUp: (typeof CATCH_UPS)[number];
  /** Each start is delayed by a part of this that is the same at every agent. */
  readonly jitterMs: number;
};

export type UpstreamTrigger = Common & {
  readonly kind: "upstream";
  /** Of the platform team, or of the app itself. */
  readonly pipeline: string;
  readonly outcomes: readonly Outcome[];
};

export type Trigger = PushTrigger | TagTrigger | PullRequestTrigger | ImageTrigger | ScheduleTrigger | UpstreamTrigger;
export type TriggerOf<K extends TriggerKind> = Extract<Trigger, { kind: K }>;
