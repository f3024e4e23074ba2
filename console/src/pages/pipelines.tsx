// Pipelines: the definitions, and one of them with its parameters and jobs.

import type { PipelineView } from "@gantry/wire/agent/views.ts";
import { type Page, to, v1 } from "../data/api.ts";
import { useResource } from "../data/store.ts";
import { count } from "../format.ts";
import { useTitle } from "../frame/title.ts";
import { Answer, Empty, Section, Title } from "../parts/answers.tsx";
import { Id, Value } from "../parts/facts.tsx";
import { fieldsOf } from "../run/form.ts";
import { Plan } from "../run/plan.tsx";
import { RunButton } from "../run/run-button.tsx";

export function PipelinesPage() {
  useTitle("Pipelines");
  const pipelines = useResource<Page<PipelineView>>(v1.pipelines);
  return (
    <>
      <Title title="Pipelines" />
      <Answer of={pipelines}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No pipeline is known">
              <p>Pipelines come with the release and from the company's repository of definitions.</p>
            </Empty>
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
                          {pipeline.title}
                        </a>
                      </td>
                      <td class="aside">{pipeline.summary}</td>
                      <td class="nowrap">{sizeOf(pipeline)}</td>
                      <td class="nowrap soft">{FOR[pipeline.app]}</td>
                      <td class="aside">
                        <Id value={pipeline.version} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Answer>
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
  useTitle(view?.title ?? name);
  return (
    <>
      <Title title={view?.title ?? name} note={view?.summary ?? ""}>
        {view === undefined || view.app === "existing" ? null : (
          <RunButton pipeline={name} label={view.button} isPrimary />
        )}
      </Title>
      <Answer of={pipeline}>{(one) => <Definition pipeline={one} />}</Answer>
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
          version <Id value={pipeline.version} />
        </span>
        <span>for {FOR[pipeline.app]}</span>
        <a href={to.tasks({ pipeline: pipeline.name })}>its tasks</a>
      </p>
      <Section title="Parameters">
        {fields.length === 0 ? (
          <p class="quiet">It has none.</p>
        ) : (
          <div class="scroll">
            <table>
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
                      {field.fallback === undefined ? <span class="faint">–</span> : <Value value={field.fallback} />}
                    </td>
                    <td>{field.description}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Section>
      <Section title="Jobs">
        <Plan pipeline={pipeline} />
      </Section>
    </>
  );
}
