// The targets of an app: how each is now and why, what runs there, and what Gantry deployed last.

import type { JsonValue } from "@gantry/core/json.ts";
import type { TargetView } from "@gantry/wire/agent/fleet.ts";
import type { AppView, BuildView } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../../data/api.ts";
import { versionOf } from "../../data/decide-fleet.ts";
import { listAt, textAt } from "../../data/json-access.ts";
import { useResource } from "../../data/store.ts";
import { useFleetChanges } from "../../data/use-fleet-changes.ts";
import { clockTime } from "../../parts/format.ts";
import { LiveBadge } from "../../parts/live-badge.tsx";
import { Prose } from "../../parts/prose.tsx";
import { Undeclared } from "../../parts/undeclared.tsx";
import { ExternalLink, RelativeTime } from "../../parts/values.tsx";
import { RollbackButton } from "../../run/rollback.tsx";

/** `onLive`: the state of a target has changed, so that of the app may have, too. */
export function AppTargets(props: { app: AppView; builds: readonly BuildView[]; onLive: () => void }) {
  const { app, builds, onLive } = props;
  const { name, record } = app;
  const live = useResource<Page<TargetView>>(v1.targets(name), {
    reloadOn: ({ data }) => data.app === name && data.event.kind === "TaskEnded",
  });
  useFleetChanges(
    () => {
      live.reload();
      onLive();
    },
    (target) => target.app === name,
  );
  const targets = listAt(record, "targets");
  if (targets.length === 0) return <p class="quiet">This app has no targets.</p>;
  const now = new Map(live.data.value?.items.map((one) => [one.target, one]));
  return (
    <>
      <Undeclared environments={app.undeclared ?? []} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a table without links is scrolled by keyboard through its region. */}
      <section class="scroll" aria-label="Targets" tabIndex={0} id="targets">
        <table class="stack targets">
          <thead>
            <tr>
              <th>Target</th>
              <th>Now</th>
              <th>Runs</th>
              <th>Deployed</th>
              <th>Cluster</th>
              <th>Environment</th>
              <th>Path</th>
              <th>Namespace</th>
              <th>Argo CD application</th>
              <th>
                <span class="hidden">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {targets.map((target) => {
              const one = now.get(textAt(target, "name") ?? "");
              return (
                <tr key={textAt(target, "name")}>
                  <td class="strong">{textAt(target, "name")}</td>
                  <td>
                    <Now target={one} />
                  </td>
                  <td>
                    <Running target={one} />
                  </td>
                  <td>
                    <LastDeployment at={app.deployed?.[textAt(target, "name") ?? ""]} builds={builds} />
                  </td>
                  <td>
                    <span class="mono">{textAt(target, "cluster")}</span>
                    <span class="under soft">{textAt(target, "site")}</span>
                  </td>
                  <td class="aside">
                    <Environment name={textAt(target, "environment")} undeclared={app.undeclared ?? []} />
                  </td>
                  <td class="mono soft aside">{textAt(target, "overlay") ?? filesOf(target)}</td>
                  <td class="mono soft aside">{textAt(target, "namespace") ?? textAt(record, "namespace")}</td>
                  <td class="mono soft aside">
                    <Application app={name} target={target} url={one?.url} />
                  </td>
                  <td>
                    {app.deployed?.[textAt(target, "name") ?? ""] ? (
                      <RollbackButton app={name} of={app} targets={[textAt(target, "name") ?? ""]} />
                    ) : null}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Environment({ name, undeclared }: { name: string | undefined; undeclared: readonly string[] }) {
  if (name === undefined) return <None />;
  if (!undeclared.includes(name)) return name;
  return (
    <>
      {name}
      <span class="under soft">not declared</span>
    </>
  );
}

function Now({ target }: { target: TargetView | undefined }) {
  if (!target) return <None />;
  const { state, since, reason, notHeardSince, health, sync, conditions, reasons } = target;
  const more = reasons.slice(1).map(({ kind, name, health: is, message }) => `${kind} ${name}: ${message ?? is}`);
  const said = conditions.filter(({ message }) => message !== reason).map(({ type, message }) => `${type}: ${message}`);
  return (
    <>
      <div>
        <LiveBadge state={state} />{" "}
        {notHeardSince === undefined ? (
          since === undefined ? null : (
            <span class="soft">
              <RelativeTime at={since} />
            </span>
          )
        ) : (
          <span class="soft">
            since {clockTime(notHeardSince)}
            {health === undefined ? "" : `, ${health} and ${sync ?? "?"} then`}
          </span>
        )}
      </div>
      {[reason, ...more, ...said].map((text) =>
        text === undefined ? null : (
          <div class="soft why" key={text}>
            <Prose text={text} />
          </div>
        ),
      )}
    </>
  );
}

/** The build of the images that run, otherwise the image. */
function Running({ target }: { target: TargetView | undefined }) {
  if (!target || (target.images.length === 0 && !target.running)) return <None />;
  const { running, images } = target;
  return (
    <>
      <div class="mono" title={images.join("\n")}>
        {running?.url === undefined ? (
          versionOf(target)
        ) : (
          <ExternalLink href={running.url}>{versionOf(target)}</ExternalLink>
        )}
      </div>
      {running?.subject === undefined ? null : <div class="soft">{running.subject}</div>}
    </>
  );
}

function Application({ app, target, url }: { app: string; target: JsonValue; url: string | undefined }) {
  const name = textAt(target, "application") ?? `${app}-${textAt(target, "cluster") ?? ""}`;
  return url === undefined ? name : <ExternalLink href={url}>{name}</ExternalLink>;
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
        <RelativeTime at={at.at} /> by {at.by}
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

function None() {
  return <span class="faint">–</span>;
}
