// What a step is. A step is one exported object; connectors/steps.ts lists them all.

import type { z } from "zod";
import type { JsonObject, JsonValue } from "../json.ts";
import type { SystemKind, SystemOf } from "../site/systems.ts";
import type { StepOutcome } from "./outcome.ts";
import type { Resource } from "./resource.ts";

/**
 * Lifecycle, in call order, on one runner:
 *
 * 1. The runner evaluates `with:` and parses it by `input`. A mistake ends the step as `errored`, code `bad-input`.
 * 2. `acts` says what this input names at outside systems. If something does not belong to the app of the task, the step
 * ends as `failed`, code `outside-app`, and none of its other functions is called.
 * 3. `run` is called. It must not sleep: to wait for an outside system it returns `waiting(reason, retryAfterMs, memo)`
 *    and is called again later, perhaps in another process, with the same input and the memo.
 * 4. Every change to the outside world goes through `context.effect`. The effect's key is the same in every attempt, so
 *    `run` may be called again after a crash at any point: the result of a finished effect comes from the record, and an
 *    effect that may be finished is probed first.
 * 5. What `run` throws becomes an outcome: a GantryError becomes `errored` (retryable as its table entry says), an abort
 *    becomes what aborted it (timed-out, canceled, lease lost), anything else is a bug and becomes `errored`, `internal`.
 * 6. The output is checked by `output`; it is public (it is shown to people), so it never holds a secret.
 *
 * Steps of one job never run concurrently. The same step may run concurrently in other jobs.
 */
export type Step<I = never, O = JsonObject, K extends SystemKind = SystemKind> = {
  /** `provider/verb-noun`; what `uses:` names. */
  readonly name: string;
  readonly title: string;
  readonly input: z.core.$ZodType<I>;
  readonly output: z.core.$ZodType<O>;
  /** The kinds of systems that the step may use; it gets no others. */
  readonly needs: readonly K[];
  /**
   * Everything at outside systems that this input names and the step reads or changes with the credentials of the site.
   * Empty for a step that does not use them, or uses only what all apps of the site share. What is known only while the step
   * runs (a submodule, a base image) is declared with `context.require`.
   */
  readonly acts: (input: I) => readonly Resource[];
  /** It starts programs that files of the workspace choose or write, such as the commands of a Dockerfile. */
  readonly runsCode?: true;
  /** It only looks at systems, so that every runner may run it, whatever jobs it takes. */
  readonly looksOnly?: true;
  /** Names of the changes it makes outside, first the one that `undo` takes back; empty for a step that only reads or computes. */
  readonly effects: readonly string[];
  /** How often the runner retries after a retryable `errored`, and how long it waits in between. */
  readonly retry: StepRetry;
  /** The time limit if the pipeline file sets none. Waiting counts. */
  readonly timeoutMs: number;
  /** What `run` would do, as one sentence per change, without doing it. */
  readonly plan: (context: StepContext<I, K>) => Promise<readonly string[]>;
  readonly run: (context: StepContext<I, K>) => Promise<StepOutcome<O>>;
  readonly undo?: Undo<I, O, K>;
};

/** Takes back what `run` made. */
export type Undo<I, O, K extends SystemKind = SystemKind> = {
  /**
   * What `run` made with this input before it ended badly or lost the answer: the output that it would have given. A text if
   * nothing is there, or if it is not surely of that task and stays: it says which, without a full stop. `context.task` has
   * the app of the undo, and id and time of the task that began. `result`: of the effect, if its end is known. It changes
   * nothing.
   */
  readonly find: (context: StepContext<I, K>, result: JsonObject | undefined) => Promise<O | string>;
  /** Deletes what `run` made with this input and output. Safe to call twice, and if nothing was made. */
  readonly remove: (context: StepContext<I, K>, output: O) => Promise<void>;
};

export type StepRetry = { readonly max: number; readonly delayMs: number; readonly maxDelayMs: number };

/** For systems that are down for a moment: 8 retries over 45 to 91 seconds, because a small server restarts in 30. */
export const USUAL_RETRY: StepRetry = { max: 8, delayMs: 1_000, maxDelayMs: 20_000 };
export const NO_RETRY: StepRetry = { max: 0, delayMs: 0, maxDelayMs: 0 };

/** Picks the system of another site that the configuration of this site's runners lists. */
export type OfSite = { readonly ofSite: string };

export type StepContext<I, K extends SystemKind = SystemKind> = {
  readonly input: I;
  /** What the last `waiting` answer of this attempt kept; undefined at the first call. */
  readonly memo: JsonValue | undefined;
  readonly task: TaskFacts;
  /** The folder of the job, absolute. Steps of one job share it; it is gone after the attempt. */
  readonly workspace: string;
  /**
   * HOME of every program of the job, absolute, mode 0700. It lives as long as the workspace and is never inside it, so
   * that settings with credentials (`.npmrc`, `.m2/settings.xml`) reach later steps but no image and no commit.
   */
  readonly home: string;
  /** A folder of the site that survives jobs (mirrors, layer caches). Several jobs use it at once. */
  readonly cache: string;
  /**
   * The site's system of this kind; a name picks one where the site has several, and `ofSite` one of another site. Throws
   * `system-missing`. It must be called before anything is changed, because a pipeline can skip a step whose system the site
   * lacks.
   */
  readonly system: <T extends K>(kind: T, which?: string | OfSite) => SystemOf<T>;
  /** One line for people. Secrets are masked behind this call, ANSI colours are kept. */
  readonly log: (line: string) => void;
  /** The line of this step's output so far that looks like the reason for a failure. */
  readonly failingLine: () => string | undefined;
  /** Runs a program in its own process group; it is killed as a group when the step ends. Never through a shell. */
  readonly exec: Exec;
  /**
   * The environment that a program needs from the runner: PATH, proxies, certificates, the cookie of the attempt. For
   * libraries that start programs themselves: they must pass this and nothing else.
   */
  readonly environment: Readonly<Record<string, string>>;
  readonly effect: RunEffect;
  readonly artifacts: StepArtifacts;
  readonly caches: StepCaches;
  /** Limits of a checkout, from the site's configuration. */
  readonly checkoutLimits: CheckoutLimits;
  /** Throws `outside-app` if this may not be used for the app of the task. Must be called before credentials are sent. */
  readonly require: (resource: Resource) => void;
  /**
   * Must be called for addresses that are not of the site's systems. Throws `address-refused` for one that people may not
   * choose.
   */
  readonly fetch: typeof fetch;
  /** For a program that is given this host, which people chose. Throws `address-refused`. */
  readonly checkHost: (host: string) => Promise<void>;
  /** Aborted on cancel, timeout and lease loss. */
  readonly signal: AbortSignal;
  /** The runner's clock in milliseconds since 1970. For measuring, never for values that must be equal in every attempt. */
  readonly nowMs: () => number;
};

/** Errors are those of the store and of the files. */
export type StepArtifacts = {
  /** Saves the files of the workspace that match. Without a file nothing is saved. */
  readonly save: (artifact: {
    readonly name: string;
    readonly paths: readonly string[];
    readonly keepMs: number;
  }) => Promise<{ readonly files: number; readonly bytes: number }>;
  /** Writes artifacts of a job that this job needs into a folder of the workspace. Default: all of the job. */
  readonly download: (wanted: {
    readonly job: string;
    readonly artifact?: string | undefined;
    readonly to: string;
  }) => Promise<{ readonly artifacts: readonly string[]; readonly files: number; readonly bytes: number }>;
};

export type CacheRequest = { readonly name: string; readonly paths: readonly string[] };
export type CacheResult = {
  /** `exact`: the same key. `older`: another one of the same name. `kept`: nothing had to be saved. */
  readonly hit: "exact" | "older" | "none" | "saved" | "kept";
  readonly files: number;
  readonly bytes: number;
};

/** Caches of this runner. They are of an app and of what the job has checked out; only the release branch gives to others. */
export type StepCaches = {
  readonly restore: (
    request: CacheRequest & {
      readonly files: readonly string[];
      readonly key: string;
      readonly fallback: readonly string[];
    },
  ) => Promise<CacheResult>;
  /** Under the key with which it was restored. */
  readonly save: (request: CacheRequest) => Promise<CacheResult>;
};

/** `mb`: limit in MiB for its files, and for what git downloads. */
export type CheckoutLimits = { readonly mb: number; readonly files: number };

/** What a step may know of the task; equal in every attempt. */
export type TaskFacts = {
  readonly id: string;
  readonly pipeline: string;
  readonly app: string | undefined;
  /** What the app was called before, by its record. Things that were made under these names are its own. */
  readonly formerNames?: readonly string[];
  readonly job: string;
  /** Step id within the job. */
  readonly step: string;
  readonly site: string;
  readonly requestedBy: string;
  /** When the task was requested, ms since 1970: the date of deterministic commits. */
  readonly requestedAtMs: number;
  /** Address of the task in the portal. */
  readonly url: string;
  /** It is of a pull request from a fork, and a person has let this commit run. */
  readonly forkCommit?: string;
};

export type ExecOptions = {
  readonly cwd?: string;
  /**
   * The environment besides PATH, HOME, the job's own and the runner's proxies. Scripts of the job may have written to HOME:
   * a program that takes settings from there needs another HOME, or must be confined. Only confined programs get the
   * variables of the pipeline file.
   */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** `log` (default) sends both streams to the step's log; `capture` keeps stdout for the answer and logs stderr. */
  readonly stdout?: "log" | "capture";
  /** Called with every line of both streams as it comes, whatever `stdout` says; unmasked, at most 10,000 characters. */
  readonly onLine?: (line: string) => void;
  /**
   * For a program that files of the workspace can make start another program. It is run like a script of the pipeline: with
   * the workspace, home and temporary folder of the job and nothing else of the runner. It must not need the cache.
   * `image-build`: it runs the commands of a Dockerfile, for which it must be root if the runner is. If the runner has no
   * sandbox for it, only the builder isolates these commands, or the build is refused (`builds-refused`).
   */
  readonly confined?: true | "image-build";
};
export type ExecResult = { readonly exitCode: number; readonly signal: string | null; readonly stdout: string };
/** A non-zero exit code is a result and not an error. A program that does not exist throws `program-missing`. */
export type Exec = (argv: readonly [string, ...string[]], options?: ExecOptions) => Promise<ExecResult>;

/**
 * One change to the outside world. Asks the agent for a permit, then:
 * - never begun: calls `perform`;
 * - begun earlier, end unknown: calls `probe`; if that finds the change its result is used, else `perform` is called;
 * - done earlier: the recorded result, nothing is called. `ordinal` distinguishes several effects of the same name in one
 * step (default 0); it must be equal in every attempt. Throws `lease-lost` when the permit is refused. The result is kept:
 * it must be small and hold no secret.
 */
export type RunEffect = <R extends JsonObject>(effect: {
  readonly name: string;
  readonly ordinal?: number;
  /** One sentence for the record: "push 3f2a… to main of orders-deploy". */
  readonly what: string;
  /** Looks for the change at its target; the key is the one that `perform` gets, so that a marker can be found. */
  readonly probe: (key: string) => Promise<R | undefined>;
  readonly perform: (key: string) => Promise<R>;
}) => Promise<R>;

/** A step with its types erased, for the list of all steps. */
export type AnyStep = Omit<Step, "input" | "output" | "acts" | "plan" | "run" | "undo"> & {
  readonly input: z.core.$ZodType;
  readonly output: z.core.$ZodType;
  readonly acts: (input: never) => readonly Resource[];
  readonly plan: (context: StepContext<never>) => Promise<readonly string[]>;
  readonly run: (context: StepContext<never>) => Promise<StepOutcome<JsonObject>>;
  readonly undo?: {
    readonly find: (context: StepContext<never>, result: JsonObject | undefined) => Promise<JsonObject | string>;
    readonly remove: (context: StepContext<never>, output: never) => Promise<void>;
  };
};

/** Steps by their names, loaded when a job first needs one: a runner has many and uses few. */
export type StepBook = { readonly [name: string]: () => Promise<AnyStep> };

export function stepBook(steps: readonly AnyStep[]): StepBook {
  return Object.fromEntries(steps.map((step) => [step.name, async () => step]));
}

/** Declares a step: its types are checked inside and erased outside. */
export function defineStep<I, O extends JsonObject, K extends SystemKind = never>(step: Step<I, O, K>): Step<I, O, K> {
  return step;
}
