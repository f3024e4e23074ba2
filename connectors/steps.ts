// Every step that a runner knows: one line per step, sorted by name; its connector is loaded when a job first needs it.
// After a change run `node lab/catalogue.ts`.

import type { StepBook } from "@gantry/core/step/step.ts";

export const STEPS: StepBook = {
  "argocd/diff": async () => (await import("./argo-cd/steps.ts")).argocdDiff,
  "argocd/ensure-app": async () => (await import("./argo-cd/ensure-steps.ts")).argocdEnsureApp,
  "argocd/ensure-project": async () => (await import("./argo-cd/ensure-steps.ts")).argocdEnsureProject,
  "argocd/ensure-repository": async () => (await import("./argo-cd/ensure-steps.ts")).argocdEnsureRepository,
  "argocd/require-cluster": async () => (await import("./argo-cd/cluster-step.ts")).argocdRequireCluster,
  "argocd/sync": async () => (await import("./argo-cd/steps.ts")).argocdSync,
  "argocd/wait": async () => (await import("./argo-cd/steps.ts")).argocdWait,
  "definitions/publish": async () => (await import("./definitions/steps.ts")).publish,
  "git/checkout": async () => (await import("./git/steps.ts")).checkout,
  "git/commit-push": async () => (await import("./git/steps.ts")).commitPush,
  "git/create-repository": async () => (await import("./git/steps.ts")).createRepository,
  "git/open-pull-request": async () => (await import("./git/pull-request-steps.ts")).openPullRequest,
  "git/render-template": async () => (await import("./git/steps.ts")).renderTemplate,
  "git/wait-for-merge": async () => (await import("./git/pull-request-steps.ts")).waitForMerge,
  "harbor/ensure-project": async () => (await import("./harbor/steps.ts")).ensureProject,
  "harbor/wait-for-scan": async () => (await import("./harbor/steps.ts")).waitForScan,
  "image/build-push": async () => (await import("./image/steps.ts")).buildPush,
  "image/verify": async () => (await import("./image/verify-step.ts")).verify,
  "image/verify-images": async () => (await import("./image/verify-step.ts")).verifyImages,
  "jira/comment": async () => (await import("./jira/steps.ts")).comment,
  "jira/create-issue": async () => (await import("./jira/steps.ts")).createIssue,
  "jira/create-project": async () => (await import("./jira/steps.ts")).createProject,
  "jira/transition-issue": async () => (await import("./jira/steps.ts")).transitionIssue,
  "kustomize/set-image": async () => (await import("./yaml/steps.ts")).kustomizeSetImage,
  "nexus/settings": async () => (await import("./nexus/steps.ts")).settings,
  "sonarqube/analyze": async () => (await import("./sonarqube/steps.ts")).analyze,
  "sonarqube/quality-gate": async () => (await import("./sonarqube/steps.ts")).qualityGate,
  "system/check": async () => (await import("./system/steps.ts")).systemCheck,
  "yaml/edit": async () => (await import("./yaml/steps.ts")).yamlEdit,
  "yaml/set-images": async () => (await import("./yaml/images-step.ts")).yamlSetImages,
};
