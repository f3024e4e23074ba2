// Maps events of a task to CDEvents 0.5.1; all others are published under a type of their own. Pure. Each fact is one event:
// where the end of a step names its product (an image, a repository, a deployment), the CDEvent is about the product
// instead of the end. docs/events.md has the table.

import { isJsonObject, type JsonObject, type JsonValue } from "@gantry/core/json.ts";
import type { Outcome } from "@gantry/core/task/states.ts";
import type { FeedEvent } from "../agent/views.ts";

/** What the event itself does not contain. */
export type FactContext = {
  /** When the first job of the task started, milliseconds since 1970. */
  readonly startedAt: number | undefined;
  /** For events of a step: the name of the step type; absent for a script. */
  readonly uses: string | undefined;
  /** For events of a job: its site. */
  readonly site: string | undefined;
};

export type CdEvent = {
  readonly type: string;
  readonly subject: { readonly id: string; readonly content: JsonObject };
};

export function cdEventOf(event: FeedEvent, context: FactContext): CdEvent | undefined {
  const fact = event.data.event;
  const run = { pipelineName: event.data.pipeline, uri: addressOf(event) };
  const id = event.data.task;
  switch (fact.kind) {
    case "TaskRequested":
      return { type: "dev.cdevents.pipelinerun.queued.0.3.0", subject: { id, content: run } };
    case "JobStarted":
      // Only the first one starts the run; the others have no CDEvent.
      return fact.at === context.startedAt
        ? { type: "dev.cdevents.pipelinerun.started.0.3.0", subject: { id, content: run } }
        : undefined;
    case "TaskEnded": {
      const content = { ...run, ...endOf(fact) };
      return { type: "dev.cdevents.pipelinerun.finished.0.3.0", subject: { id, content } };
    }
    case "StepStarted":
      return { type: "dev.cdevents.taskrun.started.0.3.0", subject: { id: stepId(event), content: stepOf(event) } };
    case "StepEnded": {
      const made = fact.outcome === "succeeded" ? madeBy(event, context) : undefined;
      if (made) return made;
      const content = { ...stepOf(event), ...endOf(fact) };
      return { type: "dev.cdevents.taskrun.finished.0.3.0", subject: { id: stepId(event), content } };
    }
    default:
      return undefined;
  }
}

/** `registry.example/shop/orders@sha256:12…` → `pkg:oci/orders@sha256%3A12…?repository_url=registry.example/shop/orders` */
export function imagePurl(ref: string): string | undefined {
  const [, repository, digest] = /^([^@]+)@(sha256:[0-9a-f]{64})$/.exec(ref) ?? [];
  if (repository === undefined || digest === undefined) return undefined;
  const name = repository.slice(repository.lastIndexOf("/") + 1).replace(/:[^:]*$/, "");
  return `pkg:oci/${name}@${encodeURIComponent(digest)}?repository_url=${repository}`;
}

function madeBy({ data }: FeedEvent, { uses, site }: FactContext): CdEvent | undefined {
  const outputs = objectOf(data.event.outputs);
  const text = (name: string): string => (typeof outputs[name] === "string" ? outputs[name] : "");
  if (uses === "image/build-push") {
    const id = imagePurl(text("ref"));
    return id === undefined
      ? undefined
      : { type: "dev.cdevents.artifact.published.0.3.0", subject: { id, content: {} } };
  }
  if (uses === "git/create-repository" && outputs.created === true && URL.canParse(text("cloneUrl"))) {
    const view: JsonObject = URL.canParse(text("url")) ? { viewUrl: text("url") } : {};
    const content: JsonObject = { name: text("slug"), owner: text("project"), uri: text("cloneUrl"), ...view };
    const subject = { id: `${text("project")}/${text("slug")}`, content };
    return { type: "dev.cdevents.repository.created.0.3.0", subject };
  }
  if (uses === "git/commit-push" && outputs.changed === true && text("commit") !== "") {
    return { type: "dev.cdevents.change.merged.0.3.0", subject: { id: text("commit"), content: {} } };
  }
  if (uses === "argocd/wait" && site !== undefined) {
    const images: readonly JsonValue[] = Array.isArray(outputs.images) ? outputs.images : [];
    const artifactId = images.flatMap((image) => (typeof image === "string" ? (imagePurl(image) ?? []) : []))[0];
    if (artifactId === undefined) return undefined;
    const subject = { id: data.app ?? data.task, content: { environment: { id: site }, artifactId } };
    return { type: "dev.cdevents.service.deployed.0.3.0", subject };
  }
  return undefined;
}

const ENDS: { readonly [O in Outcome]: "success" | "failure" | "cancel" | "error" } = {
  succeeded: "success",
  skipped: "success",
  failed: "failure",
  "timed-out": "failure",
  canceled: "cancel",
  errored: "error",
};

function endOf(fact: JsonObject): JsonObject {
  const { message } = objectOf(fact.failure);
  return {
    outcome: ENDS[fact.outcome as Outcome] ?? "error",
    ...(typeof message === "string" ? { errors: message } : {}),
  };
}

function stepOf(event: FeedEvent): JsonObject {
  const { step } = event.data.event;
  return { taskName: String(step), uri: addressOf(event), pipelineRun: { id: event.data.task } };
}

function stepId({ data }: FeedEvent): string {
  const { job, step, attempt } = data.event;
  return `${data.task}/${String(job)}/${String(step)}/${String(attempt)}`;
}

/** CDEvents requires an absolute URI. */
function addressOf({ data }: FeedEvent): string {
  return URL.canParse(data.url) ? data.url : `urn:gantry:task:${data.task}`;
}

function objectOf(value: JsonValue | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
