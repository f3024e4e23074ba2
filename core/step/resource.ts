// What steps act on with the credentials of a site. A step declares it, and the runner compares it with the app of the task,
// because the accounts of a site can do more than one app's pipeline may. Pure.

type Named =
  | { readonly kind: "repository"; readonly project: string; readonly slug: string }
  /** The clone address of a repository. */
  | { readonly kind: "clone-url"; readonly url: string }
  /** `project/name` in a registry. */
  | { readonly kind: "image"; readonly repository: string }
  | { readonly kind: "image-project"; readonly project: string }
  | { readonly kind: "argocd-project"; readonly project: string }
  | { readonly kind: "argocd-application"; readonly app: string; readonly project: string }
  /** Where an app runs. Without a namespace: anywhere on the cluster. */
  | { readonly kind: "destination"; readonly cluster: string; readonly namespace?: string }
  | { readonly kind: "jira-project"; readonly key: string }
  | { readonly kind: "sonarqube-project"; readonly key: string }
  /** Shown beside a commit. Rules of git hosts ask for names. */
  | { readonly kind: "commit-status"; readonly name: string }
  /** What the accounts of the site may do. It belongs to no app. */
  | { readonly kind: "site-accounts" };

/**
 * `create`: the step creates it, and refuses an existing one that was not created for the app of the task. `merge`: a change that
 * the site's account may make and people of the app perhaps may not, so their own pipelines cannot. `system`: as named in the
 * input of the step; undefined if the input names none.
 */
export type Resource = Named & {
  readonly access: "read" | "change" | "create" | "merge";
  readonly system?: string | undefined;
  /**
   * The name of an app that may be adopted: whatever the pipeline, only what the site lets apps have (`appsMay`) is read
   * for it.
   */
  readonly forApp?: string | undefined;
};

export type ResourceKind = Resource["kind"];

/** "the repository APPS/orders" */
export function resourceInWords(resource: Resource): string {
  switch (resource.kind) {
    case "repository":
      return `the repository ${resource.project}/${resource.slug}`;
    case "clone-url":
      return `the repository ${resource.url}`;
    case "image":
      return `the image repository ${resource.repository}`;
    case "image-project":
      return `the image project ${resource.project}`;
    case "argocd-project":
      return `the Argo CD project ${resource.project}`;
    case "argocd-application":
      return `the Argo CD application ${resource.app} in project ${resource.project}`;
    case "destination":
      return resource.namespace === undefined
        ? `the cluster ${resource.cluster}`
        : `the namespace ${resource.namespace} on cluster ${resource.cluster}`;
    case "jira-project":
      return `the Jira project ${resource.key}`;
    case "sonarqube-project":
      return `the SonarQube project ${resource.key}`;
    case "commit-status":
      return `the commit status ${resource.name}`;
    case "site-accounts":
      return "the set of the site's accounts";
  }
}
