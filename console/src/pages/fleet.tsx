// The fleet: one row per app, one column per cluster. A cell shows what the newest CD task deployed there.

import type { AppView, TaskSummary, TaskView } from "@gantry/wire/agent/views.ts";
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { type Page, read, to, v1 } from "../data/api.ts";
import { applyToTask } from "../data/apply-event.ts";
import { type Cell, decideCell, decideColumns, type Target, targetsOf } from "../data/decide-fleet.ts";
import { useResource } from "../data/store.ts";
import { short } from "../parts/format.ts";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { StateGlyph } from "../parts/state-badge.tsx";
import { RelativeTime } from "../parts/values.tsx";
import { RunButton } from "../run/run-button.tsx";

/** CD tasks of an app that are searched for a cell. */
const MAX_TASKS = 6;

export function FleetPage() {
  const apps = useResource<Page<AppView>>(v1.apps, {
    reloadOn: ({ data }) => data.event.kind === "TaskEnded" || data.event.kind === "TaskRequested",
  });
  return (
    <>
      <PageHeader title="Fleet" note="What the newest CD task of each app deployed to each cluster" />
      <Loaded resource={apps}>
        {({ items }) => {
          const columns = decideColumns(items);
          if (columns.length === 0) {
            return (
              <EmptyState title="No app has a target yet">
                <RunButton pipeline="create-app" label="Create app" isPrimary />
              </EmptyState>
            );
          }
          return (
            <div class="scroll">
              <table class="fleet">
                <thead>
                  <tr>
                    <th>App</th>
                    {columns.map(({ cluster, site }) => (
                      <th key={cluster}>
                        {cluster}
                        <span class="under soft">{site}</span>
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {items.map((app) => (
                    <Row app={app} columns={columns} key={app.name} />
                  ))}
                </tbody>
              </table>
            </div>
          );
        }}
      </Loaded>
    </>
  );
}

function Row({ app, columns }: { app: AppView; columns: readonly Target[] }) {
  const id = app.latest.cd;
  const task = useResource<TaskView>(id === undefined ? undefined : v1.task(id), {
    reloadOn: ({ subject }) => subject === id,
    patch: applyToTask,
  }).data.value;
  const targets = targetsOf(app);
  return (
    <tr>
      <th scope="row">
        <a class="strong" href={to.app(app.name)}>
          {app.name}
        </a>
      </th>
      {columns.map(({ cluster }) => {
        const target = targets.find((one) => one.cluster === cluster);
        if (!target) return <td class="faint no-target" key={cluster} />;
        const cell = decideCell(task, target);
        if (cell || task === undefined) return <CellOf cell={cell} column={cluster} key={cluster} />;
        return <OlderCell app={app.name} newest={task.id} target={target} key={cluster} />;
      })}
    </tr>
  );
}

/** The newest CD task deployed to other targets: reads older ones until one deployed here. */
function OlderCell({ app, newest, target }: { app: string; newest: string; target: Target }) {
  const cell = useSignal<Cell | undefined>(undefined);
  useEffect(() => {
    const leaving = new AbortController();
    findOlder(app, target, leaving.signal).then(
      (found) => {
        cell.value = found;
      },
      () => undefined, // The cell stays empty. The list of apps shows the problem when the portal cannot be reached.
    );
    return () => leaving.abort();
  }, [app, newest]);
  return <CellOf cell={cell.value} column={target.cluster} />;
}

async function findOlder(app: string, target: Target, signal: AbortSignal): Promise<Cell | undefined> {
  const page = await read<Page<TaskSummary>>(v1.tasks({ app, pipeline: "cd", limit: String(MAX_TASKS) }), signal);
  for (const { id } of page.items.slice(1)) {
    const cell = decideCell(await read<TaskView>(v1.task(id), signal), target);
    if (cell) return cell;
  }
  return undefined;
}

/** The name of the column is shown on phones, where the cells of a row stand below each other. */
function CellOf({ cell, column }: { cell: Cell | undefined; column: string }) {
  if (!cell) {
    return (
      <td class="faint" data-column={column}>
        not deployed
      </td>
    );
  }
  return (
    <td class={`cell hue-${cell.hue}`} data-column={column}>
      <a href={to.task(cell.task, { job: cell.job })} title={cell.details}>
        <StateGlyph state={cell.state} isSilent={cell.isSilent} />
        <span class="mono version">{cell.digest === undefined ? "–" : short(cell.digest)}</span>
        <span class="health">{cell.status}</span>
        {cell.at === undefined ? null : (
          <span class="soft when">
            <RelativeTime at={cell.at} />
          </span>
        )}
      </a>
    </td>
  );
}
