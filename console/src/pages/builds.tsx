// The newest builds of all apps, and the button that deploys one. The filters are in the address.

import type { AppView, BuildView } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { usePages } from "../data/use-pages.ts";
import { address } from "../frame/router.ts";
import { ActionTable } from "../parts/action-table.tsx";
import { BuildChecks, BuildCommit, BuildNumber, BuildTime, RunsIn } from "../parts/build-cells.tsx";
import { Choice, TextFilter } from "../parts/filters.tsx";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { RunButton } from "../run/run-button.tsx";

export function BuildsPage() {
  const { query } = address.value;
  const filter = { app: query.get("app") || undefined, branch: query.get("branch") || undefined };
  const path = v1.newestBuilds(filter);
  const apps = useResource<Page<AppView>>(v1.apps);
  const known = apps.data.value?.items ?? [];
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <>
      <PageHeader title="Builds" />
      <search class="filters">
        <Choice name="app" label="App" options={known.map(({ name }) => [name, name])} value={filter.app} />
        <TextFilter name="branch" label="Branch" value={filter.branch} />
        {isFiltered ? <a href="/builds">Clear filters</a> : null}
      </search>
      <List path={path} isFiltered={isFiltered} apps={known} key={path} />
    </>
  );
}

function List({ path, isFiltered, apps }: { path: string; isFiltered: boolean; apps: readonly AppView[] }) {
  // A CI that ends makes a build; a CD that ends changes where builds run.
  const pages = usePages<BuildView>(path, { reloadOn: ({ data }) => data.event.kind === "TaskEnded" });
  return (
    <Loaded resource={pages.first}>
      {({ items }) => {
        const known = new Set(items.map(keyOf));
        const all = [...items, ...pages.older.filter((build) => !known.has(keyOf(build)))];
        return (
          <>
            {all.length === 0 ? (
              <NoBuilds isFiltered={isFiltered} hasMore={pages.hasMore} />
            ) : (
              <ActionTable heads={HEADS} action="Deploy">
                {all.map((build) => (
                  <Row key={keyOf(build)} build={build} app={apps.find(({ name }) => name === build.app)} />
                ))}
              </ActionTable>
            )}
            <MoreButton pages={pages} what="builds" />
          </>
        );
      }}
    </Loaded>
  );
}

function keyOf({ app, number }: BuildView): string {
  return `${app} ${number}`;
}

/** On a phone, two cells after each other share a line. */
const HEADS = ["App", "Branch", "Build", "Built", "Commit", "Runs in", "Checks"] as const;

function Row({ build, app }: { build: BuildView; app: AppView | undefined }) {
  return (
    <tr>
      <td>
        <a class="strong" href={to.app(build.app)}>
          {build.app}
        </a>
      </td>
      <td class="mono">{build.branch}</td>
      <td class="strong">
        <BuildNumber build={build} />
      </td>
      <td class="soft">
        <BuildTime build={build} />
      </td>
      <td>
        <BuildCommit build={build} />
      </td>
      <td>
        <RunsIn build={build} />
      </td>
      <td>
        <BuildChecks build={build} />
      </td>
      <td>
        <RunButton pipeline="cd" app={build.app} of={app} build={build.number} label="Run CD" />
      </td>
    </tr>
  );
}

function NoBuilds({ isFiltered, hasMore }: { isFiltered: boolean; hasMore: boolean }) {
  if (!isFiltered) {
    return (
      <EmptyState title="There are no builds yet">
        <p>
          Every CI that passes makes a build. Run CI on the page of one of the <a href="/apps">apps</a>.
        </p>
      </EmptyState>
    );
  }
  return (
    <EmptyState title={hasMore ? "None of the newest builds matches these filters" : "No build matches these filters"}>
      <p>
        <a href="/builds">Clear filters</a>
      </p>
    </EmptyState>
  );
}
