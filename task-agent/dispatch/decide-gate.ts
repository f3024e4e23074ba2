// Whether a job may begin at a site, as an administrator has set it. Pure.

import type { LiveSettings } from "@gantry/core/settings/settings.ts";
import type { Closed } from "./dispatch.ts";

/** Why not, or undefined. `running`: the jobs that run there or are offered. */
export function closedSite(
  settings: LiveSettings,
  { site, running }: { readonly site: string; readonly running: number },
): Closed | undefined {
  if (settings["dispatch.pausedSites"]?.includes(site))
    return { code: "site-paused", text: `Waiting for site ${site}: an administrator has paused it.` };
  const most = settings["dispatch.jobsPerSite"];
  if (most === undefined || running < most) return undefined;
  const jobs = `${most} job${most === 1 ? "" : "s"}`;
  return { code: "site-limit", text: `Waiting for site ${site}: an administrator lets ${jobs} run there, not more.` };
}
