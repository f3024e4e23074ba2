// What tables of builds show of a build.

import type { BuildView } from "@gantry/wire/agent/views.ts";
import { to } from "../data/api.ts";
import { ExternalLink, RelativeTime } from "./values.tsx";

type Props = { readonly build: BuildView };

/** Its number, which links to the CI task that made it. */
export function BuildNumber({ build: { number, task } }: Props) {
  return task === "" ? "older version" : <a href={to.task(task)}>#{number}</a>;
}

export function BuildCommit({ build: { commit, url, subject, author } }: Props) {
  const id = commit.slice(0, 12);
  return (
    <>
      {url === undefined ? <span class="mono">{id}</span> : <ExternalLink href={url}>{id}</ExternalLink>} {subject}{" "}
      {author === undefined ? null : <span class="soft">{author}</span>}
    </>
  );
}

/** What the scan or the quality gate said. */
export function Verdict({ text, report }: { text: string | undefined; report: string | undefined }) {
  if (text === undefined) return <None />;
  return report === undefined ? text : <ExternalLink href={report}>{text}</ExternalLink>;
}

/** What the scan, the quality gate and the tests said; those that the site does not have are left out. */
export function BuildChecks({ build: { scan, gate, tests } }: Props) {
  if (!scan && !gate && !tests) return <None />;
  return (
    <>
      {scan ? (
        <div>
          scan <Verdict text={scan.severity} report={scan.report} />
        </div>
      ) : null}
      {gate ? (
        <div>
          gate <Verdict text={gate.status} report={gate.report} />
        </div>
      ) : null}
      {tests ? (
        <div>
          tests {tests.passed} passed{tests.failed === 0 ? "" : `, ${tests.failed} failed`}
        </div>
      ) : null}
    </>
  );
}

/** Targets where it was deployed last. */
export function RunsIn({ build: { runsIn } }: Props) {
  return runsIn.length === 0 ? <None /> : runsIn.join(", ");
}

export function BuildTime({ build: { task, at, by } }: Props) {
  if (task === "") return null;
  return (
    <>
      <RelativeTime at={at} /> by {by}
    </>
  );
}

function None() {
  return <span class="faint">–</span>;
}
