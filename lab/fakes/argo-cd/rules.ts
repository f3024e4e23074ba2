// What a project permits and what makes an app's spec invalid, with the error texts of Argo CD.

import type { AppSpec, Destination, Project, State } from "./model.ts";

/** Why the controller would not fetch from git for this app; undefined when it would. */
export function specProblem(state: State, app: { readonly spec: AppSpec }): string | undefined {
  const { spec } = app;
  const project = state.projects[spec.project];
  if (!project) return `Application referencing project ${spec.project} which does not exist`;
  const { name, server } = spec.destination;
  const cluster = Object.values(state.clusters).find((one) => (name ? one.name === name : one.server === server));
  if (!cluster) {
    return name
      ? `application destination spec for ${spec.project} is invalid: unable to find destination server: there are no clusters with this name: ${name}`
      : `cluster '${server ?? ""}' has not been configured`;
  }
  if (!permitsRepository(project, spec.source.repoURL)) {
    return `application repo ${spec.source.repoURL} is not permitted in project '${spec.project}'`;
  }
  if (
    !permitsDestination(project, {
      name: cluster.name,
      server: cluster.server,
      namespace: spec.destination.namespace ?? "",
    })
  ) {
    return `application destination server '${cluster.name}' and namespace '${spec.destination.namespace}' do not match any of the allowed destinations in project '${spec.project}'`;
  }
  return undefined;
}

function permitsRepository(project: Project, url: string): boolean {
  return (project.spec.sourceRepos ?? []).some((pattern) => matches(pattern, url));
}

function permitsDestination(project: Project, place: Required<Destination>): boolean {
  return (project.spec.destinations ?? []).some((one) => {
    const namespace = matches(one.namespace ?? "", place.namespace);
    const byName = one.name !== undefined && one.name !== "" && matches(one.name, place.name);
    const byServer = one.server !== undefined && one.server !== "" && matches(one.server, place.server);
    return namespace && (byName || byServer);
  });
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(text);
}
