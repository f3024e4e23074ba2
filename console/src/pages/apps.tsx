// Apps: what there is, and the button that makes another one.

import type { AppView, TaskSummary } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { recentTasks } from "../data/needs.ts";
import { useResource } from "../data/store.ts";
import { useTitle } from "../frame/title.ts";
import { Answer, Empty, Title } from "../parts/answers.tsx";
import { Ago, Id } from "../parts/facts.tsx";
import { Glyph, Mark } from "../parts/mark.tsx";
import { TaskLink } from "../parts/task-rows.tsx";
import { RunButton } from "../run/run-button.tsx";
import { listAt, textAt } from "../shape.ts";

/** The state of an app in the words and colours of the one table. */
const APP_STATES = { creating: "running", ready: "succeeded", failed: "failed" } as const;

export function AppsPage() {
  useTitle("Apps");
  const apps = useResource<Page<AppView>>(v1.apps, {
    on: ({ data }) => data.event.kind === "TaskEnded" || data.event.kind === "TaskRequested",
  });
  return (
    <>
      <Title title="Apps">
        <RunButton pipeline="create-app" label="Create app" isPrimary />
      </Title>
      <Answer of={apps}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="There is no app yet">
              <p>An app is a source repository, a yaml repository and the places it runs at.</p>
              <RunButton pipeline="create-app" label="Create app" isPrimary />
            </Empty>
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
      </Answer>
    </>
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
        <span class="under soft">{textAt(app.record, "title")}</span>
      </td>
      <td>
        <AppState state={app.state} />
      </td>
      <td class="soft aside">{targets.length === 0 ? "–" : targets.join(", ")}</td>
      <td class="aside">{digest === undefined ? <span class="faint">none yet</span> : <Id value={digest} />}</td>
      <td>{newest === undefined ? <span class="faint">–</span> : <TaskLink task={newest} />}</td>
      <td class="soft">
        <Ago at={app.createdAt} />
      </td>
    </tr>
  );
}

export function AppState({ state }: { state: AppView["state"] }) {
  if (state === "ready")
    return (
      <span class="mark hue-green">
        <Glyph state="succeeded" />
        <span>ready</span>
      </span>
    );
  return <Mark state={APP_STATES[state]} />;
}
