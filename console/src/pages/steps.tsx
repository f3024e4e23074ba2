// The steps that pipelines can use, with what they take and what they give.

import type { JsonObject } from "@gantry/core/json.ts";
import type { StepDescription } from "@gantry/core/pipeline/pipeline.ts";
import { type Page, v1 } from "../data/api.ts";
import { isJsonObject } from "../data/json-access.ts";
import { useResource } from "../data/store.ts";
import { Loaded } from "../parts/loading-states.tsx";
import { PageHeader } from "../parts/page-layout.tsx";
import { Prose } from "../parts/prose.tsx";

export function StepsPage() {
  const steps = useResource<Page<StepDescription>>(v1.steps);
  return (
    <>
      <PageHeader title="Steps" note="What pipelines can name in `uses`, with the fields of `with`." />
      <Loaded resource={steps}>
        {({ items }) => (
          <div class="scroll">
            <table class="stack is-long">
              <thead>
                <tr>
                  <th>Step</th>
                  <th>What it does</th>
                  <th>With</th>
                  <th>Outputs</th>
                  <th>Needs</th>
                </tr>
              </thead>
              <tbody>
                {items.map((step) => (
                  <tr key={step.name}>
                    <td class="mono nowrap">{step.name}</td>
                    <td>
                      <Prose text={step.title} />
                    </td>
                    <td>
                      <Fields schema={step.input} />
                    </td>
                    <td>
                      <Fields schema={step.output} isOutput />
                    </td>
                    <td class="soft nowrap">{step.needs.join(" · ") || "–"}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </>
  );
}

/** The names of a JSON Schema's fields. Of an input, those that must be there are marked. */
function Fields({ schema, isOutput = false }: { schema: JsonObject; isOutput?: boolean }) {
  const names = isJsonObject(schema.properties) ? Object.keys(schema.properties) : [];
  const required = Array.isArray(schema.required) && !isOutput ? schema.required : [];
  if (names.length === 0) return <span class="faint">–</span>;
  return (
    <>
      {names.map((name) => (
        <div key={name}>
          <span class="mono">{name}</span>
          {required.includes(name) ? <span class="tag">required</span> : null}
        </div>
      ))}
    </>
  );
}
