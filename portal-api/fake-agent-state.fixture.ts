// What the fake task-agent keeps in memory, and the views from which it makes its own.

import { GantryError } from "@gantry/core/errors.ts";
import type { JsonObject } from "@gantry/core/json.ts";
import type { ApprovalView } from "@gantry/wire/agent/approvals.ts";
import type { DefinitionsView } from "@gantry/wire/agent/definitions.ts";
import type { StartProposal } from "@gantry/wire/agent/proposals.ts";
import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { TriggerView } from "@gantry/wire/agent/triggers/triggers.ts";
import type { AppView, BuildView, FeedEvent, PipelineView, TaskView } from "@gantry/wire/agent/views.ts";
import type { SettingsView } from "@gantry/wire/settings/settings.ts";

export type FakeState = {
  apps: Map<string, AppView>;
  sites: Map<string, SiteView>;
  builds: Map<string, BuildView[]>;
  pipelines: Map<string, PipelineView>;
  triggers: Map<string, TriggerView>;
  /** Of the set in force, besides its pipelines. */
  set: Pick<DefinitionsView["inForce"], "source" | "environments"> & {
    readonly files: readonly { readonly file: string; readonly text: string }[];
  };
  tasks: Map<string, TaskView>;
  /** What waits for people. */
  approvals: ApprovalView[];
  keys: Map<string, { body: string; task: string }>;
  /** Key of a delivery of a webhook → the delivery. */
  readonly deliveries: Map<string, { readonly id: string; readonly body: string }>;
  events: FeedEvent[];
  log: { bytes: Buffer; final: boolean };
  /** Requests to look for an app. */
  looks: StartProposal[];
};

export const AT = "2026-11-20T07:00:00Z";
export const newState = (): FakeState => ({
  apps: new Map([[APP.name, APP]]),
  sites: new Map([[SITE.name, SITE]]),
  builds: new Map(),
  approvals: [],
  pipelines: new Map([[PIPELINE.name, PIPELINE]]),
  triggers: new Map(),
  set: { source: { kind: "folder" }, environments: [], files: [] },
  tasks: new Map(),
  keys: new Map(),
  deliveries: new Map(),
  events: [],
  log: { bytes: Buffer.alloc(0), final: false },
  looks: [],
});

export const PIPELINE: PipelineView = {
  name: "ci",
  title: "CI",
  summary: "Builds an image",
  button: "Run CI",
  app: "existing",
  version: "1",
  params: { type: "object", properties: { ref: { type: "string" } }, required: [], additionalProperties: false },
  jobs: [{ id: "build", title: "Build", needs: [], site: "seoul", steps: [{ id: "checkout", title: "Check out" }] }],
};
export const APPROVAL: ApprovalView = {
  task: "t1",
  title: "Run CD: orders",
  app: "orders",
  pipeline: "cd",
  job: "build",
  jobTitle: "Build",
  site: "seoul",
  question: "Deploy orders #12 to prod (seoul)?",
  plan: "sha256:0",
  requestedBy: "dev",
  requestedAt: AT,
  until: "2026-11-27T07:00:00Z",
  demands: [{ environment: "prod", approvers: ["group:ops"], count: 1, missing: 1, notOwn: true }],
  answers: [],
  targets: [{ name: "seoul", environment: "prod", build: 11 }],
};

export const APP: AppView = {
  name: "orders",
  state: "ready",
  createdBy: "ada",
  createdAt: AT,
  task: "t0",
  record: { title: "Orders" },
  facts: {},
  latest: {},
};
export const BUILD: BuildView = {
  number: 7,
  app: "orders",
  commit: "c0ffee0c0ffee0c0ffee",
  branch: "main",
  subject: "Mend the till",
  images: [
    { name: "orders", repository: "apps/orders", image: "harbor/apps/orders", digest: `sha256:${"a".repeat(64)}` },
  ],
  task: "t0",
  by: "kim",
  at: AT,
  runsIn: [],
  isRelease: true,
  unmet: {},
};
export const SITE: SiteView = {
  name: "seoul",
  state: "online",
  runners: [],
  systems: [{ name: "harbor", kind: "harbor", url: "http://harbor.seoul", standIn: true }],
  queue: [],
};

export const RUNNER: SiteView["runners"][number] = {
  name: "seoul-1",
  site: "seoul",
  state: "online",
  labels: [],
  slots: 4,
  busy: 0,
  version: "0.1.0",
  host: { name: "host-1", platform: "linux", cpus: 2, memoryMb: 4_096 },
  lastHeardAt: AT,
};

export const SETTINGS: SettingsView = { version: 0, items: [] };

export function need(state: FakeState, id: string): TaskView {
  const task = state.tasks.get(id);
  if (!task) throw new GantryError("not-found", { kind: "task", name: id });
  return task;
}

export function newTask(id: string): TaskView {
  return {
    id,
    pipeline: "ci",
    title: "Run CI: orders",
    app: "orders",
    state: "running",
    headline: "CI of orders is running.",
    requestedBy: "ada",
    requestedAt: AT,
    stepsDone: 0,
    stepsTotal: 1,
    sites: ["seoul"],
    version: 0,
    params: {},
    definition: { name: "ci", version: "1" },
    outputs: {},
    jobs: [],
  };
}

export function newEvent(state: FakeState, view: TaskView, kind: string, more: JsonObject): FeedEvent {
  const taskseq = state.events.filter((event) => event.subject === view.id).length + 1;
  return {
    specversion: "1.0",
    id: `${view.id}/${taskseq}`,
    source: "/gantry/test",
    type: `dev.gantry.test.${kind.toLowerCase()}.v1`,
    subject: view.id,
    time: AT,
    datacontenttype: "application/json",
    seq: (state.events.at(-1)?.seq ?? 0) + 1,
    taskseq,
    data: {
      task: view.id,
      pipeline: view.pipeline,
      title: view.title,
      ...(view.app === undefined ? {} : { app: view.app }),
      requestedBy: view.requestedBy,
      url: `/tasks/${view.id}`,
      event: { kind, ...more },
    },
  };
}
