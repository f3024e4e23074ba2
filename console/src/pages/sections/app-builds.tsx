// The builds of an app, newest first: what they are made of, what is known of them, and where they run.

import type { BuildView } from "@gantry/wire/agent/views.ts";
import { type Page, to } from "../../data/api.ts";
import type { Resource } from "../../data/store.ts";
import { EmptyState, Loaded } from "../../parts/loading-states.tsx";
import { Section } from "../../parts/page-layout.tsx";
import { CopyableId, ExternalLink, RelativeTime } from "../../parts/values.tsx";

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
  const { number, task, commit, url, subject, author, branch, scan, gate, runsIn, images, at, by } = build;
  return (
    <tr>
      <td class="strong">{task === "" ? "older version" : <a href={to.task(task)}>#{number}</a>}</td>
      <td>
        {url === undefined ? (
          <span class="mono">{commit.slice(0, 12)}</span>
        ) : (
          <ExternalLink href={url}>{commit.slice(0, 12)}</ExternalLink>
        )}{" "}
        {subject} {author === undefined ? null : <span class="soft">{author}</span>}
      </td>
      <td class="mono">{branch}</td>
      <td>
        <Verdict text={scan?.severity} report={scan?.report} />
      </td>
      <td>
        <Verdict text={gate?.status} report={gate?.report} />
      </td>
      <td>{runsIn.length === 0 ? <span class="faint">–</span> : runsIn.join(", ")}</td>
      <td>
        {images.map(({ name, image, digest }) => (
          <CopyableId key={name} value={`${image}@${digest}`} />
        ))}
      </td>
      <td class="aside">
        {task === "" ? null : (
          <>
            <RelativeTime at={at} /> by {by}
          </>
        )}
      </td>
    </tr>
  );
}

function Verdict({ text, report }: { text: string | undefined; report: string | undefined }) {
  if (text === undefined) return <span class="faint">–</span>;
  return report === undefined ? text : <ExternalLink href={report}>{text}</ExternalLink>;
}
