// People pause an app, a pipeline, a site or a concurrency group: jobs that run go on, and no other job of it starts. Pure.

/** `queue`: a concurrency group. */
export const PAUSABLE = ["app", "pipeline", "site", "queue"] as const;
export type Pausable = (typeof PAUSABLE)[number];

export type PauseOf = { readonly of: Pausable; readonly name: string };

/** Times are store time, ms since 1970. */
export type Pause = PauseOf & {
  readonly by: string;
  readonly at: number;
  readonly reason: string;
  /** It ends by itself. Absent: when somebody resumes. */
  readonly until?: number;
};

/** More are refused. */
export const MAX_PAUSES = 1_000;

/** Those that have not ended by themselves. */
export function pausesAt(all: readonly Pause[], now: number): readonly Pause[] {
  return all.filter(({ until }) => until === undefined || now < until);
}

export function isSame(one: PauseOf, other: PauseOf): boolean {
  return one.of === other.of && one.name === other.name;
}

/** With this pause, instead of an earlier one of the same thing. */
export function withPause(all: readonly Pause[], pause: Pause): readonly Pause[] {
  return [...withoutPause(all, pause), pause];
}

export function withoutPause(all: readonly Pause[], what: PauseOf): readonly Pause[] {
  return all.filter((one) => !isSame(one, what));
}

/** What a job belongs to. */
export type PausedBy = {
  readonly app: string | undefined;
  readonly pipeline: string;
  readonly site: string;
  readonly queues: readonly string[];
};

/** The pause that keeps a job from starting; of several the one that lasts longest. */
export function pauseFor(active: readonly Pause[], { app, pipeline, site, queues }: PausedBy): Pause | undefined {
  const names: Readonly<Record<Pausable, readonly (string | undefined)[]>> = {
    app: [app],
    pipeline: [pipeline],
    site: [site],
    queue: queues,
  };
  const [longest] = active
    .filter(({ of, name }) => names[of].includes(name))
    .toSorted((one, other) => (other.until ?? Infinity) - (one.until ?? Infinity));
  return longest;
}

/** "The app orders was paused by kim until 2026-12-01 08:00 UTC, because: the database moves." */
export function pauseText({ of, name, by, reason, until }: Pause): string {
  const end = until === undefined ? "" : ` until ${new Date(until).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return `${pausedInWords({ of, name })} was paused by ${by}${end}, because: ${reason.replace(/\.$/, "")}.`;
}

/** "The app orders", "The concurrency group release". */
export function pausedInWords({ of, name }: PauseOf): string {
  return `The ${of === "queue" ? "concurrency group" : of} ${name}`;
}
