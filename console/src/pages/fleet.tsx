// The fleet: what runs where, and how it is, now. The filters are in the address.

import { LIVE_LOOKS, LIVE_STATES, type LiveState } from "@gantry/core/fleet/live-states.ts";
import type { FleetView, TargetView } from "@gantry/wire/agent/fleet.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { decideColumns, decideRows } from "../data/decide-fleet.ts";
import { useResource } from "../data/store.ts";
import { useFleetChanges } from "../data/use-fleet-changes.ts";
import { usePages } from "../data/use-pages.ts";
import { isNarrow } from "../frame/narrow.ts";
import { address, withQuery } from "../frame/router.ts";
import { Choice, TextFilter } from "../parts/filters.tsx";
import { clockTime, count } from "../parts/format.ts";
import { LiveGlyph, statesOf } from "../parts/live-badge.tsx";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { TargetCell } from "../parts/target-cell.tsx";
import { RunButton } from "../run/run-button.tsx";

const FILTERS = ["app", "team", "environment", "site", "cluster", "state", "sync", "group"] as const;
const SYNC_OPTIONS = [
  ["Synced", "synced"],
  ["OutOfSync", "out of sync"],
  ["Unknown", "unknown"],
] as const;
const GROUPS = ["team", "environment", "site", "cluster"] as const;
type Filter = { readonly [F in (typeof FILTERS)[number]]: string | undefined };

export function FleetPage() {
  const { query } = address.value;
  const filter = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) || undefined])) as Filter;
  const path = v1.fleet(filter);
  return (
    <>
      <PageHeader title="Fleet" note="What runs where, and how it is, as Argo CD shows it now" />
      <Fleet path={path} filter={filter} key={path} />
    </>
  );
}

function Fleet({ path, filter }: { path: string; filter: Filter }) {
  const pages = usePages<TargetView>(path, {
    reloadOn: ({ data }) => data.event.kind === "TaskEnded" && data.pipeline !== "ci",
  });
  useFleetChanges(pages.first.reload);
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  return (
    <Loaded resource={pages.first}>
      {(page) => {
        // The first page has more than items; `usePages` knows only those.
        const fleet = page as unknown as FleetView;
        const known = new Set(fleet.items.map(keyOf));
        const all = [...fleet.items, ...pages.older.filter((one) => !known.has(keyOf(one)))];
        return (
          <>
            <HealthBar counts={fleet.counts} chosen={filter.state} />
            <Filters filter={filter} sources={fleet.sources} isFiltered={isFiltered} />
            <Sources sources={fleet.sources} />
            {fleet.groups ? <Groups groups={fleet.groups} by={filter.group ?? ""} /> : null}
            {all.length === 0 ? <Nothing isFiltered={isFiltered} /> : <Table targets={all} />}
            {pages.hasMore ? (
              <p class="soft">
                {all.length} of {count(fleet.total, "target")}
              </p>
            ) : null}
            <MoreButton pages={pages} what="targets" />
          </>
        );
      }}
    </Loaded>
  );
}

function keyOf({ app, target }: TargetView): string {
  return `${app} ${target}`;
}

/** Wide for many; each part chooses its state, and the chosen one shows all again. */
function HealthBar({ counts, chosen }: { counts: FleetView["counts"]; chosen: string | undefined }) {
  const states = statesOf(counts);
  if (states.length === 0) return null;
  return (
    <nav class="health-bar" aria-label="Targets by state">
      <div class="parts" aria-hidden="true">
        {states.map(([state, many]) => (
          <span class={`hue-${LIVE_LOOKS[state].hue}`} style={{ flexGrow: many }} key={state} />
        ))}
      </div>
      {states.map(([state, many]) => (
        <a
          class={`mark hue-${LIVE_LOOKS[state].hue}`}
          href={withQuery({ state: chosen === state ? undefined : state })}
          aria-current={chosen === state ? "true" : undefined}
          key={state}
        >
          <LiveGlyph state={state} />
          <span class="num">
            {many} {LIVE_LOOKS[state].word}
          </span>
        </a>
      ))}
    </nav>
  );
}

const STATE_OPTIONS = LIVE_STATES.toReversed().map((state: LiveState) => [state, LIVE_LOOKS[state].word] as const);

function Filters(props: { filter: Filter; sources: FleetView["sources"]; isFiltered: boolean }) {
  const { filter, sources, isFiltered } = props;
  const apps = useResource<Page<AppView>>(v1.apps);
  const sites = [...new Set(sources.map(({ site }) => site))];
  // On a phone the filters would be all of the first screen.
  return (
    <details class="filter-fold" open={!isNarrow.value || isFiltered}>
      <summary>Filters</summary>
      <search class="filters">
        <Choice
          name="app"
          label="App"
          options={(apps.data.value?.items ?? []).map(({ name }) => [name, name])}
          value={filter.app}
        />
        <Choice name="state" label="State" options={STATE_OPTIONS} value={filter.state} />
        <Choice name="sync" label="Sync" options={SYNC_OPTIONS} value={filter.sync} />
        <Choice name="site" label="Site" options={sites.map((site) => [site, site])} value={filter.site} />
        <TextFilter name="environment" label="Environment" value={filter.environment} />
        <TextFilter name="cluster" label="Cluster" value={filter.cluster} />
        <TextFilter name="team" label="Team" value={filter.team} />
        <Choice name="group" label="Count by" options={GROUPS.map((group) => [group, group])} value={filter.group} />
        {isFiltered ? <a href="/fleet">Clear filters</a> : null}
      </search>
    </details>
  );
}

/** Argo CDs that nobody has heard of lately, and what belongs to no app. */
function Sources({ sources }: { sources: FleetView["sources"] }) {
  return (
    <>
      {sources
        .filter(({ notHeardSince, problem }) => notHeardSince !== undefined || problem !== undefined)
        .map(({ site, system, notHeardSince, problem }) => (
          <p class="notice hue-amber" key={`${site} ${system}`} role="status">
            <LiveGlyph state="not-heard-from" />
            <span>
              {system} at {site}: not heard from
              {notHeardSince === undefined ? "" : ` since ${clockTime(notHeardSince)}`}.
              {problem === undefined ? "" : ` ${problem}`}
            </span>
          </p>
        ))}
      {sources
        .filter(({ unmatched }) => unmatched.count > 0)
        .map(({ site, system, unmatched }) => (
          <p class="soft" key={`${site} ${system}`} title={unmatched.first.join(", ")}>
            {count(unmatched.count, "application")} of {system} at {site} {unmatched.count === 1 ? "belongs" : "belong"}{" "}
            to no app. <a href={to.adopt}>Adopt an app</a>
          </p>
        ))}
    </>
  );
}

function Groups({ groups, by }: { groups: NonNullable<FleetView["groups"]>; by: string }) {
  return (
    <ul class="fleet-groups" aria-label={`Targets by ${by}`}>
      {groups.map(({ name, total, counts }) => (
        <li key={name}>
          {name === "" ? (
            <span class="faint">without {by}</span>
          ) : (
            <a href={withQuery({ [by]: name, group: undefined })}>{name}</a>
          )}
          <span class="soft num">{total}</span>
          {statesOf(counts).map(([state, many]) => (
            <span class={`mark hue-${LIVE_LOOKS[state].hue}`} title={LIVE_LOOKS[state].word} key={state}>
              <LiveGlyph state={state} />
              <span class="num">{many}</span>
            </span>
          ))}
        </li>
      ))}
    </ul>
  );
}

function Nothing({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered)
    return (
      <EmptyState title="No target matches">
        <a href="/fleet">Clear filters</a>
      </EmptyState>
    );
  return (
    <EmptyState title="No app has a target yet">
      <RunButton pipeline="create-app" label="Create app" isPrimary />
    </EmptyState>
  );
}

function Table({ targets }: { targets: readonly TargetView[] }) {
  const columns = decideColumns(targets);
  return (
    <div class="scroll">
      <table class={columns ? "fleet" : "fleet is-wide"}>
        <thead>
          <tr>
            <th>App</th>
            {columns?.map(({ cluster, site }) => (
              <th key={`${site} ${cluster}`}>
                {cluster}
                <span class="under soft">{site}</span>
              </th>
            )) ?? <th>Targets</th>}
          </tr>
        </thead>
        <tbody>
          {decideRows(targets).map(({ app, targets: own }) => (
            <tr key={app}>
              <th scope="row">
                <a class="strong" href={to.app(app)}>
                  {app}
                </a>
                {own[0]?.team === undefined ? null : <span class="under soft">{own[0].team}</span>}
              </th>
              {columns?.map(({ cluster, site }) => {
                const here = own.filter((one) => one.cluster === cluster && one.site === site);
                return (
                  <td class={here.length === 0 ? "no-target" : ""} key={`${site} ${cluster}`}>
                    {here.map((one) => (
                      <TargetCell target={one} column={cluster} key={one.target} />
                    ))}
                  </td>
                );
              }) ?? (
                <td>
                  {own.map((one) => (
                    <TargetCell target={one} column={one.cluster} key={one.target} />
                  ))}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
