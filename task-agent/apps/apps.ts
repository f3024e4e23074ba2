// Changes apps outside of tasks: read → decide → commit. Every change of a place is also an event of one stream, so that two
// apps never take the same place, also at two agents.

import { hash } from "node:crypto";
import type { KnownSystems } from "@gantry/core/app/apps-may.ts";
import type { ClustersAt } from "@gantry/core/app/known-clusters.ts";
import { canonicalJson } from "@gantry/core/canonical-json.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { AppState } from "@gantry/core/task/model.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { MadeView } from "@gantry/wire/agent/deployments.ts";
import {
  allOf,
  openGuard,
  requireFreePlaces,
  requireOwnOverlays,
  type SharedFile,
  sharedFiles,
} from "../tasks/app-places.ts";
import type { Definitions } from "../tasks/definitions.ts";
import { serialize } from "../tasks/serialize.ts";
import { appStream, taskStream } from "../tasks/task-stream.ts";
import type { Tasks } from "../tasks/tasks.ts";
import {
  type AppDecision,
  type AppFacts,
  decideAdopt,
  decideChange,
  decideForget,
  decideRename,
} from "./decide-app-change.ts";

export type AppsDeps = {
  readonly journal: Journal;
  readonly tasks: Pick<Tasks, "now">;
  /** The pipelines and environments that apps may name. Default: unknown, and names are not checked. */
  readonly definitions?: Pick<Definitions, "list" | "environments">;
  readonly knownSites?: () => readonly string[];
  /** The clusters of the sites. Default: nobody knows, and they are not checked. */
  readonly knownClusters?: () => Promise<ClustersAt>;
  /** What the failed creation of an app made and an undo would take back. Default: nothing. */
  readonly madeFor?: (app: AppState) => Promise<readonly MadeView[]>;
  /** What apps may have at the sites. Default: nobody knows, and only runners check it. */
  readonly knownSystems?: KnownSystems;
};

export type AppOutcome = Pick<AppDecision, "change" | "app"> & {
  /** Files that other apps write, too. */
  readonly shared?: readonly SharedFile[];
};

type Forgetting = {
  readonly by: string;
  /** What a failed creation made stays, and is no longer known. */
  readonly keep?: boolean | undefined;
};

/** `dryRun`: everything is checked, and nothing is written. */
type ChangeRequest = { readonly by: string; readonly dryRun?: boolean | undefined };

/**
 * Durable when they resolve. Changes are made one after the other. All throw `conflict` when others kept committing first or
 * a task of the app does not allow it.
 */
export type Apps = {
  /** Throws `app-exists`, `bad-request` with pointers below `/app`, `place-taken` and `overlay-taken`. */
  readonly adopt: (name: string, request: ChangeRequest & { readonly app: JsonObject }) => Promise<AppOutcome>;
  /** Throws `app-unknown`, `version-differs`, `bad-request` with pointers into the app, `place-taken` and `overlay-taken`. */
  readonly change: (
    name: string,
    request: ChangeRequest & { readonly patch: JsonObject; readonly revision: string | undefined },
  ) => Promise<AppOutcome>;
  /** Old tasks keep the old name. Throws `app-unknown`, and `app-exists` when the new name is taken. */
  readonly rename: (name: string, to: string, by: string) => Promise<AppOutcome>;
  /**
   * The app is no longer known and its name is free; nothing outside changes. Throws `app-unknown`, and `creation-left` if a
   * failed creation made something that an undo would take back, unless `keep`.
   */
  readonly forget: (name: string, request: Forgetting) => Promise<void>;
};

const MAX_CONFLICTS = 8;

/** Depends only on the record of an app. */
export function revisionOf({ record }: Pick<AppState, "record">): string {
  return hash("sha256", canonicalJson(record), "base64url").slice(0, 22);
}

export function openApps(deps: AppsDeps): Apps {
  const { journal } = deps;
  const queues = new Map<string, Promise<unknown>>();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => serialize(queues, "apps", work);
  /** Undefined after a conflict. */
  const repeat = async <T>(name: string, attempt: () => Promise<T | undefined>): Promise<T> => {
    for (let round = 0; round < MAX_CONFLICTS; round += 1) {
      const done = await attempt();
      if (done !== undefined) return done;
    }
    throw new GantryError("conflict", { what: `App ${name}` });
  };
  const one = (
    name: string,
    { by, dryRun = false }: ChangeRequest,
    decide: (facts: AppFacts) => AppDecision | GantryError,
  ): Promise<AppOutcome> =>
    inTurn(() =>
      repeat(name, async () => {
        const guard = await openGuard(journal);
        const { facts, version } = await readFacts(deps, name, by);
        const decided = decide(facts);
        if (decided instanceof GantryError) throw decided;
        await requireFreePlaces(journal, decided.app, [name]);
        const outcome = { ...decided, shared: await sharedFiles(journal, decided.app, [name]) };
        requireOwnOverlays(decided.app, outcome.shared, facts.app?.record ?? {});
        if (decided.change === "unchanged" || dryRun) return outcome;
        const { ok } = await journal.append([appendOf(decided, version), guard(name)]);
        return ok ? outcome : undefined;
      }),
    );

  return {
    adopt: (name, request) => one(name, request, (facts) => decideAdopt(facts, request.app)),
    change: (name, request) => one(name, request, (facts) => decideChange(facts, request)),
    forget: async (name, { by, keep = false }) =>
      void (await one(name, { by }, (facts) => decideForget(facts, { keep }))),
    rename: (name, to, by) =>
      inTurn(() =>
        repeat(name, async () => {
          const guard = await openGuard(journal);
          const { facts, version } = await readFacts(deps, name, by);
          const taken = await readFacts(deps, to, by);
          if (taken.facts.app) throw new GantryError("app-exists", { app: to, why: "The name is taken" });
          const decided = decideRename(facts, to);
          if (decided instanceof GantryError) throw decided;
          await requireFreePlaces(journal, decided.renamed.app, [name, to]);
          const { ok } = await journal.append([
            appendOf(decided.old, version),
            appendOf(decided.renamed, taken.version),
            guard(name),
          ]);
          return ok ? decided.renamed : undefined;
        }),
      ),
  };
}

function appendOf({ app, events }: AppDecision, expected: number): StreamAppend {
  return appStream.append(app.name, { expected, events, state: app });
}

async function readFacts(
  { journal, tasks, definitions, knownSites, knownClusters, knownSystems, madeFor }: AppsDeps,
  name: string,
  by: string,
): Promise<{ readonly facts: AppFacts; readonly version: number }> {
  const loaded = await appStream.load(journal, name);
  const app = loaded?.state.state === "removed" ? undefined : loaded?.state;
  return {
    facts: {
      name,
      app,
      revision: app ? revisionOf(app) : "",
      // Read after the app: a task that starts later changes the version of the app.
      openTask: app && (await openTaskOf(journal, name)),
      sites: knownSites?.(),
      clustersAt: await knownClusters?.(),
      systemsAt: await knownSystems?.(),
      made: app && (await madeFor?.(app)),
      environments: Object.keys(definitions?.environments?.() ?? {}),
      pipelines: definitions?.list().map(({ pipeline }) => pipeline),
      by,
      at: await tasks.now(),
    },
    version: loaded?.version ?? 0,
  };
}

async function openTaskOf(journal: Journal, name: string): Promise<string | undefined> {
  for await (const item of allOf(journal, "open")) {
    const { app, id } = taskStream.stateOf(item);
    if (app === name) return id;
  }
  return undefined;
}
