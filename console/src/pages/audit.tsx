// The audit log: who changed what, and what was refused. The filters are in the address.

import type { AuditEntry } from "@gantry/wire/audit/entry.ts";
import { to, v1 } from "../data/api.ts";
import { usePages } from "../data/use-pages.ts";
import { address } from "../frame/router.ts";
import { Choice, TextFilter, TimeFilter } from "../parts/filters.tsx";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { MoreButton } from "../parts/more-button.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { RelativeTime } from "../parts/values.tsx";

type AuditItem = AuditEntry & { readonly result: "done" | "refused" | "failed" | "unknown" };

const RESULTS = [
  ["done", "done"],
  ["refused", "refused"],
  ["failed", "failed"],
  ["unknown", "unknown"],
] as const;
const FILTERS = ["who", "verb", "app", "task", "result", "since", "until"] as const;
const TIMES: readonly string[] = ["since", "until"];

export function AuditPage() {
  const { query } = address.value;
  const value = (name: (typeof FILTERS)[number]): string | undefined => query.get(name) || undefined;
  const filter = Object.fromEntries(FILTERS.map((name) => [name, asTime(name, value(name))]));
  const path = v1.audit(filter);
  const isFiltered = Object.values(filter).some((one) => one !== undefined);
  return (
    <>
      <PageHeader title="Audit log" note="Changes and refused requests, newest first" />
      <search class="filters">
        <TextFilter name="who" label="Who" value={value("who")} />
        <TextFilter name="app" label="App" value={value("app")} />
        <TextFilter name="verb" label="Operation" value={value("verb")} />
        <Choice name="result" label="Result" options={RESULTS} value={value("result")} />
        <TimeFilter name="since" label="From" value={value("since")} />
        <TimeFilter name="until" label="To" value={value("until")} />
        {isFiltered ? <a href="/audit">Clear filters</a> : null}
      </search>
      <List path={path} isFiltered={isFiltered} key={path} />
    </>
  );
}

/** The field for a time has the time of this browser's zone, the API takes UTC. */
function asTime(name: string, value: string | undefined): string | undefined {
  if (value === undefined || !TIMES.includes(name)) return value;
  const time = new Date(value);
  return Number.isNaN(time.getTime()) ? value : time.toISOString();
}

function List({ path, isFiltered }: { path: string; isFiltered: boolean }) {
  const pages = usePages<AuditItem>(path);
  return (
    <Loaded resource={pages.first}>
      {({ items }) => {
        const all = [...items, ...pages.older];
        return (
          <>
            {all.length > 0 ? <Entries items={all} /> : <NoEntries isFiltered={isFiltered} hasMore={pages.hasMore} />}
            <MoreButton pages={pages} what="entries" />
          </>
        );
      }}
    </Loaded>
  );
}

function Entries({ items }: { items: readonly AuditItem[] }) {
  return (
    <div class="scroll">
      <table class="stack">
        <thead>
          <tr>
            {["When", "Who", "What", "On", "Result", "From"].map((head) => (
              <th key={head}>{head}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {items.map((entry) => (
            <Row entry={entry} key={entry.seq} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ entry }: { entry: AuditItem }) {
  const { at, who, verb, kind, on = {}, result, code, count, from, pipeline } = entry;
  return (
    <tr>
      <td class="soft">
        <RelativeTime at={at} />
      </td>
      <td class="strong">
        {who?.name ?? <span class="soft">{kind === "trimmed" ? "Gantry" : "nobody signed in"}</span>}
      </td>
      <td title={pipeline === undefined ? entry.route : `${entry.route} · ${pipeline.name} ${pipeline.definition}`}>
        {verb ?? "remove old entries"}
        {count === undefined || count === 1 ? null : <span class="soft"> × {count}</span>}
      </td>
      <td>
        {Object.entries(on).map(([what, value]) => (
          <span class="soft" key={what}>
            {what} {linkOf(what, value)}{" "}
          </span>
        ))}
      </td>
      <td>
        {result}
        {code === undefined ? null : <span class="soft"> {code}</span>}
      </td>
      <td class="soft" title={originOf(entry)}>
        {from === undefined ? "–" : `${from.ip} · ${from.client}`}
      </td>
    </tr>
  );
}

function linkOf(what: string, value: string) {
  if (what === "app") return <a href={to.app(value)}>{value}</a>;
  if (what === "task") return <a href={to.task(value)}>{value}</a>;
  return <span class="mono">{value}</span>;
}

function originOf({ seq, from, request }: AuditItem): string {
  const parts = [
    `entry ${seq}`,
    from?.token === undefined ? undefined : `token ${from.token}`,
    from?.session === undefined ? undefined : `session ${from.session}`,
    request === undefined ? undefined : `request ${request}`,
  ];
  return parts.filter((part) => part !== undefined).join(" · ");
}

function NoEntries({ isFiltered, hasMore }: { isFiltered: boolean; hasMore: boolean }) {
  if (hasMore) return <EmptyState title="No recent entry matches these filters" />;
  if (isFiltered) {
    return (
      <EmptyState title="No entry matches these filters">
        <p>
          <a href="/audit">Clear filters</a>
        </p>
      </EmptyState>
    );
  }
  return (
    <EmptyState title="There are no entries yet">
      <p>Every change and every refused request is listed here.</p>
    </EmptyState>
  );
}
