// Sites: runners, systems, and what waits there and why.

import type { RunnerView, SiteView } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { usePolling } from "../data/use-polling.ts";
import { count } from "../parts/format.ts";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { ExternalLink, RelativeTime } from "../parts/values.tsx";

const SITE_EVENTS: readonly unknown[] = ["JobReady", "JobWaiting", "JobClaimed", "JobEnded", "AttemptLost"];

export function SitesPage() {
  const sites = useResource<Page<SiteView>>(v1.sites, {
    reloadOn: ({ data }) => SITE_EVENTS.includes(data.event.kind),
  });
  usePolling(10_000, sites.reload);
  return (
    <>
      <PageHeader title="Sites" note="A site is a control plane with the clusters it deploys to" />
      <Loaded resource={sites}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="No site is known">
              <p>A site appears when its first runner registers.</p>
            </EmptyState>
          ) : (
            items.map((site) => <Site site={site} key={site.name} />)
          )
        }
      </Loaded>
    </>
  );
}

function Site({ site }: { site: SiteView }) {
  return (
    <section class="section site" aria-label={site.name}>
      <h2>
        {site.name}
        <Presence state={site.state} />
      </h2>
      <div class="scroll">
        <table class="stack">
          <thead>
            <tr>
              <th class="w-name">Runner</th>
              <th class="w-state">State</th>
              <th class="w-state">Slots</th>
              <th>Labels</th>
              <th>Host</th>
              <th class="w-when">Last heard</th>
            </tr>
          </thead>
          <tbody>
            {site.runners.map((runner) => (
              <Runner runner={runner} key={runner.name} />
            ))}
            {site.runners.length === 0 ? (
              <tr>
                <td colSpan={6} class="soft">
                  No runner is registered here: jobs of this site wait.
                </td>
              </tr>
            ) : null}
          </tbody>
        </table>
      </div>
      <div class="scroll">
        <table class="stack">
          <thead>
            <tr>
              <th class="w-name">System</th>
              <th class="w-state">Kind</th>
              <th>Address</th>
            </tr>
          </thead>
          <tbody>
            {site.systems.map((system) => (
              <tr key={system.name}>
                <td class="strong">{system.name}</td>
                <td>{system.kind}</td>
                <td>
                  <ExternalLink href={system.url} />
                  {system.standIn ? (
                    <span class="tag" title="A stand-in of the lab plays this system">
                      stand-in
                    </span>
                  ) : null}
                  {system.insecureSkipVerify === true ? (
                    <span
                      class="tag danger"
                      title="insecureSkipVerify is set: this system's certificate is not checked"
                    >
                      certificate not checked
                    </span>
                  ) : null}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="queue-title">
        {site.queue.length === 0 ? (
          <span class="quiet">Nothing waits here.</span>
        ) : (
          <span>{count(site.queue.length, "job waits", "jobs wait")}</span>
        )}
      </p>
      <ul class="queue">
        {site.queue.map((entry) => (
          <li key={`${entry.task}/${entry.job}`}>
            <a class="mono" href={to.task(entry.task, { job: entry.job })}>
              {entry.job}
            </a>
            <span>{entry.waiting.text}</span>
            <span class="soft">
              since <RelativeTime at={entry.waiting.since} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Runner({ runner }: { runner: RunnerView }) {
  const { host } = runner;
  return (
    <tr>
      <td class="strong">{runner.name}</td>
      <td>
        <Presence state={runner.state} />
      </td>
      <td class="num">
        {runner.busy} of {runner.slots} busy
      </td>
      <td class="soft mono aside">{runner.labels.join(" ")}</td>
      <td class="soft aside">
        {host.name} · {host.platform} · {count(host.cpus, "CPU")} · {Math.round(host.memoryMb / 1_024)} GB
      </td>
      <td class="soft">
        <RelativeTime at={runner.lastHeardAt} />
      </td>
    </tr>
  );
}

function Presence({ state }: { state: RunnerView["state"] }) {
  const hue = { online: "green", silent: "silent", offline: "red" }[state];
  const glyph = { online: "succeeded", silent: "silent", offline: "failed" }[state];
  return (
    <span class={`mark hue-${hue}`}>
      <svg class="glyph" aria-hidden="true">
        <use href={`#s-${glyph}`} />
      </svg>
      <span>{state}</span>
    </span>
  );
}
