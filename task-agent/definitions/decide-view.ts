// What the portal is told about the definitions. Pure.

import type { Problem } from "@gantry/core/errors.ts";
import type { DefinitionsView, RefusedSet } from "@gantry/wire/agent/definitions.ts";
import type { LiveDefinitions } from "../tasks/definitions.ts";
import type { SyncConfig } from "./decide-sync.ts";
import type { SyncState } from "./sync-stream.ts";

const MAX_PROBLEMS = 100;

export function definitionsView(
  definitions: Pick<LiveDefinitions, "set" | "environments" | "origin" | "refused" | "others">,
  sync?: { readonly config: SyncConfig; readonly state: SyncState | undefined },
): DefinitionsView {
  const { source, at } = definitions.origin();
  const refused = sync?.state?.refused ?? definitions.refused();
  return {
    inForce: {
      source: structuredClone(source),
      ...(at === undefined ? {} : { since: iso(at) }),
      definitions: definitions.set().map(({ pipeline: { name }, ...rest }) => ({ name, ...rest })),
      environments: Object.keys(definitions.environments?.() ?? {}),
      files: definitions.others().map(({ file, digest }) => ({ file, digest })),
    },
    ...(refused === undefined ? {} : { refused: refusedView(refused) }),
    ...(sync === undefined ? {} : { sync: syncView(sync.config, sync.state) }),
  };
}

function syncView(
  { repository, everyMs }: SyncConfig,
  state: SyncState | undefined,
): NonNullable<DefinitionsView["sync"]> {
  const about = { repository: structuredClone(repository), everySeconds: everyMs / 1_000 };
  if (!state) return { ...about, state: "none" };
  const { task, requestedAt, result } = state;
  return {
    ...about,
    task,
    requestedAt: iso(requestedAt),
    state: result?.state ?? "running",
    ...(result?.state === "failed" ? { problem: result.problem } : {}),
  };
}

type Refused = { readonly at: number; readonly commit?: string; readonly problems: readonly Problem[] };

/** `at`: ms since 1970. `commit`: absent for a folder. */
function refusedView({ problems, at, commit }: Refused): RefusedSet {
  return {
    at: iso(at),
    ...(commit === undefined ? {} : { commit }),
    count: problems.length,
    problems: problems.slice(0, MAX_PROBLEMS).map(({ detail, file, line, column }) => ({ detail, file, line, column })),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
