// One app: its repositories, its targets, its image, its tasks, and the buttons that run CI and CD.

import type { JsonValue } from "@gantry/core/json.ts";
import type { AppPipelinesView } from "@gantry/wire/agent/app-pipelines.ts";
import type { AppView, BuildView, TaskSummary } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { applyToPage, changesTaskRows } from "../data/apply-event.ts";
import { isJsonObject, listAt, textAt } from "../data/json-access.ts";
import { mayDo, refusalOf } from "../data/session.ts";
import { useResource } from "../data/store.ts";
import { EmptyState, Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { PageHeader, Section } from "../parts/page-layout.tsx";
import { Prose } from "../parts/prose.tsx";
import { TaskRows } from "../parts/task-rows.tsx";
import { ExternalLink, JsonValueView, RelativeTime } from "../parts/values.tsx";
import { RunButton } from "../run/run-button.tsx";
import { AppState } from "./apps.tsx";
import { AppBuilds } from "./sections/app-builds.tsx";
import { AppTargets } from "./sections/app-targets.tsx";
import { FailedCreation } from "./sections/failed-creation.tsx";
import { Pause } from "./sections/pause.tsx";
import { Triggers } from "./sections/triggers.tsx";

export function AppPage({ name }: { name: string }) {
  const app = useResource<AppView>(v1.app(name), {
    reloadOn: ({ data }) => data.app === name && data.event.kind === "TaskEnded",
  });
  const builds = useResource<Page<BuildView>>(v1.builds(name), {
    reloadOn: ({ data }) => data.app === name && data.event.kind === "TaskEnded",
  });
  const tasks = useResource<Page<TaskSummary>>(v1.tasks({ app: name }), {
    reloadOn: (event) => event.data.app === name && changesTaskRows(event),
    patch: applyToPage,
  });
  const others = useResource<AppPipelinesView>(v1.appPipelines(name)).data.value?.others ?? [];
  // Without the right to see the app, there are no buttons and no list that looks empty.
  if (app.data.value === undefined && app.problem.value?.status === 404) {
    return (
      <>
        <PageHeader title={name} />
        <ProblemBox problem={app.problem.value} />
      </>
    );
  }
  // CI is what comes first: its newest task is known as soon as it starts.
  const isMade = app.data.value === undefined || app.data.value.state === "ready";
  const wasBuilt = app.data.value?.latest.ci !== undefined || (builds.data.value?.items.length ?? 0) > 0;
  return (
    <>
      <PageHeader title={name} note={textAt(app.data.value?.record, "title") ?? ""}>
        <ChangeLink app={app.data.value} />
        {isMade ? (
          <>
            {others.map((one) => (
              <RunButton key={one.name} pipeline={one.name} app={name} of={app.data.value} label={one.button} />
            ))}
            <RunButton pipeline="ci" app={name} of={app.data.value} label="Run CI" isPrimary={!wasBuilt} />
            <RunButton pipeline="cd" app={name} of={app.data.value} label="Run CD" isPrimary={wasBuilt} />
          </>
        ) : null}
      </PageHeader>
      {app.data.value && isMade ? <Pause of="app" name={name} mayPause={mayDo("pause-app", app.data.value)} /> : null}
      <Loaded resource={app}>
        {(view) => <Details app={view} builds={builds.data.value?.items ?? []} onLive={app.reload} />}
      </Loaded>
      {isMade ? (
        <>
          <AppBuilds app={name} builds={builds} />
          <Triggers app={name} />
        </>
      ) : null}
      <Section title="Tasks">
        <Loaded resource={tasks}>
          {({ items }) =>
            items.length === 0 ? (
              <EmptyState title="This app has no tasks yet">
                <p>Run CI to build its first image.</p>
              </EmptyState>
            ) : (
              <TaskRows tasks={items} label={`Tasks of ${name}`} />
            )
          }
        </Loaded>
        <p>
          <a href={to.tasks({ app: name })}>All tasks of {name}</a>
        </p>
      </Section>
    </>
  );
}

/** Only for people who may change the app. */
function ChangeLink({ app }: { app: AppView | undefined }) {
  if (app?.state !== "ready" || refusalOf("change-app", app) !== undefined) return null;
  return (
    <a class="button" href={to.changeApp(app.name)}>
      Change
    </a>
  );
}

const BUTTONS = ["ci", "cd"] as const;

/** The pipeline that a button starts. */
function StartedBy({ action, app }: { action: (typeof BUTTONS)[number]; app: string }) {
  const { value: view } = useResource<AppPipelinesView>(v1.appPipelines(app)).data;
  if (!view) return <None />;
  const choice = view[action];
  const [mistake] = action === "ci" ? (view.own?.problems ?? []) : [];
  const problem = mistake
    ? `${mistake.file}:${mistake.line}: ${mistake.detail}`
    : "problem" in choice && choice.problem;
  if (problem)
    return (
      <span class="field-error">
        <Prose text={problem} />
      </span>
    );
  return "name" in choice ? <a href={to.pipeline(choice.name)}>{choice.name}</a> : <None />;
}

function Details(props: { app: AppView; builds: readonly BuildView[]; onLive: () => void }) {
  const { app, builds, onLive } = props;
  const { record } = app;
  const isMade = app.state === "ready";
  return (
    <>
      {app.state === "failed" ? <FailedCreation app={app} /> : null}
      <dl class="facts">
        <Detail name="State">
          <AppState app={app} />
          {app.task === "" ? (
            <span class="soft">adopted</span>
          ) : (
            <a href={to.task(app.task)}>{isMade ? "task that created it" : "its task"}</a>
          )}
        </Detail>
        <Detail name="Source">
          <Repository at={record.source} />
        </Detail>
        <Detail name="Yaml">
          <Repository at={record.yaml} />
          <span class="soft">{textAt(record, "yaml", "form")}</span>
        </Detail>
        <Detail name="Team">{textAt(record, "team") ?? <None />}</Detail>
        <Detail name="Labels">
          {isJsonObject(record.labels) ? <JsonValueView value={record.labels} /> : <None />}
        </Detail>
        <Detail name="Images">
          <Images record={record} />
        </Detail>
        <Detail name="Jira">
          {textAt(record, "jira", "url") === undefined ? (
            <None />
          ) : (
            <ExternalLink href={textAt(record, "jira", "url") ?? ""}>{textAt(record, "jira", "key")}</ExternalLink>
          )}
        </Detail>
        {BUTTONS.map((action) => (
          <Detail key={action} name={`Run ${action.toUpperCase()}`}>
            <StartedBy action={action} app={app.name} />
          </Detail>
        ))}
        <Detail name="Builds at">{textAt(record, "build", "site") ?? <None />}</Detail>
        <Detail name="Namespace">
          <span class="mono">{textAt(record, "namespace") ?? "–"}</span>
        </Detail>
        <Detail name="Created">
          <RelativeTime at={app.createdAt} /> by {app.createdBy}
        </Detail>
      </dl>
      {isMade ? (
        <Section title="Targets">
          <AppTargets app={app} builds={builds} onLive={onLive} />
        </Section>
      ) : null}
    </>
  );
}

/** The images that the app builds. An app that an older version created has only one. */
function Images({ record }: { record: AppView["record"] }) {
  const images = listAt(record, "images");
  const names = (images.length > 0 ? images : [record.image ?? null]).map((one) => textAt(one, "repository"));
  const known = names.filter((one) => one !== undefined);
  return known.length === 0 ? <None /> : <span class="mono">{known.join(", ")}</span>;
}

function Detail({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function None({ text = "–" }: { text?: string }) {
  return <span class="faint">{text}</span>;
}

function Repository({ at }: { at: JsonValue | undefined }) {
  if (!isJsonObject(at)) return <None />;
  const name = `${textAt(at, "project") ?? ""}/${textAt(at, "slug") ?? ""}`;
  return (
    <>
      <ExternalLink href={textAt(at, "url") ?? ""}>{name}</ExternalLink>
      <span class="soft mono">{textAt(at, "branch")}</span>
    </>
  );
}
