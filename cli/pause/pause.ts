// `gantry app|pipeline|site|queue pause|resume`, and `gantry paused`.

import { type Pausable, type PauseOf, pausedInWords } from "@gantry/core/pause/pause.ts";
import { parseDuration } from "@gantry/core/pipeline/duration.ts";
import { type PauseView, pauseView } from "@gantry/wire/agent/pauses.ts";
import { page } from "@gantry/wire/agent/views.ts";
import { shortTime, textTable } from "../print/text-table.ts";
import { type Call, type Outcome, UsageError } from "../table/command.ts";

export type PauseFlags = {
  readonly reason: string;
  readonly for: string | undefined;
  readonly until: string | undefined;
};

export async function pause(
  of: Pausable,
  { portal, flags, args: [name] }: Call<PauseFlags, readonly [string]>,
): Promise<Outcome> {
  const until = endOf(flags, Date.now());
  const body = { reason: flags.reason, ...(until === undefined ? {} : { until }) };
  const paused = await portal().post(
    PAUSE[of](encodeURIComponent(name)),
    { ...body, ...groupOf({ of, name }) },
    pauseView,
  );
  const end = paused.until === undefined ? "" : ` until ${shortTime(paused.until)} UTC`;
  const resume = `\`gantry ${of} resume ${name}\` ends it`;
  return {
    value: paused,
    text: `${pausedInWords({ of, name })} is paused${end}. Jobs that run go on, and others wait. ${resume}.\n`,
  };
}

export async function resume(
  of: Pausable,
  { portal, args: [name] }: Call<object, readonly [string]>,
): Promise<Outcome> {
  await portal().change(RESUME[of](encodeURIComponent(name)), groupOf({ of, name }));
  return { value: { of, name }, text: `${pausedInWords({ of, name })} is not paused.\n` };
}

export async function listPaused({ portal }: Call): Promise<Outcome> {
  const { items } = await portal().get("/v1/pauses", page(pauseView));
  const text = textTable(["WHAT", "NAME", "BY", "SINCE (UTC)", "UNTIL (UTC)", "WHY"], items.map(rowOf));
  return { value: items, text: items.length === 0 ? "Nothing is paused.\n" : text };
}

function rowOf({ of, name, by, at, until, reason }: PauseView): readonly string[] {
  return [of, name, by, shortTime(at), until === undefined ? "" : shortTime(until), reason];
}

type Addresses = { readonly [of in Pausable]: (name: string) => string };

const PAUSE: Addresses = {
  app: (name) => `/v1/apps/${name}/pause`,
  pipeline: (name) => `/v1/pipelines/${name}/pause`,
  site: (name) => `/v1/sites/${name}/pause`,
  queue: () => "/v1/queues/pause",
};

const RESUME: Addresses = {
  app: (name) => `/v1/apps/${name}/resume`,
  pipeline: (name) => `/v1/pipelines/${name}/resume`,
  site: (name) => `/v1/sites/${name}/resume`,
  queue: () => "/v1/queues/resume",
};

/** The name of a concurrency group may have slashes, so it is not in the path. */
function groupOf({ of, name }: PauseOf): object {
  return of === "queue" ? { group: name } : {};
}

function endOf({ for: length, until }: PauseFlags, now: number): string | undefined {
  if (length !== undefined && until !== undefined) throw new UsageError("--for and --until exclude each other");
  if (length !== undefined) {
    const ms = parseDuration(length);
    if (!ms) throw new UsageError(`--for ${length} is not a duration such as 30m, 2h or 1d`);
    return new Date(now + ms).toISOString();
  }
  if (until === undefined) return undefined;
  const at = Date.parse(until);
  if (Number.isNaN(at)) throw new UsageError(`--until ${until} is not a time such as 2026-12-01T08:00:00Z`);
  return new Date(at).toISOString();
}
