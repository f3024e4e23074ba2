// What Run CD will do with the choices of its form: for each target, from which build to which, what the build lacks, and for whom it waits.

import type { DemandView } from "@gantry/wire/agent/deployments.ts";
import type { AppView, BuildView } from "@gantry/wire/agent/views.ts";
import { type Page, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { Prose } from "../parts/prose.tsx";
import { chosenBuild } from "./build-choice.tsx";
import { Demands } from "./rollback.tsx";

type Props = {
  readonly app: AppView;
  /** As the form has it: empty for the newest of the release branch. */
  readonly build: string;
  readonly targets: readonly string[];
};

export function DeployPreview({ app, build, targets }: Props) {
  const builds = useResource<Page<BuildView>>(v1.builds(app.name)).data.value?.items ?? [];
  const demands = useResource<Page<DemandView>>(v1.demands(app.name)).data.value?.items ?? [];
  const chosen = chosenBuild(builds, build);
  if (!chosen) return null;
  const rows = demands.filter(({ target }) => targets.length === 0 || targets.includes(target));
  return (
    <section class="field" aria-label="What will happen">
      <h3>What will happen</h3>
      <p class="field-about">
        <BuildFacts build={chosen} />
      </p>
      <ul class="rollback-plan">
        {rows.map((row) => (
          <TargetRow key={row.target} row={row} chosen={chosen} app={app} builds={builds} />
        ))}
      </ul>
    </section>
  );
}

function BuildFacts({
  build: { number, commit, subject, author, branch, tests, scan, gate, held },
}: {
  build: BuildView;
}) {
  const facts = [
    ...(tests ? [`tests: ${tests.passed} passed${tests.failed === 0 ? "" : `, ${tests.failed} failed`}`] : []),
    ...(scan ? [`scan: ${scan.severity}`] : []),
    ...(gate ? [`gate: ${gate.status}`] : []),
  ];
  return (
    <>
      <span class="strong">{number === 0 ? "the recorded image" : `#${number}`}</span>{" "}
      <span class="mono">{commit.slice(0, 7)}</span> {subject} · {branch}
      {author === undefined ? "" : ` · ${author}`}
      {facts.map((fact) => ` · ${fact}`)}
      {held ? (
        <span class="hue-amber">
          {" "}
          Held by {held.by}: <Prose text={held.reason} />
        </span>
      ) : null}
    </>
  );
}

type RowProps = {
  readonly row: DemandView;
  readonly chosen: BuildView;
  readonly app: AppView;
  readonly builds: readonly BuildView[];
};

function TargetRow({ row, chosen, app, builds }: RowProps) {
  const { target, site, environment } = row;
  const lacks = chosen.unmet[target] ?? [];
  return (
    <li>
      <p>
        <span class="strong">{target}</span>{" "}
        <span class="soft">{[site, environment].filter((one) => one !== undefined && one !== target).join(", ")}</span>{" "}
        <Way now={app.deployed?.[target]} chosen={chosen} builds={builds} />
      </p>
      {lacks.map((one) => (
        <p class="field-error" key={one}>
          <Prose text={one} />
        </p>
      ))}
      <p class="field-about">
        <Demands of={row} />
      </p>
    </li>
  );
}

type Now = NonNullable<AppView["deployed"]>[string] | undefined;

/** "#12 4be1f0c → #13 a1b2c3d, 3 builds newer". */
function Way({ now, chosen, builds }: { now: Now; chosen: BuildView; builds: readonly BuildView[] }) {
  const before = builds.find(({ number }) => number === now?.build);
  const from = now === undefined ? "nothing yet" : now.build === undefined ? "an image" : `#${now.build}`;
  const isSame = now?.build === chosen.number && now.outcome === "succeeded";
  const isBack = now?.build !== undefined && now.build > chosen.number;
  return (
    <>
      <span class="soft">
        {from} {before ? <span class="mono">{before.commit.slice(0, 7)}</span> : null}
        {now !== undefined && now.outcome !== "succeeded" ? ` (${now.outcome})` : ""} →
      </span>{" "}
      {chosen.number === 0 ? "the recorded image" : `#${chosen.number}`}{" "}
      <span class="mono">{chosen.commit.slice(0, 7)}</span>
      {isSame ? <span class="soft"> is deployed already: Argo CD only compares again</span> : null}
      {isBack ? <span class="hue-amber"> is older than what is deployed</span> : null}
    </>
  );
}
