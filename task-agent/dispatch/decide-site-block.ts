// Whether the settings of administrators let a job start at a site. Pure.

import { counted } from "@gantry/core/count.ts";
import type { LiveSettings } from "@gantry/core/settings/settings.ts";

/** Why no job may start at a site now; `text` is shown to people. */
export type SiteBlock = { readonly code: "site-paused" | "site-limit"; readonly text: string };

/** Undefined: a job may start. `running` counts the jobs that run at the site or are offered there. */
export function decideSiteBlock(
  settings: LiveSettings,
  { site, running }: { readonly site: string; readonly running: () => number },
): SiteBlock | undefined {
  if (settings["dispatch.pausedSites"]?.includes(site))
    return { code: "site-paused", text: `Waiting for site ${site}: an administrator has paused it.` };
  const limit = settings["dispatch.jobsPerSite"];
  if (limit === undefined || running() < limit) return undefined;
  const jobs = counted(limit, "job");
  return {
    code: "site-limit",
    text: `Waiting for site ${site}: an administrator has limited it to ${jobs} at a time.`,
  };
}
