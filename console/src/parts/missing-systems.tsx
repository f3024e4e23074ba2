// What has to be set up before an app can be built and deployed, or a pipeline can run, for people who see the sites.

import type { SiteView } from "@gantry/wire/agent/sites/views.ts";
import type { PipelineView } from "@gantry/wire/agent/views.ts";
import { type Page, v1 } from "../data/api.ts";
import { type MissingSystem, missingSystems, systemsMissingFor } from "../data/missing-systems.ts";
import { refusalOf } from "../data/session.ts";
import { type Resource, useResource } from "../data/store.ts";

export function MissingSystems({ sites }: { sites: Resource<Page<SiteView>> }) {
  const missing = missingSystems(sites.data.value?.items);
  return <MissingList title="Missing before an app can be built and deployed" missing={missing} />;
}

/** In the form of a pipeline: a task without them would end half done. */
export function MissingForPipeline({ pipeline }: { pipeline: PipelineView }) {
  return refusalOf("view-sites") === undefined ? <MissingAt pipeline={pipeline} /> : null;
}

function MissingAt({ pipeline }: { pipeline: PipelineView }) {
  const sites = useResource<Page<SiteView>>(v1.sites, {});
  const missing = systemsMissingFor(pipeline, sites.data.value?.items);
  return <MissingList title="Missing before this pipeline can succeed" missing={missing} />;
}

function MissingList({ title, missing }: { title: string; missing: readonly MissingSystem[] }) {
  if (missing.length === 0) return null;
  return (
    <div class="empty" role="status">
      <p class="strong">{title}</p>
      <ul>
        {missing.map(({ what, add }) => (
          <li key={what}>
            {what}: <code>{add}</code>
          </li>
        ))}
      </ul>
      <p>
        Systems stand below <code>systems:</code> in the configuration of a runner of the site (docs/runner.md); restart
        it after a change. <code>gantry init</code> writes a whole installation, and <code>gantry doctor</code> tests
        what the systems let Gantry do (docs/first-app.md).
      </p>
    </div>
  );
}
