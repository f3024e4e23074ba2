// The targets of a proposal, with where each value comes from. Pure.

import type { JsonObject } from "../json.ts";
import type { Deployment } from "./found.ts";
import type { Placed } from "./place-deployments.ts";
import { type Found, joinNotes, type Notes, type Open } from "./proposal.ts";

export type TargetsProposal = Notes & { readonly targets: readonly JsonObject[] };

/** What the app is called, and the branch of its yaml repository. */
export type Around = {
  readonly app: string;
  readonly slug: string;
  /** The last part of the folder of the source in a monorepo. */
  readonly folder: string | undefined;
  readonly branch: string;
  readonly yaml: string;
  /** The environments that the definitions declare. */
  readonly environments: readonly string[];
};

/** `placed`: all of one form. `left`: what is offered besides. */
export function proposeTargets(
  { placed, left }: { readonly placed: readonly Placed[]; readonly left: readonly Placed[] },
  around: Around,
): TargetsProposal {
  const names = uniqueNames([...placed, ...left], around);
  const made = placed.map((one, at) => {
    const name = names[at] ?? "";
    return { target: targetOf(one, name, around), notes: notesOf(one, { name, at }, around) };
  });
  const targets = withApplications(
    made.map(({ target }) => target),
    around,
  );
  const offered = left.map((one, at): Open => {
    const target = targetOf(one, names[placed.length + at] ?? "", around);
    const why = one.application ? `belongs to ${one.application.name}, too` : "has no Argo CD application";
    const problem = `${placeOf(one.deployment)} names the image, too, and ${why}. Add the target if it is one.`;
    return { pointer: "/targets/-", kind: "optional", problem, options: [target] };
  });
  return { targets, ...joinNotes([...made.map(({ notes }) => notes), { found: [], open: offered, warnings: [] }]) };
}

export function placeOf({ files, path }: Deployment): string {
  return files.length > 0 ? files.join(", ") : path;
}

function targetOf({ deployment, site, cluster, application }: Placed, name: string, around: Around): JsonObject {
  const { form, path, files, at } = deployment;
  const namespace = application?.namespace ?? deployment.namespace;
  const known = around.environments.length > 0 ? around.environments : USUAL_ENVIRONMENTS;
  const environment = known.includes(name) ? name : undefined;
  const branch = branchOf(application, around);
  const own = application?.name ?? (form === "argocd" ? deployment.application?.name : undefined);
  return given({
    name,
    environment,
    site,
    cluster,
    ...(form === "kustomize"
      ? { overlay: path }
      : { files, at, path: path === folderOf(files[0] ?? "") ? undefined : path }),
    branch,
    namespace: isName(namespace) ? namespace : undefined,
    application: own,
  });
}

/** Names that people give to environments, where the definitions declare none. */
const USUAL_ENVIRONMENTS: readonly string[] = [
  ...["dev", "development", "test", "testing", "qa", "int", "integration", "uat", "stage", "staging"],
  ...["preprod", "pre-production", "prod", "production"],
];
/** Folders that say nothing about an environment. */
const GENERIC: readonly string[] = [
  ...["", "base", "chart", "charts", "deploy", "deployment", "deployments", "helm", "k8s", "kubernetes", "kustomize"],
  ...["manifests", "overlay", "overlays", "values", "yaml", "app", "apps", "argocd", "applications"],
  ...["all", "manifest", "resources", "service", "services"],
];

function uniqueNames(all: readonly Placed[], around: Around): readonly string[] {
  const names: string[] = [];
  for (const one of all) {
    const name = labelOf(one, around);
    const candidates = [name, `${name}-${one.site}`, `${name}-${plainName(one.cluster ?? "")}`];
    const free = candidates.find((candidate) => !names.includes(candidate) && isTargetName(candidate));
    let number = 2;
    while (free === undefined && names.includes(`${name}-${number}`)) number += 1;
    names.push(free ?? `${name}-${number}`);
  }
  return names;
}

/** What tells its path from those of other environments; else its site. */
function labelOf({ deployment: { path, files }, site }: Placed, { app, slug, folder }: Around): string {
  const [file = ""] = files.length === 1 ? files : [];
  const base = (file.split("/").at(-1) ?? "").replace(/\.ya?ml$/, "").replace(/^values[-._]|[-._]values$/g, "");
  const parts = [...path.split("/"), base].map(plainName);
  const own = [app, plainName(slug), plainName(folder ?? "")];
  const told = parts.findLast((part) => !GENERIC.includes(part) && !own.includes(part));
  const short = told?.replace(new RegExp(`^${app}-|-${app}$`), "");
  return short !== undefined && isTargetName(short) ? short : site;
}

function plainName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 80);
}

function isTargetName(text: string): boolean {
  return /^[a-z0-9][a-z0-9.-]{0,119}$/.test(text);
}

function isName(text: string | undefined): boolean {
  return text !== undefined && /^[a-z0-9][a-z0-9-]{0,62}$/.test(text);
}

/** Two targets on one cluster would get the same name by default. */
function withApplications(targets: readonly JsonObject[], { app }: Around): readonly JsonObject[] {
  return targets.map((one) => {
    if (one.application !== undefined) return one;
    const isAlone = targets.every(
      (other) =>
        other === one ||
        other.site !== one.site ||
        (other.cluster !== one.cluster && other.application !== `${app}-${one.cluster}`),
    );
    return isAlone
      ? one
      : { ...one, application: `${app}-${String(one.name)}-${String(one.cluster ?? "")}`.replace(/-$/, "") };
  });
}

function branchOf(application: Placed["application"], { branch }: Around): string | undefined {
  const [revision] = application?.sources.flatMap(({ targetRevision }) => targetRevision ?? []) ?? [];
  return revision === undefined || revision === "" || revision === "HEAD" || revision === branch ? undefined : revision;
}

function notesOf(placed: Placed, { name, at }: { readonly name: string; readonly at: number }, around: Around): Notes {
  const { deployment, site, application, by } = placed;
  const where = `/targets/${at}`;
  const found: Found[] = [];
  const [image] = deployment.images;
  const path = deployment.form === "kustomize" ? `${where}/overlay` : `${where}/files`;
  if (image)
    found.push({
      pointer: path,
      from: `names ${image.repository}`,
      file: image.file,
      line: image.line,
    });
  const said = {
    application: `Argo CD application ${application?.name} at ${site}`,
    path: `the path ${placeOf(deployment)}`,
    default: "the site that builds the app",
  }[by];
  found.push({ pointer: `${where}/site`, from: said });
  if (placed.cluster !== undefined) {
    const from = by === "application" ? said : `the clusters of the Argo CD of ${site}`;
    found.push({ pointer: `${where}/cluster`, from });
  }
  if (application) {
    const sync = application.autoSync ? "auto-sync is on" : "auto-sync is off";
    found.push({ pointer: `${where}/application`, from: `${said}; ${sync}` });
    if (isName(application.namespace)) found.push({ pointer: `${where}/namespace`, from: said });
    if (branchOf(application, around) !== undefined) found.push({ pointer: `${where}/branch`, from: said });
  } else if (isName(deployment.namespace))
    found.push({ pointer: `${where}/namespace`, from: `${placeOf(deployment)} (${around.yaml})` });
  return {
    found,
    open: [...openOf(placed, where, name), ...openEnvironment(name, where, around)],
    warnings: warningsOf(placed),
  };
}

function openEnvironment(name: string, where: string, { environments }: Around): readonly Open[] {
  if (environments.length === 0 || environments.includes(name)) return [];
  const problem = `Nothing says in which environment the target ${name} is: in none, it takes every build of the release branch.`;
  return [{ pointer: `${where}/environment`, kind: "optional", problem, options: [...environments] }];
}

function openOf(
  { deployment, site, cluster, choices, application, rivals, by }: Placed,
  where: string,
  name: string,
): readonly Open[] {
  const open: Open[] = [];
  if (cluster === undefined)
    open.push({
      pointer: `${where}/cluster`,
      kind: "missing",
      problem: application?.server
        ? `The application deploys to ${application.server}, and Argo CD shows no name for it.`
        : `The account of Gantry sees no cluster in the Argo CD of ${site}.`,
      options: choices.map((one) => one.cluster),
    });
  else if (choices.length > 0)
    open.push({
      pointer: where,
      kind: "unclear",
      problem:
        by === "default"
          ? `Nothing says where ${placeOf(deployment)} runs.`
          : `${site} has several clusters: ${choices.map((one) => one.cluster).join(", ")}.`,
      // A target that has the name of its site follows it.
      options: choices.map((one) => (name === site ? { name: one.site, ...one } : one)),
    });
  if (rivals.length > 0) {
    const names = [application, ...rivals].flatMap((one) => one?.name ?? []);
    open.push({
      pointer: `${where}/application`,
      kind: "unclear",
      problem: `${names.join(" and ")} deploy ${placeOf(deployment)} to the same namespace. Keep one of them.`,
      options: names,
    });
  }
  for (const { image, places } of deployment.unclear)
    open.push({
      pointer: `${where}/at`,
      kind: "unclear",
      problem: `Several places name the image ${image}: ${places.join(", ")}.`,
      options: places,
    });
  return open;
}

function warningsOf({ deployment, application, site }: Placed): readonly string[] {
  const { missing, form } = deployment;
  const what = `${placeOf(deployment)} does not name the image ${missing.join(", ")}`;
  // CD adds an entry to a kustomization, and refuses files of the other forms.
  const effect =
    form === "kustomize"
      ? "CD adds an entry only if a base uses it. An image that runs elsewhere can be an app of its own"
      : "CD would end with an error";
  return [
    ...(missing.length > 0 ? [`${what}: ${effect}.`] : []),
    ...(application?.severalSources
      ? [
          `The Argo CD application ${application.name} at ${site} has several sources, which CD refuses. Give it one source first.`,
        ]
      : []),
    ...(application && application.namespace === undefined
      ? [`The Argo CD application ${application.name} at ${site} names no namespace.`]
      : []),
  ];
}

function folderOf(file: string): string {
  return file.split("/").slice(0, -1).join("/") || ".";
}

function given(fields: { readonly [key: string]: unknown }): JsonObject {
  // Only what JSON can hold: fields without a value are left out.
  return JSON.parse(JSON.stringify(fields)) as JsonObject;
}
