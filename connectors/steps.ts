// Every step that a runner knows: one line per step, sorted by name. After a change run `node lab/catalogue.ts`.

import type { AnyStep } from "@gantry/core/step/step.ts";
import { argocdEnsureApp, argocdEnsureProject, argocdEnsureRepository } from "./argo-cd/ensure-steps.ts";
import { argocdDiff, argocdSync, argocdWait } from "./argo-cd/steps.ts";
import { checkout, commitPush, createRepository, renderTemplate } from "./git/steps.ts";
import { ensureProject as harborEnsureProject, waitForScan } from "./harbor/steps.ts";
import { buildPush } from "./image/steps.ts";
import { comment, createIssue, createProject as jiraCreateProject, transitionIssue } from "./jira/steps.ts";
import { settings as nexusSettings } from "./nexus/steps.ts";
import { analyze, qualityGate } from "./sonarqube/steps.ts";
import { kustomizeSetImage, yamlEdit } from "./yaml/steps.ts";

export const STEPS: readonly AnyStep[] = [
  argocdDiff,
  argocdEnsureApp,
  argocdEnsureProject,
  argocdEnsureRepository,
  argocdSync,
  argocdWait,
  checkout,
  commitPush,
  createRepository,
  renderTemplate,
  harborEnsureProject,
  waitForScan,
  buildPush,
  comment,
  createIssue,
  jiraCreateProject,
  transitionIssue,
  kustomizeSetImage,
  nexusSettings,
  analyze,
  qualityGate,
  yamlEdit,
];
