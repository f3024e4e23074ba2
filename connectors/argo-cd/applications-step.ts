// argocd/find-applications: which applications deploy from a repository already, so that an app with them can be proposed.

import { sameRepository } from "@gantry/core/app/same-repository.ts";
import { type Application, foundApplications } from "@gantry/core/proposal/found.ts";
import { succeeded } from "@gantry/core/step/outcome.ts";
import { defineStep, USUAL_RETRY } from "@gantry/core/step/step.ts";
import { z } from "zod";
import { outlastRestart } from "../outlast.ts";
import { type ArgoCd, connect } from "./client.ts";
import { type ListedApplication, syncsItself } from "./model.ts";

const MAX_APPLICATIONS = 500;

const declared = z.object({
  name: z.string().min(1).max(253),
  project: z.string().optional(),
  cluster: z.string().optional(),
  server: z.string().optional(),
  namespace: z.string().optional(),
});

export const argocdFindApplications = defineStep({
  name: "argocd/find-applications",
  title: "Find the applications of a repository",
  input: z.strictObject({
    repoUrl: z.string().min(1).max(2_048),
    declared: z
      .array(declared)
      .max(200)
      .default([])
      .describe("Applications whose manifests are in the repository; they may deploy from another one."),
    system: z.string().optional(),
  }),
  output: foundApplications,
  needs: ["argocd"],
  // All applications of the site, also those where no app of the task runs.
  acts: () => [{ kind: "site-accounts", access: "read" }],
  effects: [],
  retry: USUAL_RETRY,
  timeoutMs: 60_000,
  plan: async () => [],
  run: (context) =>
    outlastRestart(context, async () => {
      const { repoUrl, declared: wanted } = context.input;
      const client = connect(context.system("argocd", context.input.system), context);
      const [all, clusters] = await Promise.all([client.allApplications(), client.clusters()]);
      const found = all.filter((one) => isFrom(one, repoUrl) || wanted.some((other) => isDeclared(one, other)));
      context.log(found.map(({ metadata: { name } }) => name).join(", ") || "no application");
      return succeeded({
        applications: found.slice(0, MAX_APPLICATIONS).map((one) => factsOf(one, repoUrl, clusters)),
        clusters: clusters.map(({ name }) => name).toSorted(),
        isCut: found.length > MAX_APPLICATIONS,
      });
    }),
});

function sourcesOf({ spec: { source, sources } }: ListedApplication) {
  return [source, ...(sources ?? [])].flatMap((one) => one ?? []);
}

function isFrom(application: ListedApplication, repoUrl: string): boolean {
  return sourcesOf(application).some((one) => one.repoURL !== undefined && sameRepository(one.repoURL, repoUrl));
}

/** Of the same name, and with the same project and destination: another one of this name is of others. */
function isDeclared(
  { metadata, spec: { project, destination } }: ListedApplication,
  { name, ...wanted }: z.output<typeof declared>,
): boolean {
  const fits = (value: string | undefined, there: string | undefined): boolean => value === there;
  return (
    metadata.name === name &&
    fits(wanted.project, project) &&
    fits(wanted.namespace, destination.namespace) &&
    (wanted.cluster === undefined || fits(wanted.cluster, destination.name)) &&
    (wanted.server === undefined || fits(wanted.server, destination.server))
  );
}

function factsOf(
  application: ListedApplication,
  repoUrl: string,
  clusters: Awaited<ReturnType<ArgoCd["clusters"]>>,
): Application {
  const { metadata, spec } = application;
  const { name, server, namespace } = spec.destination;
  const isSame = (url: string): boolean => url.replace(/\/+$/, "") === server?.replace(/\/+$/, "");
  const cluster = name || clusters.find((one) => isSame(one.server))?.name;
  const own = sourcesOf(application).filter((one) => one.repoURL !== undefined && sameRepository(one.repoURL, repoUrl));
  // Value files of a source may be in another one: `$values/prod.yaml`.
  const valueFiles = sourcesOf(application).flatMap(({ helm }) => helm?.valueFiles ?? []);
  return {
    name: metadata.name,
    project: spec.project,
    sources: own.map(({ path, targetRevision }) => ({
      ...(path === undefined ? {} : { path }),
      ...(targetRevision === undefined ? {} : { targetRevision }),
      valueFiles,
    })),
    severalSources: (spec.sources?.length ?? 0) > 0,
    ...(cluster ? { cluster } : {}),
    ...(server ? { server } : {}),
    ...(namespace ? { namespace } : {}),
    autoSync: syncsItself(application),
  };
}
