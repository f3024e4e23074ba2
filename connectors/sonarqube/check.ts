// What Gantry's token may do in a SonarQube.

import type { SonarqubeSystem } from "@gantry/core/site/systems.ts";
import { type Answer, type Check, examine, no, unknown, yes } from "../examine.ts";
import { RIGHTS } from "../rights.ts";
import { createSonarqube } from "./client.ts";

export const checkSonarqube: Check<SonarqubeSystem> = async (system, _known, { fetch, signal }) => {
  const sonarqube = createSonarqube(system, fetch, signal);
  let has: readonly string[] = [];
  let account = "";
  const global = async (permission: string, name: string): Promise<Answer> =>
    has.includes(permission) ? yes(`global permission ${name}`) : no(`it lacks the global permission ${name}`);
  return examine(
    "sonarqube",
    system,
    async () => {
      const { login, permissions } = await sonarqube.currentUser();
      has = permissions;
      account = login;
      return yes(`as ${login}`);
    },
    {
      analyse: () => global("scan", "Execute Analysis"),
      create: () => global("provisioning", "Create Projects"),
      scanner: async () => scannerAnswer(system, account, has),
    },
  );
};

/** A warning: CI works without `scannerToken`, so nothing is missing. */
function scannerAnswer({ scannerToken }: SonarqubeSystem, account: string, permissions: readonly string[]): Answer {
  if (scannerToken !== undefined) return yes("sonar-scanner gets `scannerToken`");
  const isAdmin = permissions.includes("admin");
  return unknown(
    `\`scannerToken\` is not set, so sonar-scanner gets the token of ${account}${isAdmin ? ", who administers this SonarQube" : ""}, and the sources of an app can pass it on. ${RIGHTS.sonarqube.scanner.how}`,
  );
}
