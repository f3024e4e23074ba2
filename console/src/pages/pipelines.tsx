// The pipelines, and one pipeline with its parameters and jobs.

import type { PipelineView } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { mayDo } from "../data/session.ts";
import { useResource } from "../data/store.ts";
import { usePageTitle } from "../frame/page-title.ts";
import { count } from "../parts/format.ts";
import { EmptyState, Loaded } from "../parts/loading-states.tsx";
import { PageHeader, Section } from "../parts/page-layout.tsx";
import { Prose, withoutBackticks } from "../parts/prose.tsx";
import { CopyableId, JsonValueView } from "../parts/values.tsx";
import { fieldsOf } from "../run/form.ts";
import { PipelineOutline } from "../run/pipeline-outline.tsx";
import { RunButton } from "../run/run-button.tsx";
import { Definitions } from "./sections/definitions.tsx";
import { Pause } from "./sections/pause.tsx";
import { Triggers } from "./sections/triggers.tsx";

export function PipelinesPage() {
  const pipelines = useResource<Page<PipelineView>>(v1.pipelines);
  return (
    <>
      <PageHeader title="Pipelines">
        <a href="/steps">Steps that pipelines can use</a>
      </PageHeader>
      <Loaded resource={pipelines}>
        {({ items }) =>
          items.length === 0 ? (
            <EmptyState title="There are no pipelines">
              <p>Pipelines come with Gantry and from your company's repository of definitions.</p>
            </EmptyState>
          ) : (
            <div class="scroll">
              <table class="stack">
                <thead>
                  <tr>
                    <th>Pipeline</th>
                    <th>What it does</th>
                    <th>Jobs</th>
                    <th>For</th>
                    <th>Version</th>
                  </tr>
                </thead>
                <tbody>
                  {items.map((pipeline) => (
                    <tr key={pipeline.name}>
                      <td class="nowrap">
                        <a class="strong" href={to.pipeline(pipeline.name)}>
                          <Prose text={pipeline.title} />
                        </a>
                      </td>
                      <td class="aside">
                        <Prose text={pipeline.summary} />
                      </td>
                      <td class="nowrap">{sizeOf(pipeline)}</td>
                      <td class="nowrap soft">{FOR[pipeline.app]}</td>
                      <td class="aside">
                        <CopyableId value={pipeline.version} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
      <Triggers />
      <Definitions />
    </>
  );
}

const FOR = { existing: "an app", new: "a new app", none: "no app" } as const;

function sizeOf({ jobs }: PipelineView): string {
  const steps = jobs.reduce((sum, job) => sum + job.steps.length, 0);
  return `${count(jobs.length, "job")}, ${count(steps, "step")}`;
}

export function PipelinePage({ name }: { name: string }) {
  const pipeline = useResource<PipelineView>(v1.pipeline(name));
  const view = pipeline.data.value;
  usePageTitle(view && withoutBackticks(view.title));
  return (
    <>
      <PageHeader title={view?.title ?? name} note={view?.summary ?? ""}>
        {view === undefined || view.app === "existing" ? null : (
          <RunButton pipeline={name} isNewApp={view.app === "new"} label={view.button} isPrimary />
        )}
      </PageHeader>
      {view ? <Pause of="pipeline" name={view.name} mayPause={mayDo("pause-pipeline")} /> : null}
      <Loaded resource={pipeline}>{(one) => <Definition pipeline={one} />}</Loaded>
    </>
  );
}

function Definition({ pipeline }: { pipeline: PipelineView }) {
  const fields = fieldsOf(pipeline.params);
  return (
    <>
      <p class="facts-line soft">
        <span>
          name <span class="mono">{pipeline.name}</span>
        </span>
        <span>
          version <CopyableId value={pipeline.version} />
        </span>
        <span>for {FOR[pipeline.app]}</span>
        <a href={to.tasks({ pipeline: pipeline.name })}>tasks of this pipeline</a>
      </p>
      <Section title="Parameters">
        {fields.length === 0 ? (
          <p class="quiet">This pipeline has no parameters.</p>
        ) : (
          <div class="scroll">
            <table class="stack is-long">
              <thead>
                <tr>
                  <th>Name</th>
                  <th>Type</th>
                  <th>Default</th>
                  <th>Meaning</th>
                </tr>
              </thead>
              <tbody>
                {fields.map((field) => (
                  <tr key={field.name}>
                    <td class="mono nowrap">
                      {field.name}
                      {field.isRequired ? <span class="tag">required</span> : null}
                    </td>
                    <td class="soft nowrap">{field.choices.length > 0 ? field.choices.join(" · ") : field.kind}</td>
                    <td>
                      {field.default === undefined ? (
                        <span class="faint">–</span>
                      ) : (
                        <JsonValueView value={field.default} />
                      )}
                    </td>
                    <td>
                      <Prose text={field.description} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Section>
      <Section title="Jobs">
        <PipelineOutline pipeline={pipeline} />
      </Section>
    </>
  );
}
