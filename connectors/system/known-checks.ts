// The check of each kind of system.

import type { SystemKind, SystemOf } from "@gantry/core/site/systems.ts";
import { checkArgocd } from "../argo-cd/check.ts";
import type { Check } from "../examine.ts";
import { checkGit } from "../git/check.ts";
import { checkHarbor } from "../harbor/check.ts";
import { checkRegistry } from "../image/check.ts";
import { checkJira } from "../jira/check.ts";
import { checkNexus } from "../nexus/check.ts";
import { checkSonarqube } from "../sonarqube/check.ts";

export const CHECKS: { readonly [K in SystemKind]: Check<SystemOf<K>> } = {
  git: checkGit,
  harbor: checkHarbor,
  registry: checkRegistry,
  nexus: checkNexus,
  sonarqube: checkSonarqube,
  argocd: checkArgocd,
  jira: checkJira,
};
