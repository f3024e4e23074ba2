// The apps, and the button that creates another one.

import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { AppView, TaskSummary } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { recentTasks } from "../data/attention.ts";
import { listAt, textAt } from "../data/json-access.ts";
import { refusalOf } from "../data/session.ts";
import { useResource } from "../data/store.ts";
import { useFleetChanges } from "../data/use-fleet-changes.ts";
import { AppHealth } from "../parts/live-badge.tsx";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { MissingSystems } from "../parts/missing-systems.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { Prose } from "../parts/prose.tsx";
import { StateBadge, StateGlyph } from "../parts/state-badge.tsx";
import { TaskLink } from "../parts/task-rows.tsx";
import { CopyableId, RelativeTime } from "../parts/values.tsx";
import { RunButton } from "../run/run-button.tsx";

/** The task state whose word and colour an app state has. */
const APP_STATES = { creating: "running", undoing: "running", ready: "succeeded", failed: "failed" } as const;

export function AppsPage() {
  const apps = useResource<Page<AppView>>(v1.apps, {
    reloadOn: ({ data }) => data.event.kind === "TaskEnded" || data.event.kind === "TaskRequested",
  });
  useFleetChanges(apps.reload);
  return (
    <>
      <PageHeader title="Apps">
        <AdoptLink />
        <RunButton pipeline="create-app" label="Create app" isPrimary />
      </PageHeader>
      <Loaded resource={apps}>
        {({ items }) =>
          items.length === 0 ? (
            <NoApps />
          ) : (
            <div class="scroll">
              <table class="stack">
                <thead>
                  <tr>
                    <th>App</th>
                    <th>State</th>
                    <th>Targets</th>
                    <th>Image</th>
                    <th>Newest task</th>
                    <th>Created</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((app) => (
                    <Row app={app} key={app.name} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </>
  );
}

function NoApps() {
  const sites = useResource<Page<SiteView>>(v1.sites, {});
  const refusal = refusalOf("view");
  return refusal === undefined ? (
    <EmptyState title="There are no apps yet">
      <p>An app has a source repository, a yaml repository and the targets where it runs.</p>
      <p>
        Create app makes both repositories. <a href={to.adopt}>Adopt an app</a> takes those that you have.
      </p>
      <RunButton pipeline="create-app" label="Create app" isPrimary />
      {refusalOf("view-sites") === undefined ? <MissingSystems sites={sites} /> : null}
    </EmptyState>
  ) : (
    <EmptyState title="There are no apps that you may see">
      <p>{refusal}</p>
    </EmptyState>
  );
}

/** Only for people who may create apps. */
function AdoptLink() {
  if (refusalOf("create-app") !== undefined) return null;
  return (
    <a class="button" href={to.adopt}>
      Adopt an app
    </a>
  );
}

function Row({ app }: { app: AppView }) {
  const digest = textAt(app.facts, "digest");
  const newest: TaskSummary | undefined = recentTasks.value.find((task) => task.app === app.name);
  const targets = listAt(app.record, "targets").map((target) => textAt(target, "name") ?? "");
  return (
    <tr>
      <td>
        <a class="strong" href={to.app(app.name)}>
          {app.name}
        </a>
        <span class="under soft">
          <Prose text={textAt(app.record, "title") ?? ""} />
        </span>
      </td>
      <td>
        <AppState app={app} />
      </td>
      <td class="soft aside">{targets.length === 0 ? "–" : targets.join(", ")}</td>
      <td class="aside">
        {digest === undefined ? <span class="faint">none yet</span> : <CopyableId value={digest} />}
      </td>
      <td>{newest === undefined ? <span class="faint">–</span> : <TaskLink task={newest} />}</td>
      <td class="soft">
        <RelativeTime at={app.createdAt} />
      </td>
    </tr>
  );
}

/** A ready app is as well as its worst target now. Without targets, or with an older task-agent, it is only ready. */
export function AppState({ app: { state, live } }: { app: Pick<AppView, "state" | "live"> }) {
  if (state === "ready" && live) return <AppHealth live={live} />;
  if (state === "ready")
    return (
      <span class="mark hue-green">
        <StateGlyph state="succeeded" />
        <span>ready</span>
      </span>
    );
  return <StateBadge state={APP_STATES[state]} />;
}
