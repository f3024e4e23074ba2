// What Gantry's account may do in a Jira.

import type { JiraSystem } from "@gantry/core/site/systems.ts";
import { type Check, each, examine, no, yes } from "../examine.ts";
import { openJira } from "./client.ts";

const ISSUE_PERMISSIONS = ["CREATE_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES"] as const;

export const checkJira: Check<JiraSystem> = async (system, { jiraProjects }, { fetch, signal }) => {
  const jira = await openJira(system, fetch, signal);
  return examine("jira", system, async () => yes(`as ${await jira.myself()}`), {
    create: async () => {
      const has = await jira.permissions(["ADMINISTER"]);
      return has.length > 0
        ? yes("global permission Administer Jira")
        : no("it lacks the global permission Administer Jira");
    },
    issues: () =>
      each(jiraProjects, "no app has a Jira project yet", async (key) => {
        const has = await jira.permissions(ISSUE_PERMISSIONS, key);
        const missing = ISSUE_PERMISSIONS.filter((one) => !has.includes(one));
        return missing.length === 0 ? yes(key) : no(`in ${key} it lacks ${missing.join(", ")}`);
      }),
  });
};
