// Starts a task: read → decide → commit. The idempotency key is a stream of its own, so two requests with the same key
// never start two tasks, even when they reach two agents.

import { hash } from "node:crypto";
import type { KnownSystems } from "@gantry/core/app/apps-may.ts";
import type { ClustersAt } from "@gantry/core/app/known-clusters.ts";
import { canonicalJson } from "@gantry/core/canonical-json.ts";
import { childrenOf } from "@gantry/core/child/child-set.ts";
import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject, JsonValue } from "@gantry/core/json.ts";
import type { Concurrency, Pipeline } from "@gantry/core/pipeline/pipeline.ts";
import { HIDDEN_PARAM, secretParamsOf } from "@gantry/core/pipeline/secret-params.ts";
import { KEY_WINDOW_DAYS } from "@gantry/core/retention/policy.ts";
import { concurrencyOf } from "@gantry/core/task/from-fork.ts";
import type { AppState, Parent, TaskState } from "@gantry/core/task/model.ts";
import { newTaskId, timeOfTask } from "@gantry/core/task/task-id.ts";
import type { Journal, StreamAppend } from "@gantry/journal/journal.ts";
import { defineStream } from "@gantry/journal/typed-stream.ts";
import type { StartTask } from "@gantry/wire/agent/agent-api.ts";
import { chooseBuild } from "../builds/choose-build.ts";
import { type DecidedRollback, decideRollback } from "../builds/decide-rollback.ts";
import { holdsOf, rollbackFacts } from "../builds/rollback.ts";
import { raise } from "../limits.ts";
import { DAY_MS } from "../retention/decide-retention.ts";
import type { Seal } from "../secrets/seal.ts";
import { comparableParams, openParams, sealParams } from "../secrets/secret-params.ts";
import { openGuard, takenByOthers } from "./app-places.ts";
import { namesSecrets, type SecretsAt } from "./decide-secrets.ts";
import { appName, decideStart, isAppName, type Rerun, type Started, type StartRequest } from "./decide-start.ts";
import type { Definition, Definitions } from "./definitions.ts";
import { cancelOlder, taskBefore } from "./task-groups.ts";
import type { TaskRecord } from "./task-store.ts";
import { appStream } from "./task-stream.ts";
import type { Tasks } from "./tasks.ts";

export type StartDeps = {
  readonly journal: Journal;
  readonly tasks: Tasks;
  readonly definitions: Definitions;
  /** Pipelines that apps have brought themselves. Default: none. */
  readonly ownPipelines?: OwnDefinitions;
  readonly portalUrl: string;
  /** A random UUID. */
  readonly newId: () => string;
  /** Counts a new task of this principal; throws `too-many`. Default: no limit. */
  readonly admit?: (principal: string) => void;
  /** Limit of the parameters of a request, in bytes of JSON. Default: none. */
  readonly paramsBytes?: number;
  /** Seals secret parameters. Absent: tasks with secret parameters are refused. */
  readonly seal?: Seal | undefined;
  /** Sites that runners serve. Default: unknown, and sites are not checked. */
  readonly knownSites?: () => readonly string[];
  /** The clusters of the sites. Default: nobody knows, and they are not checked. */
  readonly knownClusters?: () => Promise<ClustersAt>;
  /** What apps may have at the sites. Default: nobody knows, and only runners check it. */
  readonly knownSystems?: KnownSystems;
  /** The names of the secrets of the sites. Default: nobody knows, and only runners check them. */
  readonly knownSecrets?: () => Promise<SecretsAt>;
};

export type OwnDefinitions = {
  /** The pipeline of the app that has this name now; undefined when there is none. */
  readonly named: (name: string, app: string | undefined) => Promise<Definition | undefined>;
  /** Whether the platform team lets the app have this pipeline of its own now. */
  readonly allows: (pipeline: Pipeline, app: string) => Promise<boolean>;
};

type KeyState = { readonly task: string; readonly fingerprint: string };
const keyStream = defineStream<KeyState>({ prefix: "key/", index: ({ task }) => ({ keys: [task] }) });

/** `last`: the task that was requested last in this group. */
type GroupState = { readonly group: string; readonly last: string };
const groupStream = defineStream<GroupState>({ prefix: "group/" });

const MAX_CONFLICTS = 8;

/**
 * Starts a task, or returns the one that the same key started before. Durable when it resolves. Throws `pipeline-unknown`,
 * `too-many`, `body-too-large`, `idempotency-key-reused`, what `decideStart` refuses, and `conflict` when others kept committing first.
 */
export async function startTask(deps: StartDeps, request: StartRequest, rerun?: Rerun): Promise<TaskRecord> {
  checkSize(deps, request);
  const definition = await definitionFor(deps, request, rerun);
  const key = keyOf(request);
  const { params: given } = request.asked ?? request;
  const comparable = comparableParams(deps.seal, definition.pipeline.params, given);
  const fingerprint = fingerprintOf(request, comparable, rerun);
  for (let round = 0; round < MAX_CONFLICTS; round += 1) {
    const before = await keyStream.load(deps.journal, key);
    const known = before && (await replay(deps, before.state, fingerprint));
    if (known) return cancelOlder(deps.tasks, known);
    if (round === 0) deps.admit?.(request.principal);
    const { decided, appVersion, holds } = await decide(deps, definition, request, rerun);
    const id = decided.event.task;
    const places = await guardPlaces(deps, definition, decided);
    const params = sealParams(deps.seal, definition.pipeline, decided.event.params, id);
    const group = await joinGroup(deps, concurrencyOf(definition.pipeline, decided.event), decided.event);
    const event = { ...decided.event, params, ...group?.place };
    const alongside = (state: TaskState): StreamAppend[] => [
      // The event increases the version, so the second of two concurrent requests with the same key meets a conflict.
      keyStream.append(key, {
        expected: before?.version ?? 0,
        events: [{ kind: "KeyUsed", task: state.id }],
        state: { task: state.id, fingerprint },
      }),
      ...(group ? [group.append] : []),
      ...appAppend(decided, appVersion),
      ...holds,
      ...places,
    ];
    const record = await deps.tasks.create(definition.pipeline, [event], alongside);
    if (record) return cancelOlder(deps.tasks, record);
  }
  throw new GantryError("conflict", { what: `App ${request.app ?? ""}` });
}

/** The task that this key of the principal started; undefined when it started none. */
export async function taskOfKey(
  journal: Pick<Journal, "load">,
  request: Pick<StartTask, "principal" | "idempotencyKey">,
): Promise<string | undefined> {
  return (await keyStream.load(journal, keyOf(request)))?.state.task;
}

/** The task that does the work of a job; undefined when none was started. */
export async function taskOfChild(
  journal: Pick<Journal, "load">,
  parent: Pick<Parent, "task" | "job">,
): Promise<string | undefined> {
  return (await keyStream.load(journal, keyOfChild(parent)))?.state.task;
}

function keyOf({
  principal,
  idempotencyKey,
  child,
}: Pick<StartRequest, "principal" | "idempotencyKey" | "child">): string {
  return child ? keyOfChild(child.parent) : digest([principal, idempotencyKey]);
}

/** People choose keys, and none of theirs has three parts. */
function keyOfChild({ task, job }: Pick<Parent, "task" | "job">): string {
  return digest(["child", task, job]);
}

/** Others kept committing first, so the request may be repeated. A conflict with a `problem` is a refusal. */
export function isStoreBusy(error: unknown): boolean {
  return error instanceof GantryError && error.code === "conflict" && error.details.problem === undefined;
}

/** What `startTask` would do with this rerun, with the same refusals. Writes nothing. */
export async function planOfRerun(
  deps: StartDeps,
  request: StartRequest,
  rerun: Rerun,
): Promise<{ readonly definition: Definition; readonly decided: Started }> {
  checkSize(deps, request);
  const definition = await definitionFor(deps, request, rerun);
  const { decided } = await decide(deps, definition, request, rerun);
  return { definition, decided };
}

/** Reads what the decision needs, and decides. Throws what `decideStart` refuses. */
async function decide(
  deps: StartDeps,
  definition: Definition,
  request: StartRequest,
  rerun: Rerun | undefined,
): Promise<{ readonly decided: Started; readonly appVersion: number; readonly holds: readonly StreamAppend[] }> {
  const at = await deps.tasks.now();
  const id = newTaskId(at, deps.newId());
  const name = appName(definition, request);
  const loaded = isAppName(name) ? await appStream.load(deps.journal, name) : undefined;
  const app = loaded?.state.state === "removed" ? undefined : loaded?.state;
  const back = await wayBack(deps, definition, app, request);
  const params = { ...request.params, ...back?.params } as StartTask["params"];
  const decided = decideStart({
    definition,
    request: { ...request, params },
    rollback: back?.rollback,
    app,
    name,
    at,
    id,
    url: `${deps.portalUrl}/tasks/${id}`,
    rerun,
    children: request.child || rerun?.definition === "pinned" ? {} : childrenInForce(deps, definition),
    sites: deps.knownSites?.(),
    clustersAt: definition.pipeline.app === "existing" ? undefined : await deps.knownClusters?.(),
    newest: deps.definitions.current(definition.pipeline.name)?.pipeline,
    build: app && (await chooseBuild(deps.journal, definition.pipeline, app, params)),
    environments: deps.definitions.environments?.() ?? {},
    siteDefaults: deps.definitions.sites?.() ?? {},
    systemsAt: definition.pipeline.app === "new" ? await deps.knownSystems?.() : undefined,
    secretsAt: namesSecrets(definition.pipeline) ? await deps.knownSecrets?.() : undefined,
  });
  if (decided instanceof GantryError) throw decided;
  const holds = back && app ? await holdsOf(deps.journal, app, back, { task: id, by: request.principal, at }) : [];
  return { decided, appVersion: loaded?.version ?? 0, holds };
}

/** Of a rollback: what it does. Throws `rollback-impossible`, and `app-unknown`. */
async function wayBack(
  { journal, definitions }: StartDeps,
  { pipeline }: Definition,
  app: AppState | undefined,
  { rollback, app: name = "" }: StartRequest,
): Promise<DecidedRollback | undefined> {
  if (rollback === undefined) return undefined;
  if (app?.state !== "ready") throw new GantryError("app-unknown", { app: name });
  const facts = await rollbackFacts(journal, app);
  const decided = decideRollback(facts, pipeline, rollback, definitions.environments?.() ?? {});
  if (decided instanceof GantryError) throw decided;
  return decided;
}

/** Throws `pipeline-unknown`. */
function childrenInForce(
  { definitions }: Pick<StartDeps, "definitions">,
  { pipeline }: Definition,
): { readonly [pipeline: string]: string } {
  const names = childrenOf(pipeline, (name) => definitions.current(name)?.pipeline);
  return Object.fromEntries(
    names.map((name) => {
      const known = definitions.current(name);
      if (!known) throw new GantryError("pipeline-unknown", { pipeline: name });
      return [name, known.version];
    }),
  );
}

/** A rerun uses the file of the original task unless the newest one is requested, because that one may do something else. */
async function definitionFor(
  { definitions, ownPipelines }: StartDeps,
  { pipeline, app, child, definition }: StartRequest,
  rerun?: Rerun,
): Promise<Definition> {
  if (child) return child.definition;
  if (definition) return definition;
  if (rerun?.definition === "pinned") {
    const version = rerun.of.definition;
    const pinned = await definitions.pinned(version);
    // What an app brought stays stored when the platform team takes the permission back.
    if (pinned.origin === "app" && (await ownPipelines?.allows(pinned, app ?? "")) !== true)
      throw new GantryError("conflict", {
        what: `Task ${rerun.of.id}`,
        problem: "cannot be rerun with its own pipeline file",
        why: "The platform team does not let this app have this pipeline of its own any more.",
      });
    return { version, pipeline: pinned };
  }
  const current = definitions.current(pipeline) ?? (await ownPipelines?.named(pipeline, app));
  if (!current) throw new GantryError("pipeline-unknown", { pipeline });
  return current;
}

/** Differs for requests with the same key that ask for different tasks. */
function fingerprintOf(
  { pipeline, app, rollback, definition, callback, asked }: StartRequest,
  params: JsonObject,
  rerun: Rerun | undefined,
): string {
  return digest([
    asked?.pipeline ?? pipeline,
    app ?? null,
    params,
    rerun?.of.id ?? null,
    rerun ? rerun.from === "failed" : null,
    // Included only if requested, so that keys of older versions stay valid.
    ...(rerun?.definition === "newest" ? ["newest"] : []),
    ...(typeof rerun?.from === "object" ? [rerun.from.job] : []),
    ...(rollback === undefined ? [] : [{ targets: [], to: null, reason: "", ...JSON.parse(JSON.stringify(rollback)) }]),
    ...(definition === undefined || asked ? [] : [definition.version]),
    ...(callback === undefined ? [] : [{ callback: JSON.parse(JSON.stringify(callback)) }]),
  ]);
}

/**
 * The request for a new task with the parameters of an older one. A secret that is no longer declared as secret in the new
 * file is omitted: it would be stored and shown. So are all secrets for a newer file of an app: whoever changed it did not
 * give them. Throws `sealing-key-missing`.
 */
export function rerunRequest(
  { seal, definitions }: Pick<StartDeps, "seal" | "definitions">,
  { state: of, pipeline }: Pick<TaskRecord, "state" | "pipeline">,
  request: Pick<StartTask, "principal" | "idempotencyKey"> & {
    readonly definition: Rerun["definition"];
    /** Parameters that differ; null: without it. */
    readonly params?: JsonObject | undefined;
  },
): StartTask {
  const { principal, idempotencyKey } = request;
  const now = request.definition === "newest" ? (definitions.current(of.pipeline)?.pipeline ?? pipeline) : pipeline;
  const isOwn = pipeline.origin === "app" && request.definition === "newest";
  const still = new Set(isOwn ? [] : secretParamsOf(now.params));
  const shown = secretParamsOf(pipeline.params).filter((name) => !still.has(name));
  const params = Object.entries(openParams(seal, pipeline.params, of.params, of.id));
  return {
    pipeline: of.pipeline,
    ...(of.app === undefined ? {} : { app: of.app }),
    params: editedParams(Object.fromEntries(params.filter(([name]) => !shown.includes(name))), request.params),
    principal,
    idempotencyKey,
  };
}

/** A secret that a form gives back as it is shown stays what it was. */
function editedParams(before: JsonObject, edited: JsonObject = {}): StartTask["params"] {
  const changed = Object.entries(edited).filter(([, value]) => value !== HIDDEN_PARAM);
  const after = { ...before, ...Object.fromEntries(changed) };
  return Object.fromEntries(Object.entries(after).filter(([, value]) => value !== null)) as StartTask["params"];
}

function appAppend({ app, appEvents }: Started, expected: number): readonly StreamAppend[] {
  return app ? [appStream.append(app.name, { expected, events: appEvents, state: app })] : [];
}

/** Throws `claim-taken` and `place-taken` when a new app would have what another one has; the append notices others that come in between. */
async function guardPlaces(
  { journal }: StartDeps,
  { pipeline }: Definition,
  { app }: Started,
): Promise<readonly StreamAppend[]> {
  if (pipeline.app !== "new" || app?.state !== "creating") return [];
  const guard = await openGuard(journal);
  const taken = await takenByOthers(journal, app);
  if (taken) throw taken;
  return [guard(app.name)];
}

/** `behind`: the task that must end first; absent when the new task may start at once. */
type GroupPosition = {
  readonly place: { readonly ticket: number; readonly behind?: string };
  readonly append: StreamAppend;
};

/** Throws `group-busy`. */
async function joinGroup(
  deps: StartDeps,
  concurrency: Concurrency | undefined,
  of: Started["event"],
): Promise<GroupPosition | undefined> {
  const { group, task: id } = of;
  if (group === undefined) return undefined;
  const key = digest(group);
  const loaded = await groupStream.load(deps.journal, key);
  const version = loaded?.version ?? 0;
  const append = groupStream.append(key, {
    expected: version,
    // The event increases the version, so the second of two concurrent requests meets a conflict.
    events: [{ kind: "GroupJoined", task: id }],
    state: { group, last: id },
  });
  const behind = await taskBefore(deps, concurrency, { group, last: loaded?.state.last, of });
  return { place: { ticket: version + 1, ...(behind === undefined ? {} : { behind }) }, append };
}

/** The task that the key started. Undefined when that task was archived: by then the key has expired and may be used again. */
async function replay(deps: StartDeps, known: KeyState, fingerprint: string): Promise<TaskRecord | undefined> {
  const record = await deps.tasks.read(known.task);
  const isExpired = (await deps.tasks.now()) - (timeOfTask(known.task) ?? 0) >= KEY_WINDOW_DAYS * DAY_MS;
  if (!record && isExpired) return undefined;
  if (known.fingerprint !== fingerprint) throw new GantryError("idempotency-key-reused");
  if (!record) throw new Error(`task ${known.task} of a stored key is not in the journal`);
  return record;
}

function digest(value: JsonValue): string {
  return hash("sha256", canonicalJson(value), "hex");
}

function checkSize({ paramsBytes: limit = Infinity }: StartDeps, { params }: StartTask): void {
  if (Buffer.byteLength(JSON.stringify(params)) <= limit) return;
  throw new GantryError("body-too-large", { what: "The list of parameters", limit, hint: raise("paramsBytes") });
}
