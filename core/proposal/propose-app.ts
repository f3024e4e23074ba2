// Puts together what was found in the source repository, in the yaml repository and in the Argo CD of each site: an app that could
// be adopted, and what is left for a person to decide. Pure.

import type { JsonObject } from "../json.ts";
import type { Deployment, FoundDeployments, FoundImages } from "./found.ts";
import { folderName } from "./image-fit.ts";
import { type Placed, placeDeployments, type SiteFound } from "./place-deployments.ts";
import { type Found, joinNotes, type Notes, type Open } from "./proposal.ts";
import { placeOf, proposeTargets } from "./propose-targets.ts";

export type Repository = { readonly system: string; readonly project: string; readonly slug: string };

export type Looked = {
  /** What the person gave. */
  readonly request: {
    readonly name: string;
    readonly title?: string | undefined;
    readonly team?: string | undefined;
    readonly source: Repository;
    /** Undefined: the source repository was looked at. */
    readonly yaml: Repository | undefined;
    readonly site: string;
  };
  /** Other sites that could build it; empty when the person has named one. */
  readonly buildSites: readonly string[];
  /** The environments that the definitions declare. */
  readonly environments: readonly string[];
  /** The branches that were read. `isGiven`: the person named it; else it is the default branch. */
  readonly branches: { readonly source: string; readonly yaml: string; readonly isGiven: boolean };
  readonly images: FoundImages;
  readonly yaml: FoundDeployments;
  readonly sites: readonly SiteFound[];
  /** Sites whose Argo CD could not be asked, and why. */
  readonly unasked: readonly { readonly site: string; readonly problem: string }[];
};

export type Proposal = Notes & {
  readonly name: string;
  /** The fields of the app. What `open` calls missing is absent. */
  readonly app: JsonObject;
};

export function proposeApp(looked: Looked): Proposal {
  const { request, yaml } = looked;
  const { name, title = titleOf(name), team } = request;
  const form = formOf(yaml.deployments, looked.sites);
  const placing = placeDeployments(
    yaml.deployments.filter((one) => one.form === form),
    looked.sites,
    { build: request.site, names: [name, request.source.slug] },
  );
  const source = sourceOf(looked);
  const images = imagesOf(looked, placing.placed);
  const repository = yamlOf(looked, form);
  const around = {
    ...{ app: name, slug: request.source.slug, folder: folderName(looked.images.folder) },
    ...{ branch: looked.branches.yaml, yaml: nameOf(repository.place), environments: looked.environments },
  };
  const { targets, ...ofTargets } = proposeTargets(placing, around);
  const project = argocdProjectOf(name, placing.placed);
  const site = siteOf(looked, placing.placed);
  return {
    name,
    app: {
      title,
      ...(team === undefined ? {} : { team }),
      ...{ source: source.value, build: { site: site.value } },
      ...(images.value.length > 0 ? { images: [...images.value] } : {}),
      yaml: repository.value,
      ...(targets.length > 0 ? { targets: [...targets] } : {}),
      ...(project.value === undefined ? {} : { argocd: { project: project.value } }),
    },
    ...joinNotes([
      source.notes,
      site.notes,
      images.notes,
      repository.notes,
      ofTargets,
      targets.length > 0 ? NONE : noTargets(looked, placing.ofOthers),
      { ...NONE, warnings: targets.length > 0 ? placing.ofOthers.map(runsThere) : [] },
      project.notes,
      generalNotes(looked, form),
    ]),
  };
}

const NONE: Notes = { found: [], open: [], warnings: [] };

type Part<T> = { readonly value: T; readonly notes: Notes };

function titleOf(name: string): string {
  return name
    .split("-")
    .filter((word) => word !== "")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(" ");
}

function nameOf({ project, slug }: Repository): string {
  return `${project}/${slug}`;
}

function sourceOf({ request: { source }, branches, images }: Looked): Part<JsonObject> {
  const found: Found[] = [
    { pointer: "/source/branch", from: branches.isGiven ? "given" : `default branch of ${nameOf(source)}` },
  ];
  if (images.folder !== ".") {
    const file = images.folderFrom === "" ? {} : { file: images.folderFrom };
    found.push({ pointer: "/source/folder", from: `where the images are built (${nameOf(source)})`, ...file });
  }
  const folder: JsonObject = images.folder === "." ? {} : { folder: images.folder };
  return { value: { ...source, branch: branches.source, ...folder }, notes: { ...NONE, found } };
}

/** One that the person named, else one where the app runs: what another site builds has to be copied there. */
function siteOf({ request, buildSites }: Looked, placed: readonly Placed[]): Part<string> {
  const pointer = "/build/site";
  if (buildSites.length === 0) return { value: request.site, notes: { ...NONE, found: [{ pointer, from: "given" }] } };
  const runsAt = (one: string): boolean => placed.some(({ site }) => site === one);
  const options = [...buildSites.filter(runsAt), ...buildSites.filter((one) => !runsAt(one))];
  const [value = request.site, second] = options;
  const why = runsAt(value) ? ", and the app runs there" : "";
  const found = [{ pointer, from: `has the git host and a registry${why}` }];
  if (second === undefined) return { value, notes: { ...NONE, found } };
  const problem = `Several sites could build it: ${options.join(", ")}.`;
  return { value, notes: { ...NONE, found, open: [{ pointer, kind: "unclear", problem, options }] } };
}

function imagesOf({ request: { source }, images }: Looked, placed: readonly Placed[]): Part<readonly JsonObject[]> {
  const found: Found[] = [];
  const open: Open[] = [];
  const value = images.images.map((one, at): JsonObject => {
    const where = `/images/${at}`;
    const { name, context, dockerfile, file, isGuess, why, problem, todo = "" } = one;
    found.push({ pointer: `${where}/dockerfile`, from: nameOf(source), file });
    // Without the folder, which the context is.
    if (why !== undefined) found.push({ pointer: `${where}/context`, from: `CI: ${why.replace(/^\S+: /, "")}` });
    if (isGuess)
      open.push({
        pointer: where,
        kind: "unclear",
        problem: `${file} is in a folder without a project; its context may be another one.`,
        options: contextsOf(file, context, images.folder),
      });
    if (problem !== undefined)
      open.push({ pointer: `${where}/kind`, kind: "unclear", problem: `${problem} ${todo}`.trim(), options: [] });
    const repository = repositoryOf(name, placed, where, { found, open });
    const called = nameIn(name, placed, images.images);
    if (called)
      found.push({ pointer: `${where}/name`, from: "the files call it so", file: called.file, line: called.line });
    return { name: called?.name ?? name, ...(repository === undefined ? {} : { repository }), dockerfile, context };
  });
  if (value.length === 0) {
    const problem = `${nameOf(source)} has no Dockerfile${images.isCut ? " in the part that was looked at" : ""}.`;
    open.push({ pointer: "/images", kind: "missing", problem, options: [] });
  }
  const leftOut = images.leftOut.map(({ file, why }) => `${file} is left out: ${why}.`);
  const cut = images.isCut ? [`${nameOf(source)} is large: not all of its folders were looked at.`] : [];
  return { value, notes: { found, open, warnings: [...leftOut, ...cut] } };
}

/** The context that is proposed, and the folder of the Dockerfile: with its path below each of them. */
function contextsOf(file: string, context: string, folder: string): readonly JsonObject[] {
  const path = folder === "." ? file : file.slice(folder.length + 1);
  const own = path.split("/").slice(0, -1).join("/") || ".";
  return [...new Set([context, own])].map((one) => ({
    context: one,
    dockerfile: one === "." ? path : path.slice(one.length + 1),
  }));
}

const IMAGE_NAME = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*$/;
const REPOSITORY = /^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/;

/** A name alone, without the path of a registry: CD finds an image that the files call so only by the name that the app gives it. */
function nameIn(
  image: string,
  placed: readonly Placed[],
  all: FoundImages["images"],
): { readonly name: string; readonly file: string; readonly line: number } | undefined {
  const named = placed.flatMap(({ deployment }) => deployment.images.filter((one) => one.image === image));
  const [first] = named;
  if (!first || named.some(({ repository }) => repository !== first.repository)) return undefined;
  const { repository: name, file, line } = first;
  return IMAGE_NAME.test(name) && !all.some((one) => one.name === name) ? { name, file, line } : undefined;
}

/** As the deployments name it now. */
function repositoryOf(
  image: string,
  placed: readonly Placed[],
  where: string,
  notes: { readonly found: Found[]; readonly open: Open[] },
): string | undefined {
  const named = placed.flatMap(({ deployment }) => deployment.images.filter((one) => one.image === image));
  const usable = named.filter(({ repository }) => REPOSITORY.test(repository) && repository.length <= 255);
  const paths = [...new Set(usable.map(({ repository }) => repository))].filter((one) => one.includes("/"));
  const [first, second] = paths;
  if (first === undefined) return undefined;
  const at = usable.find(({ repository }) => repository === first);
  notes.found.push({
    pointer: `${where}/repository`,
    from: "the image that is deployed now",
    ...(at ? { file: at.file, line: at.line } : {}),
  });
  if (second !== undefined) {
    const problem = `The targets name different repositories: ${paths.join(", ")}.`;
    notes.open.push({ pointer: `${where}/repository`, kind: "unclear", problem, options: paths });
  }
  return first;
}

function yamlOf({ request: { source, yaml }, branches }: Looked, form: Deployment["form"] | undefined) {
  const place = yaml ?? source;
  const from = yaml ? `default branch of ${nameOf(place)}` : `${nameOf(place)}, the source repository`;
  const found: Found[] = [{ pointer: "/yaml/branch", from }];
  if (form !== undefined) found.push({ pointer: "/yaml/form", from: `the files of ${nameOf(place)}` });
  const value: JsonObject = { ...place, branch: branches.yaml, ...(form === undefined ? {} : { form }) };
  return { place, value, notes: { ...NONE, found } };
}

const PREFERENCE = ["kustomize", "helm", "argocd", "plain"] as const;

/** The form that Argo CD deploys already, else the one that names most of the images. */
function formOf(deployments: readonly Deployment[], sites: readonly SiteFound[]): Deployment["form"] | undefined {
  const { placed } = placeDeployments(deployments, sites, { build: "", names: [] });
  const running = placed.filter(({ by }) => by === "application").map(({ deployment }) => deployment);
  const from = running.length > 0 ? running : deployments;
  const least = Math.min(...from.map(({ missing }) => missing.length));
  const whole = from.filter(({ missing }) => missing.length === least);
  return PREFERENCE.find((form) => whole.some((one) => one.form === form));
}

/** An app has one project in Argo CD. */
function argocdProjectOf(app: string, placed: readonly Placed[]): Part<string | undefined> {
  const known = placed.flatMap(({ application, site }) => (application ? [{ ...application, site }] : []));
  const [first] = known;
  if (!first) return { value: undefined, notes: NONE };
  const projects = [...new Set(known.map(({ project }) => project))];
  const pointer = "/argocd/project";
  const found = [{ pointer, from: `Argo CD application ${first.name} at ${first.site}` }];
  const problem = `The applications are in several projects: ${projects.join(", ")}. An app has one.`;
  const open: readonly Open[] = projects.length > 1 ? [{ pointer, kind: "unclear", problem, options: projects }] : [];
  if (first.project === app && projects.length === 1) return { value: undefined, notes: NONE };
  return { value: first.project, notes: { ...NONE, found, open } };
}

function runsThere({ application, site, deployment }: Placed): string {
  return `The Argo CD application ${application?.name} at ${site}, which belongs to another app, deploys ${placeOf(deployment)}, too.`;
}

function noTargets(
  { request: { source, yaml: given }, yaml, images, unasked }: Looked,
  ofOthers: readonly Placed[],
): Notes {
  const place = nameOf(given ?? source);
  const names = images.images.map(({ name }) => name).join(", ");
  const others = yaml.others.slice(0, 5).map(({ repository, file, line }) => `${repository} (${file}:${line})`);
  const says = others.length === 0 ? "its files name no image" : `its files name ${others.join(", ")}`;
  const problem =
    ofOthers.length > 0
      ? `${ofOthers.map(runsThere).join(" ")} Two apps never deploy the same: give this app a folder of its own.`
      : yaml.deployments.length > 0
        ? `No site has an Argo CD that could be asked${unasked.length > 0 ? " now" : ""}.`
        : given
          ? `${place} has no file that names an image of the app (${names || "none was found"}): ${says}.`
          : `${place} has no file that deploys an image of the app: ${says}. Give the yaml repository.`;
  return { ...NONE, open: [{ pointer: "/targets", kind: "missing", problem, options: [] }] };
}

function generalNotes({ yaml, unasked, request }: Looked, form: Deployment["form"] | undefined): Notes {
  const place = nameOf(request.yaml ?? request.source);
  const other = yaml.deployments.filter((one) => one.form !== form);
  const broken = yaml.problems.map(({ file, line, detail }) => {
    return `${file}${line === undefined ? "" : `:${line}`} of ${place} could not be read: ${detail}.`;
  });
  return {
    ...NONE,
    warnings: [
      ...broken,
      ...other.slice(0, 5).map((one) => `${placeOf(one)} names the image in another form (${one.form}).`),
      ...(yaml.isCut ? [`${place} is large: not all of its files were looked at.`] : []),
      ...unasked.map(({ site, problem }) => `The Argo CD of ${site} could not be asked for applications: ${problem}`),
    ],
  };
}
