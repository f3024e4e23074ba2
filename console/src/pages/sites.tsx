// The sites: their runners, their systems, and which jobs wait there and why.

import type { RunnerView, SiteView } from "@gantry/wire/agent/sites/views.ts";
import { type Page, send, to, v1 } from "../data/api.ts";
import { mayDo, refusalOf } from "../data/session.ts";
import { useResource } from "../data/store.ts";
import { useAction } from "../data/use-action.ts";
import { usePolling } from "../data/use-polling.ts";
import { ConfirmButton } from "../parts/confirm-button.tsx";
import { count } from "../parts/format.ts";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { MissingSystems } from "../parts/missing-systems.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { Prose } from "../parts/prose.tsx";
import { TaskText } from "../parts/task-text.tsx";
import { Duration, ExternalLink, RelativeTime } from "../parts/values.tsx";
import { EnrolRunner, RenewKey } from "./sections/enrol-runner.tsx";
import { Asked, OperateRunner } from "./sections/operate-runner.tsx";
import { Pause } from "./sections/pause.tsx";

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
            <NoSites />
          ) : (
            <>
              {refusalOf("view-sites") === undefined ? <MissingSystems sites={sites} /> : null}
              {items.map((site) => (
                <Site site={site} onChanged={sites.reload} key={site.name} />
              ))}
            </>
          )
        }
      </Loaded>
    </>
  );
}

function NoSites() {
  const refusal = refusalOf("view-sites");
  return refusal === undefined ? (
    <EmptyState title="There are no sites">
      <p>A site appears here when its first runner registers.</p>
    </EmptyState>
  ) : (
    <EmptyState title="There are no sites that you may see">
      <p>{refusal}</p>
    </EmptyState>
  );
}

function Site({ site, onChanged }: { site: SiteView; onChanged: () => void }) {
  return (
    <section class="section site" aria-label={site.name}>
      <h2>
        {site.name}
        <Presence state={site.state} />
      </h2>
      <Pause of="site" name={site.name} mayPause={mayDo("manage-runners", site)} />
      <Runners site={site} onChanged={onChanged} />
      {mayDo("enrol", site) ? <EnrolRunner site={site.name} /> : null}
      {site.systems.length === 0 ? null : <Systems systems={site.systems} />}
      {site.clusters === undefined ? null : (
        <p class="soft">
          Clusters, as read <RelativeTime at={site.clusters.at} />: {site.clusters.names.join(", ")}
        </p>
      )}
      <Queue queue={site.queue} />
    </section>
  );
}

function Runners({ site, onChanged }: { site: SiteView; onChanged: () => void }) {
  const { runners } = site;
  const isManaged = mayDo("manage-runners", site);
  return (
    <div class="scroll">
      <table class="stack">
        <thead>
          <tr>
            <th class="w-name">Runner</th>
            <th class="w-state">State</th>
            <th class="w-state">Slots</th>
            <th>Jobs and labels</th>
            <th>Host</th>
            <th class="w-when">Last heard from</th>
            {isManaged ? (
              <th>
                <span class="hidden">Actions</span>
              </th>
            ) : null}
          </tr>
        </thead>
        <tbody>
          {runners.map((runner) => (
            <Runner runner={runner} isManaged={isManaged} onChanged={onChanged} key={runner.name} />
          ))}
          {runners.length === 0 ? (
            <tr>
              <td colSpan={7} class="soft">
                No runner is registered. Jobs of this site wait.
              </td>
            </tr>
          ) : null}
        </tbody>
      </table>
    </div>
  );
}

function Systems({ systems }: { systems: SiteView["systems"] }) {
  return (
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
          {systems.map((system) => (
            <tr key={system.name}>
              <td class="strong">{system.name}</td>
              <td>{system.kind}</td>
              <td>
                <ExternalLink href={system.url} />
                {system.standIn ? (
                  <span class="tag" title="The lab runs a fake of this system">
                    fake
                  </span>
                ) : null}
                {system.insecureSkipVerify === true ? (
                  <span class="tag danger" title="insecureSkipVerify is set: this system's certificate is not checked">
                    certificate not checked
                  </span>
                ) : null}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Queue({ queue }: { queue: SiteView["queue"] }) {
  if (queue.length === 0) return <p class="queue-title quiet">No job is waiting here.</p>;
  return (
    <>
      <p class="queue-title">{count(queue.length, "waiting job")}</p>
      <ul class="queue">
        {queue.map((entry) => (
          <li key={`${entry.task}/${entry.job}`}>
            <a class="mono" href={to.task(entry.task, { job: entry.job })}>
              {entry.job}
            </a>
            <span>
              <TaskText text={entry.waiting.text} />
            </span>
            <span class="soft">
              for <Duration since={entry.waiting.since} />
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

type RunnerProps = { runner: RunnerView; isManaged: boolean; onChanged: () => void };

function Runner({ runner, isManaged, onChanged }: RunnerProps) {
  const { host } = runner;
  return (
    <tr>
      <td class="strong">{runner.name}</td>
      <td>
        <Presence state={runner.state} />
        <Asked runner={runner} />
      </td>
      <td class="num">
        {runner.busy} of {runner.slots} busy
      </td>
      <td class="soft aside">
        {(runner.runs ?? ["build", "deploy"]).join(" and ")} <span class="mono">{runner.labels.join(" ")}</span>
      </td>
      <td class="soft aside">
        {host.name} · {host.platform} · {count(host.cpus, "CPU")} · {Math.round(host.memoryMb / 1_024)} GB
        <br />
        {runner.keyFingerprint === undefined ? (
          "token of the site"
        ) : (
          <span title={runner.keyFingerprint}>
            key <span class="mono">{runner.keyFingerprint.slice(0, 19)}…</span>
          </span>
        )}
      </td>
      <td class="soft">
        <RelativeTime at={runner.lastHeardAt} />
      </td>
      {isManaged ? (
        <td class="end">
          <OperateRunner runner={runner} onChanged={onChanged} /> <RenewKey name={runner.name} />{" "}
          <RemoveRunner name={runner.name} onRemoved={onChanged} />
        </td>
      ) : null}
    </tr>
  );
}

/** For a runner that no longer exists, or must not work any more: it is removed at once, even if it is online. */
function RemoveRunner({ name, onRemoved }: { name: string; onRemoved: () => void }) {
  const { isSending, problem, run } = useAction();
  const remove = (): void =>
    run(async () => {
      await send("DELETE", v1.runner(name));
      onRemoved();
    });
  return (
    <>
      <ConfirmButton verb="Remove" name={name} isDisabled={isSending} onConfirm={remove} />
      {problem === undefined ? null : (
        <p class="problem" role="alert">
          {problem.title} <Prose text={problem.detail ?? ""} />
        </p>
      )}
    </>
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
