// What Gantry's token may do in a SonarQube.

import type { SonarqubeSystem } from "@gantry/core/site/systems.ts";
import { type Answer, type Check, examine, no, yes } from "../examine.ts";
import { createSonarqube } from "./client.ts";

export const checkSonarqube: Check<SonarqubeSystem> = async (system, _known, { fetch, signal }) => {
  const sonarqube = createSonarqube(system, fetch, signal);
  let has: readonly string[] = [];
  const global = async (permission: string, name: string): Promise<Answer> =>
    has.includes(permission) ? yes(`global permission ${name}`) : no(`it lacks the global permission ${name}`);
  return examine(
    "sonarqube",
    system,
    async () => {
      const { login, permissions } = await sonarqube.currentUser();
      has = permissions;
      return yes(`as ${login}`);
    },
    {
      analyse: () => global("scan", "Execute Analysis"),
      create: () => global("provisioning", "Create Projects"),
    },
  );
};
