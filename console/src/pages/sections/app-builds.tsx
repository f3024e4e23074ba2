// The builds of an app, newest first: what they are made of, what is known of them, and where they run.

import type { BuildView } from "@gantry/wire/agent/views.ts";
import { type Page, send, v1 } from "../../data/api.ts";
import type { Resource } from "../../data/store.ts";
import { useAction } from "../../data/use-action.ts";
import { BuildCommit, BuildNumber, BuildTime, RunsIn, Verdict } from "../../parts/build-cells.tsx";
import { EmptyState, Loaded, ProblemBox } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";
import { Prose } from "../../parts/prose.tsx";
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
            <BuildTable builds={items} app={app} onReleased={builds.reload} />
          )
        }
      </Loaded>
    </Section>
  );
}

type TableProps = { readonly builds: readonly BuildView[]; readonly app: string; readonly onReleased: () => void };

function BuildTable({ builds, app, onReleased }: TableProps) {
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
            <BuildRow key={build.number} build={build} onReleased={onReleased} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Why CD does not choose it by itself, and the button that ends that. */
function Held({ build: { app, number, held }, onReleased }: { build: BuildView; onReleased: () => void }) {
  const action = useAction();
  if (!held) return null;
  const release = (): void =>
    action.run(async () => {
      await send("POST", v1.releaseBuild(app, number), {});
      onReleased();
    });
  return (
    <div>
      <span class="hue-amber">
        Held by {held.by}: <Prose text={held.reason} />
      </span>{" "}
      <button type="button" class="button" disabled={action.isSending} onClick={release}>
        Let it go
      </button>
      {action.problem ? <ProblemBox problem={action.problem} /> : null}
    </div>
  );
}

function BuildRow({ build, onReleased }: { build: BuildView; onReleased: () => void }) {
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
        <Held build={build} onReleased={onReleased} />
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
