// The builds of an app, newest first: what they are made of, what is known of them, and where they run.

import type { BuildView } from "@gantry/wire/agent/views.ts";
import type { Page } from "../../data/api.ts";
import type { Resource } from "../../data/store.ts";
import { BuildCommit, BuildNumber, BuildTime, RunsIn, Verdict } from "../../parts/build-cells.tsx";
import { EmptyState, Loaded } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";
import { CopyableId } from "../../parts/values.tsx";

export function AppBuilds({ app, builds }: { app: string; builds: Resource<Page<BuildView>> }) {
  return (
    <Section title="Builds">
      <Loaded resource={builds}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="This app has no builds yet">
              <p>Every CI that passes makes a build. CD deploys builds.</p>
            </EmptyState>
          ) : (
            <BuildTable builds={items} app={app} />
          )
        }
      </Loaded>
    </Section>
  );
}

function BuildTable({ builds, app }: { builds: readonly BuildView[]; app: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a table without links is scrolled by keyboard through its region.
    <section class="scroll" aria-label={`Builds of ${app}`} tabIndex={0}>
      <table class="stack">
        <thead>
          <tr>
            <th>Build</th>
            <th>Commit</th>
            <th>Branch</th>
            <th>Scan</th>
            <th>Gate</th>
            <th>Runs in</th>
            <th>Image</th>
            <th>Built</th>
          </tr>
        </thead>
        <tbody>
          {builds.map((build) => (
            <BuildRow key={build.number} build={build} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function BuildRow({ build }: { build: BuildView }) {
  const { branch, scan, gate, images } = build;
  return (
    <tr>
      <td class="strong">
        <BuildNumber build={build} />
      </td>
      <td>
        <BuildCommit build={build} />
      </td>
      <td class="mono">{branch}</td>
      <td>
        <Verdict text={scan?.severity} report={scan?.report} />
      </td>
      <td>
        <Verdict text={gate?.status} report={gate?.report} />
      </td>
      <td>
        <RunsIn build={build} />
      </td>
      <td>
        {images.map(({ name, image, digest }) => (
          <CopyableId key={name} value={`${image}@${digest}`} />
        ))}
      </td>
      <td class="aside">
        <BuildTime build={build} />
      </td>
    </tr>
  );
}
