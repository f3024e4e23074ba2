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
import { RollbackButton } from "../run/rollback.tsx";
import { RunButton } from "../run/run-button.tsx";
import { AppState } from "./apps.tsx";
import { AppBuilds } from "./sections/app-builds.tsx";
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
  const wasBuilt = app.data.value?.latest.ci !== undefined || (builds.data.value?.items.length ?? 0) > 0;
  return (
    <>
      <PageHeader title={name} note={textAt(app.data.value?.record, "title") ?? ""}>
        <ChangeLink app={app.data.value} />
        {others.map((one) => (
          <RunButton key={one.name} pipeline={one.name} app={name} of={app.data.value} label={one.button} />
        ))}
        <RunButton pipeline="ci" app={name} of={app.data.value} label="Run CI" isPrimary={!wasBuilt} />
        <RunButton pipeline="cd" app={name} of={app.data.value} label="Run CD" isPrimary={wasBuilt} />
      </PageHeader>
      {app.data.value ? <Pause of="app" name={name} mayPause={mayDo("pause-app", app.data.value)} /> : null}
      <Loaded resource={app}>{(view) => <Details app={view} builds={builds.data.value?.items ?? []} />}</Loaded>
      <AppBuilds app={name} builds={builds} />
      <Triggers app={name} />
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

function Details({ app, builds }: { app: AppView; builds: readonly BuildView[] }) {
  const { record } = app;
  return (
    <>
      <dl class="facts">
        <Detail name="State">
          <AppState state={app.state} />
          {app.task === "" ? <span class="soft">adopted</span> : <a href={to.task(app.task)}>task that created it</a>}
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
      <Section title="Targets">
        <Targets app={app} builds={builds} />
      </Section>
    </>
  );
}

function Targets({ app, builds }: { app: AppView; builds: readonly BuildView[] }) {
  const { name, state, record } = app;
  const targets = listAt(record, "targets");
  if (targets.length === 0) {
    const text =
      state === "ready" ? "This app has no targets." : "The targets are known after the app has been created.";
    return <p class="quiet">{text}</p>;
  }
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a table without links is scrolled by keyboard through its region.
    <section class="scroll" aria-label="Targets" tabIndex={0}>
      <table class="stack">
        <thead>
          <tr>
            <th>Target</th>
            <th>Site</th>
            <th>Cluster</th>
            <th>Environment</th>
            <th>Deployed</th>
            <th>Path</th>
            <th>Namespace</th>
            <th>Argo CD application</th>
            <th>
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {targets.map((target) => (
            <tr key={textAt(target, "name")}>
              <td class="strong">{textAt(target, "name")}</td>
              <td>{textAt(target, "site")}</td>
              <td class="mono">{textAt(target, "cluster")}</td>
              <td class="aside">{textAt(target, "environment") ?? <None />}</td>
              <td>
                <LastDeployment at={app.deployed?.[textAt(target, "name") ?? ""]} builds={builds} />
              </td>
              <td class="mono soft">{textAt(target, "overlay") ?? filesOf(target)}</td>
              <td class="mono soft aside">{textAt(target, "namespace") ?? textAt(record, "namespace")}</td>
              <td class="mono soft">{textAt(target, "application") ?? `${name}-${textAt(target, "cluster") ?? ""}`}</td>
              <td>
                {app.deployed?.[textAt(target, "name") ?? ""] ? (
                  <RollbackButton app={name} of={app} targets={[textAt(target, "name") ?? ""]} />
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** What was deployed to a target last, and how that ended. */
function LastDeployment(props: {
  at: NonNullable<AppView["deployed"]>[string] | undefined;
  builds: readonly BuildView[];
}) {
  const { at, builds } = props;
  if (at === undefined) return <None />;
  const behind = at.build === undefined ? 0 : buildsBehind(at.build, builds);
  const what = at.build === undefined ? "an image" : `#${at.build}`;
  return (
    <>
      <div>
        <a href={to.task(at.task)}>{at.outcome === "succeeded" ? what : `${what}: ${at.outcome}`}</a>
      </div>
      <div class="soft">
        <RelativeTime at={at.at} />
      </div>
      {behind === 0 ? null : <span class="hue-amber"> {behind === 1 ? "1 build" : `${behind} builds`} behind</span>}
    </>
  );
}

/** How many builds of the release branch are newer, as far as the list goes. */
function buildsBehind(deployed: number, builds: readonly BuildView[]): number {
  return builds.filter(({ number, isRelease }) => isRelease && number > deployed).length;
}

function filesOf(target: JsonValue): string {
  return listAt(target, "files").map(String).join(", ");
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
