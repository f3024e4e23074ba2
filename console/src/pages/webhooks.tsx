// Deliveries of git hosts, Harbor and SonarQube, and what they started. The filters are in the address.

import type { WebhookDelivery } from "@gantry/wire/agent/triggers/webhooks.ts";
import type { AppView } from "@gantry/wire/agent/views.ts";
import { type Page, send, to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { usePages } from "../data/use-pages.ts";
import { address } from "../frame/router.ts";
import { ActionTable } from "../parts/action-table.tsx";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { Choice, TextFilter } from "../parts/filters.tsx";
import { EmptyState, Loaded, ProblemBox } from "../parts/loading-states.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { Prose } from "../parts/prose.tsx";
import { RelativeTime } from "../parts/values.tsx";

const STATES = [
  ["started", "started something"],
  ["nothing", "started nothing"],
  ["pending", "not decided yet"],
] as const;
const FILTERS = ["app", "source", "state"] as const;

export function WebhooksPage() {
  const { query } = address.value;
  const value = (name: (typeof FILTERS)[number]): string | undefined => query.get(name) || undefined;
  const filter = Object.fromEntries(FILTERS.map((name) => [name, value(name)]));
  const path = v1.webhookDeliveries(filter);
  const apps = useResource<Page<AppView>>(v1.apps);
  const isFiltered = Object.values(filter).some((one) => one !== undefined);
  return (
    <>
      <PageHeader title="Webhooks" note="Deliveries of git hosts, Harbor and SonarQube, newest first" />
      <search class="filters">
        <Choice
          name="app"
          label="App"
          options={(apps.data.value?.items ?? []).map(({ name }) => [name, name])}
          value={value("app")}
        />
        <TextFilter name="source" label="Source" value={value("source")} />
        <Choice name="state" label="Result" options={STATES} value={value("state")} />
        {isFiltered ? <a href="/webhooks">Clear filters</a> : null}
      </search>
      <List path={path} isFiltered={isFiltered} key={path} />
    </>
  );
}

function List({ path, isFiltered }: { path: string; isFiltered: boolean }) {
  // What a delivery starts is announced, so the list is read again then.
  const pages = usePages<WebhookDelivery>(path, { reloadOn: ({ data }) => data.event.kind === "TaskRequested" });
  const action = useAction();
  const redeliver = (id: string): void =>
    action.run(async () => {
      await send("POST", v1.redeliver(id), {});
      pages.first.reload();
    });
  return (
    <>
      {action.problem ? <ProblemBox problem={action.problem} /> : null}
      <Loaded resource={pages.first}>
        {({ items }) => {
          const known = new Set(items.map(({ id }) => id));
          const all = [...items, ...pages.older.filter(({ id }) => !known.has(id))];
          return (
            <>
              {all.length === 0 ? (
                <NoDeliveries isFiltered={isFiltered} />
              ) : (
                <ActionTable heads={["Received", "Source", "What", "Result"]} action="Deliver again" isLong>
                  {all.map((one) => (
                    <Row key={one.id} delivery={one} isSending={action.isSending} onRedeliver={redeliver} />
                  ))}
                </ActionTable>
              )}
              <MoreButton pages={pages} what="deliveries" />
            </>
          );
        }}
      </Loaded>
    </>
  );
}

type RowProps = {
  readonly delivery: WebhookDelivery;
  readonly isSending: boolean;
  readonly onRedeliver: (id: string) => void;
};

function Row({ delivery, isSending, onRedeliver }: RowProps) {
  const { id, receivedAt, source, polled, repository, summary, redeliveredBy } = delivery;
  return (
    <tr>
      <td class="soft">
        <RelativeTime at={receivedAt} />
      </td>
      <td>
        {source} {polled ? <span class="soft">found by polling</span> : null}{" "}
        {repository === undefined ? null : <span class="soft mono">{repository}</span>}
      </td>
      <td>
        {summary ?? "Not decided yet"}
        {redeliveredBy === undefined ? null : <span class="soft"> (delivered again by {redeliveredBy})</span>}
      </td>
      <td>
        <Done delivery={delivery} />
      </td>
      <td class="end">
        <ConfirmButton verb="Deliver again" name={id} isDisabled={isSending} onConfirm={() => onRedeliver(id)} />
      </td>
    </tr>
  );
}

function Done({ delivery: { state, reason, results } }: Pick<RowProps, "delivery">) {
  if (state === "pending") return <span class="soft">not decided yet</span>;
  if (results.length === 0) return <span class="soft">{reason}</span>;
  return (
    <ul class="plain">
      {results.map((one) => (
        <li key={`${one.app} ${one.pipeline} ${one.task} ${one.reason}`}>
          <a class="in-text" href={to.app(one.app)}>
            {one.app}
          </a>{" "}
          {one.task === undefined ? null : (
            <a class="in-text" href={to.task(one.task)}>
              {one.pipeline} started
            </a>
          )}{" "}
          <span class="soft">
            <Prose text={one.reason ?? ""} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function NoDeliveries({ isFiltered }: { isFiltered: boolean }) {
  if (isFiltered)
    return (
      <EmptyState title="No delivery matches these filters">
        <p>
          <a href="/webhooks">Clear filters</a>
        </p>
      </EmptyState>
    );
  return (
    <EmptyState title="Nothing has been delivered yet">
      <p>
        A git host, Harbor or SonarQube whose webhook is configured in the portal is listed here after its first
        delivery.
      </p>
    </EmptyState>
  );
}
