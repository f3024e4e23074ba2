// The kind of work of a job. Runners of a site can be dedicated to one kind, so that code from repositories never runs in a
// process that deploys. Pure.

/** `build`: runs code of repositories. `deploy`: uses the accounts of Argo CD, or changes repositories. */
export const WORK = ["build", "deploy"] as const;
export type Work = (typeof WORK)[number];

/** The part of a step, or of its description, that determines the kind of work. */
type Facts = {
  readonly needs: readonly string[];
  readonly effects: readonly string[];
  readonly runsCode?: true | undefined;
  readonly looksOnly?: true | undefined;
};

/** `step`: undefined for a script. A step may be of neither kind. */
export function workOfStep(step: Facts | undefined): Work | undefined {
  if (step === undefined || step.runsCode === true) return "build";
  if (step.looksOnly === true) return undefined;
  const isDeploy = step.needs.includes("argocd") || (step.needs.includes("git") && step.effects.length > 0);
  return isDeploy ? "deploy" : undefined;
}

/** Steps of Argo CD and git that change nothing that runs in clusters. */
const HARMLESS = [
  "git/checkout",
  "git/check-template",
  "git/create-repository",
  "git/list-templates",
  "git/poll",
  "git/render-template",
  "git/set-commit-status",
];

/** Whether a step may change what runs in clusters: by its name, because definitions of older versions have only that. */
export function isDeployStep(uses: string): boolean {
  return /^(?:argocd|git)\//.test(uses) && !HARMLESS.includes(uses);
}
