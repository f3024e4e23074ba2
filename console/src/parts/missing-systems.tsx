// What has to be set up before an app can be built and deployed, for people who see the sites.

import type { SiteView } from "@gantry/wire/agent/views.ts";
import type { Page } from "../data/api.ts";
import { missingSystems } from "../data/missing-systems.ts";
import type { Resource } from "../data/store.ts";

export function MissingSystems({ sites }: { sites: Resource<Page<SiteView>> }) {
  const missing = missingSystems(sites.data.value?.items);
  if (missing.length === 0) return null;
  return (
    <div class="empty" role="status">
      <p class="strong">Missing before an app can be built and deployed</p>
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
