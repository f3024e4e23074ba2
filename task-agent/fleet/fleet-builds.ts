// Which build runs, from the digests of the images: people know builds by their numbers.

import { releaseBranchOf } from "@gantry/core/app/targets.ts";
import type { Build } from "@gantry/core/build/build.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal } from "@gantry/journal/journal.ts";
import type { Clock } from "@gantry/runtime/clock.ts";
import type { TargetView } from "@gantry/wire/agent/fleet.ts";
import { findBuildByDigest } from "../builds/build-stream.ts";

export type RunningBuild = (app: AppState, images: readonly string[]) => Promise<TargetView["running"]>;

const REMEMBERED = 50_000;
/** A build may be recorded after its image was seen. */
const ASK_AGAIN_MS = 60_000;

type Known = { readonly running: TargetView["running"]; readonly untilMs: number };

/** The newest build of the app that has one of these images. A digest that was found once is not asked for again. */
export function openRunningBuilds(
  journal: Pick<Journal, "load" | "find">,
  clock: Pick<Clock, "monotonicMs">,
): RunningBuild {
  const known = new Map<string, Known>();
  const find = async (app: AppState, digest: string): Promise<TargetView["running"]> => {
    const key = `${app.builds?.key ?? app.name} ${digest}`;
    const found = known.get(key);
    if (found && clock.monotonicMs() < found.untilMs) return found.running;
    const build = await findBuildByDigest(journal, app, { digest, branch: releaseBranchOf(app.record) });
    const running = build && shown(build);
    if (known.size >= REMEMBERED) known.clear();
    known.set(key, { running, untilMs: build ? Number.POSITIVE_INFINITY : clock.monotonicMs() + ASK_AGAIN_MS });
    return running;
  };
  return async (app, images) => {
    const digests = images.flatMap((image) => /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1] ?? []);
    const found = await Promise.all([...new Set(digests)].map((digest) => find(app, digest)));
    return found.reduce<TargetView["running"]>(
      (newest, one) => (one && (!newest || one.build > newest.build) ? one : newest),
      undefined,
    );
  };
}

function shown({ number, commit, subject, url }: Build): NonNullable<TargetView["running"]> {
  return {
    build: number,
    commit,
    ...(subject === undefined ? {} : { subject }),
    ...(url === undefined ? {} : { url }),
  };
}
