// Merges the project and the app that Gantry desires in Argo CD with what is there. Pure.

import { isEqual } from "@gantry/core/app/merge-patch.ts";
import { sameRepository } from "@gantry/core/app/same-repository.ts";
import type { NewApplication, NewProject } from "./client.ts";
import { type Application, type Project, syncsItself } from "./model.ts";
import { permitsDestination, permitsRepository } from "./permits.ts";
import { isAtCluster, samePath } from "./same-place.ts";

/** Who made it and for which app; a label, so that people can search for it. */
export const APP_LABEL = "gantry/app";
/** The task that created it. After a crash it shows whether a creation succeeded. */
export const TASK_ANNOTATION = "gantry/task";
/** Argo CD shows annotations of this prefix as links. */
export const RUN_ANNOTATION = "link.argocd.argoproj.io/gantry-run";
const MANAGED_BY = "app.kubernetes.io/managed-by";
/** They say whose an app is, so no pipeline may set them. */
export const OWN_LABELS = [APP_LABEL, MANAGED_BY] as const;

export type Maker = {
  readonly app: string | undefined;
  /** What the app was called when it made something. */
  readonly formerNames?: readonly string[] | undefined;
  readonly task: string;
  readonly url: string;
};

export type DesiredProject = {
  readonly project: string;
  readonly description?: string | undefined;
  readonly sourceRepos: readonly string[];
  readonly destinations: readonly { readonly cluster: string; readonly namespace: string }[];
};

export type DesiredApp = {
  readonly app: string;
  readonly project: string;
  readonly repoUrl: string;
  readonly path: string;
  readonly targetRevision: string;
  readonly cluster: string;
  readonly namespace: string;
  /** Files of the repository with Helm values, in the order in which Helm reads them. */
  readonly valueFiles?: readonly string[] | undefined;
  /** The address of the cluster, if it is known. */
  readonly server?: string | undefined;
  /** Undefined keeps the present setting; a new app then has no auto-sync. */
  readonly autoSync?: boolean | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
};

export function newProject(desired: DesiredProject, maker: Maker): NewProject {
  return {
    metadata: { name: desired.project, labels: labelsOf(maker), annotations: { [TASK_ANNOTATION]: maker.task } },
    spec: {
      description: desired.description ?? "",
      sourceRepos: desired.sourceRepos,
      destinations: desired.destinations.map(destinationOf),
      // The sync option CreateNamespace=true needs the right to make one.
      clusterResourceWhitelist: [{ group: "", kind: "Namespace" }],
    },
  };
}

/**
 * The project with what it lacks; undefined when it already permits everything, by name, address or pattern. What people
 * added stays. `servers`: addresses of clusters by name, as far as they are known.
 */
export function mergeProject(
  there: Project,
  desired: DesiredProject,
  servers: ReadonlyMap<string, string> = new Map(),
): Project | undefined {
  const repos = there.spec.sourceRepos ?? [];
  const places = there.spec.destinations ?? [];
  const newRepos = desired.sourceRepos.filter((one) => !repos.includes(one) && !permitsRepository(there, one));
  const newPlaces = desired.destinations.map(destinationOf).filter((one) => {
    const listed = places.some(({ name, namespace }) => name === one.name && namespace === one.namespace);
    return !listed && !permitsDestination(there, { ...one, server: servers.get(one.name) });
  });
  if (newRepos.length === 0 && newPlaces.length === 0) return undefined;
  const { status: _, ...rest } = there;
  const spec = { ...there.spec, sourceRepos: [...repos, ...newRepos], destinations: [...places, ...newPlaces] };
  return { ...rest, metadata: there.metadata, spec };
}

export function newApp(desired: DesiredApp, maker: Maker): NewApplication {
  const valueFiles = inChart(desired);
  return {
    metadata: {
      name: desired.app,
      labels: { ...labelsOf(maker), ...desired.labels },
      annotations: { [TASK_ANNOTATION]: maker.task, [RUN_ANNOTATION]: maker.url },
    },
    spec: {
      project: desired.project,
      source: {
        repoURL: desired.repoUrl,
        path: desired.path,
        targetRevision: desired.targetRevision,
        ...(valueFiles.length === 0 ? {} : { helm: { valueFiles } }),
      },
      destination: { name: desired.cluster, namespace: desired.namespace },
      syncPolicy: {
        ...(desired.autoSync === true ? { automated: { prune: true, selfHeal: true } } : {}),
        syncOptions: ["CreateNamespace=true"],
      },
    },
  };
}

/**
 * The app with our fields as desired and everything that people added; undefined when it is as desired. One that people made
 * may name the cluster by its address, and follow the default branch as HEAD.
 */
export function mergeApp(there: Application, desired: DesiredApp, maker: Maker): NewApplication | undefined {
  const { source, destination, syncPolicy } = there.spec;
  const labels = there.metadata.labels ?? {};
  const isOurs = labels[APP_LABEL] !== undefined;
  const follows = source?.targetRevision || "HEAD";
  const valueFiles = isOurs ? inChart(desired) : [];
  const same =
    source !== undefined &&
    source !== null &&
    (source.repoURL === desired.repoUrl || (!isOurs && sameRepository(source.repoURL, desired.repoUrl))) &&
    samePath(source.path, desired.path) &&
    (follows === desired.targetRevision || (!isOurs && follows === "HEAD")) &&
    (destination.name === desired.cluster || (!isOurs && isAtCluster(destination, desired))) &&
    destination.namespace === desired.namespace &&
    (valueFiles.length === 0 || isEqual(source.helm?.valueFiles ?? [], valueFiles)) &&
    (desired.autoSync === undefined || desired.autoSync === syncsItself(there)) &&
    Object.entries(desired.labels ?? {}).every(([name, value]) => labels[name] === value);
  if (same) return undefined;
  const { server: _server, ...place } = destination;
  return {
    metadata: {
      name: desired.app,
      ...(there.metadata.namespace === undefined ? {} : { namespace: there.metadata.namespace }),
      labels: { ...labels, ...labelsOf(maker), ...desired.labels },
      annotations: { ...there.metadata.annotations, [RUN_ANNOTATION]: maker.url },
      ...(there.metadata.finalizers ? { finalizers: there.metadata.finalizers } : {}),
    },
    spec: {
      ...there.spec,
      source: {
        ...source,
        repoURL: desired.repoUrl,
        path: desired.path,
        targetRevision: desired.targetRevision,
        ...(valueFiles.length === 0 ? {} : { helm: { ...source?.helm, valueFiles } }),
      },
      destination: { ...place, name: desired.cluster, namespace: desired.namespace },
      syncPolicy: policyAfter(syncPolicy ?? {}, syncsItself(there), desired.autoSync),
    },
  };
}

/** Why this app is not ours to change; undefined when it is, or when it deploys the same place from the same path. */
export function foreignReason(
  there: Application,
  desired: Pick<DesiredApp, "repoUrl" | "path">,
  maker: Maker,
): string | undefined {
  const owner = there.metadata.labels?.[APP_LABEL];
  if (owner !== undefined) {
    const isOwn = owner === maker.app || maker.formerNames?.includes(owner) === true;
    return isOwn ? undefined : `It belongs to the app ${owner} (label ${APP_LABEL}).`;
  }
  const { source } = there.spec;
  const alike = source && sameRepository(source.repoURL, desired.repoUrl) && samePath(source.path, desired.path);
  return alike
    ? undefined
    : `It has no label ${APP_LABEL} and deploys ${source?.repoURL ?? "something else"} ${source?.path ?? ""}.`;
}

/** Did this task make it? */
export function madeBy(there: { metadata: Project["metadata"] }, maker: Maker): boolean {
  return there.metadata.annotations?.[TASK_ANNOTATION] === maker.task;
}

/** Did a task of this app make it? A task without an app knows only that Gantry made it. */
export function isOf({ metadata }: { metadata: Project["metadata"] }, { app, formerNames = [] }: Maker): boolean {
  if (metadata.annotations?.[TASK_ANNOTATION] === undefined) return false;
  const owner = metadata.labels?.[APP_LABEL];
  return owner === app || (owner !== undefined && formerNames.includes(owner));
}

type Policy = NonNullable<Application["spec"]["syncPolicy"]>;

function policyAfter(there: Policy, before: boolean, wanted: boolean | undefined): Policy {
  if (wanted === undefined || wanted === before) return there;
  const { automated, ...rest } = there;
  if (!wanted) return rest;
  const { enabled: _, ...settings } = automated ?? { prune: true, selfHeal: true };
  return { ...rest, automated: settings };
}

function labelsOf(maker: Maker): Record<string, string> {
  return { [MANAGED_BY]: "gantry", ...(maker.app === undefined ? {} : { [APP_LABEL]: maker.app }) };
}

function destinationOf({ cluster, namespace }: { cluster: string; namespace: string }): {
  name: string;
  namespace: string;
} {
  return { name: cluster, namespace };
}

/** As Argo CD names them: below the chart relative to it, else with a `/` from the root. Helm reads `values.yaml` by itself. */
function inChart({ valueFiles: files = [], path }: DesiredApp): string[] {
  const folder = path === "." ? "" : `${path.replace(/^\.\//, "").replace(/\/+$/, "")}/`;
  return files
    .map((file) => (file.startsWith(folder) ? file.slice(folder.length) : `/${file}`))
    .filter((file) => file !== "values.yaml");
}
