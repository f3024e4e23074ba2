// A request for a task: read → decide → commit. The idempotency key is a stream of its own, so that two requests with
// the same key can never both start something, whichever process they reach.

import { createHash } from "node:crypto";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonValue } from "@gantry/core/json.ts";
import { KEY_WINDOW_DAYS } from "@gantry/core/retention/policy.ts";
import type { AppState, TaskState } from "@gantry/core/task/model.ts";
import { newTaskId, timeOfTask } from "@gantry/core/task/task-id.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { DAY_MS } from "../retention/decide-retention.ts";
import { canonicalJson } from "./canonical-json.ts";
import { appName, decideStart, isAppName, type Rerun } from "./decide-start.ts";
import type { Definitions } from "./definitions.ts";
import { appCommit, appStream, type TaskRecord, type Tasks } from "./tasks.ts";

export type StartDeps = {
  readonly journal: Journal;
  readonly tasks: Tasks;
  readonly definitions: Definitions;
  readonly portalUrl: string;
  /** A random UUID. */
  readonly newId: () => string;
  /** Counts a new task of somebody; throws `too-many`. Default: nobody counts. */
  readonly admit?: (principal: string) => void;
};

type KeyRecord = { readonly task: string; readonly fingerprint: string };

/** Starts a task, or gives the one that the same key started before. Durable when it resolves. Throws `too-many`. */
export async function startTask(deps: StartDeps, wish: StartTask, rerun?: Rerun): Promise<TaskRecord> {
  const definition = deps.definitions.current(wish.pipeline);
  if (!definition) throw new GantryError("pipeline-unknown", { pipeline: wish.pipeline });
  const keyStream = `key/${digest([wish.principal, wish.idempotencyKey])}`;
  const fingerprint = digest([wish.pipeline, wish.app ?? null, wish.params, rerun?.of.id ?? null, rerun?.keep ?? null]);
  for (let round = 0; round < 8; round += 1) {
    const before = await deps.journal.load(keyStream);
    const known = before && (await replay(deps, before.snapshot as unknown as KeyRecord, fingerprint));
    if (known) return known;
    if (round === 0) deps.admit?.(wish.principal);
    const at = await deps.tasks.now();
    const id = newTaskId(at, deps.newId());
    const name = appName(definition, wish);
    const loaded = isAppName(name) ? await deps.journal.load(appStream(name)) : undefined;
    const app = loaded?.snapshot as unknown as AppState | undefined;
    const decided = decideStart({ definition, wish, app, name, at, id, url: `${deps.portalUrl}/tasks/${id}`, rerun });
    if (decided instanceof GantryError) throw decided;
    const place = await placeInGroup(deps, decided.event.group, id);
    const event = place?.behind === undefined ? decided.event : { ...decided.event, behind: place.behind };
    const beside = (state: TaskState): StreamAppend[] => [
      // The event makes the version grow: of two requests with the same key at the same time, one has to look again.
      {
        stream: keyStream,
        expected: before?.version ?? 0,
        events: [{ kind: "KeyUsed", task: state.id }],
        snapshot: { task: state.id, fingerprint },
        index: { keys: [state.id] },
      },
      ...(place ? [place.queue] : []),
      ...(decided.app ? [appCommit(decided.app, loaded?.version ?? 0, decided.appEvents)] : []),
    ];
    const record = await deps.tasks.create(definition.pipeline, [event], beside);
    if (record) return record;
  }
  throw new GantryError("conflict", { what: `App ${wish.app ?? ""}` });
}

/** Parameters of a new task like an older one. */
export function rerunWish(of: TaskState, principal: string, idempotencyKey: string): StartTask {
  return {
    pipeline: of.pipeline,
    ...(of.app === undefined ? {} : { app: of.app }),
    params: of.params as StartTask["params"],
    principal,
    idempotencyKey,
  };
}

type Place = { readonly behind: string | undefined; readonly queue: StreamAppend };

/** Tasks of one group run one after the other: each waits for the one that was requested before it. */
async function placeInGroup(deps: StartDeps, group: string | undefined, id: string): Promise<Place | undefined> {
  if (group === undefined) return undefined;
  const stream = `group/${digest(group)}`;
  const loaded = await deps.journal.load(stream);
  const last = (loaded?.snapshot as { last?: string } | undefined)?.last;
  const before = last === undefined ? undefined : await deps.tasks.read(last);
  // The event makes the version grow: of two requests at the same time, one has to look again.
  const events = [{ kind: "GroupJoined", task: id }];
  const queue = { stream, expected: loaded?.version ?? 0, events, snapshot: { group, last: id } };
  return { behind: before?.state.phase === "ended" ? undefined : before?.state.id, queue };
}

/** Undefined when the task has left for the archive: by then the key is over, and free again. */
async function replay(deps: StartDeps, known: KeyRecord, fingerprint: string): Promise<TaskRecord | undefined> {
  const record = await deps.tasks.read(known.task);
  const isOver = (await deps.tasks.now()) - (timeOfTask(known.task) ?? 0) >= KEY_WINDOW_DAYS * DAY_MS;
  if (!record && isOver) return undefined;
  if (known.fingerprint !== fingerprint) throw new GantryError("idempotency-key-reused");
  if (!record) throw new Error(`task ${known.task} of a known key is not in the journal`);
  return record;
}

function digest(value: JsonValue): string {
  return createHash("sha256").update(canonicalJson(value)).digest("hex");
}
