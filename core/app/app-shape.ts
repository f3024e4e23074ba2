// An app as people write it: in apps.yaml, in the body of a request, in a form. `app-record.ts` says how pipelines see it.

import { z } from "zod";
import { rolloutProblems } from "../rollout/rollout-problems.ts";
import { rolloutShape } from "../rollout/rollout-shape.ts";

const text = (most: number): z.ZodString =>
  z
    .string()
    .min(1)
    .max(most)
    .regex(/^[^\p{C}]*$/u, "must not have control characters");
/** Names of apps become parts of addresses, repositories and namespaces. */
export const appName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,62}$/,
    "must have at most 63 lower case letters, digits and hyphens, and begin with a letter",
  );
const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, "must have at most 63 lower case letters, digits and hyphens");
const label = z.string().regex(/^[\w./-]{1,100}$/, "must have at most 100 letters, digits, `_`, `.`, `/` and `-`");
/** A path with `/` below the folder of a repository. */
const path = z
  .string()
  .max(500)
  .regex(
    /^(?!\/)(?!.*(?:^|\/)\.\.(?:\/|$))(?!.*\/\/)[^\p{C}\\]+$/u,
    "must be a path inside the repository, without `..` and without `/` at its beginning",
  );
const branch = z.string().regex(/^(?![-/])[^\p{C}\s~^:?*[\\]{1,250}$/u, "must be the name of a branch");
const address = z.url({ protocol: /^https?$/ }).max(500);

/** Of the platform team, or of the app itself: `orders.ci`. */
const pipeline = z
  .string()
  .max(127)
  .regex(/^[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)?$/, "must be the name of a pipeline");

/** `system`: the name of the git host, as its site names it. */
const repository = {
  system: text(63),
  project: z
    .string()
    .max(128)
    .regex(
      /^~?[A-Za-z0-9][\w.-]*(?:\/\w[\w.-]*){0,20}$/,
      "must be the project, workspace or owner of the repository: letters, digits, `_`, `.` and `-`, and `/` between groups",
    ),
  /** Hosts ignore `.git` at the end, so it would be another name of the same repository. */
  slug: z
    .string()
    .regex(
      /^(?!.*\.git$)\w[\w.-]{0,127}$/i,
      "must be the name of a repository, without `.git`: letters, digits, `_`, `.` and `-`",
    ),
  branch: branch.default("main"),
  /** Addresses for people, and for the label of images. */
  url: address.optional(),
  cloneUrl: address.optional(),
};

/** Kinds of projects that CI can build. `dockerfile`: only the Dockerfile is built. */
export const BUILD_KINDS = [
  "npm",
  "pnpm",
  "yarn",
  "maven",
  "gradle",
  "go",
  "pip",
  "poetry",
  "uv",
  "dotnet",
  "dockerfile",
] as const;
export type BuildKind = (typeof BUILD_KINDS)[number];

const commands = z.array(z.string().min(1).max(4_000)).max(50).optional();

const image = z.strictObject({
  name: z.string().regex(/^[a-z0-9][\w.-]{0,127}$/, "must be a name of lower case letters, digits, `_`, `.` and `-`"),
  /** In the registry. Default: the project of the source in lower case, and the name. */
  repository: z
    .string()
    .max(255)
    .regex(/^[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/, "must be a path such as apps/orders")
    .optional(),
  /** Below the context. */
  dockerfile: path.default("Dockerfile"),
  /** Below the folder of the source. */
  context: path.default("."),
  /** Default: what CI finds in the repository. */
  kind: z.enum(BUILD_KINDS).optional(),
  /** Commands in place of those of its kind, run in this order. An empty list: none. */
  install: commands,
  test: commands,
  build: commands,
});

export const YAML_FORMS = ["kustomize", "helm", "plain", "argocd"] as const;

const target = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,119}$/, "must have lower case letters, digits, `.` and `-`"),
  environment: name.optional(),
  site: name,
  /** As Argo CD names it. */
  cluster: z.string().regex(/^[^\p{C}\s]{1,253}$/u, "must be the name of a cluster in Argo CD"),
  /** Kustomize: the folder with the kustomization.yaml. */
  overlay: path.optional(),
  /** Other forms: the files that name the image, or their folder. */
  files: z.array(path).min(1).max(50).optional(),
  /** The place in the files' YAML. Needed only if it is ambiguous. */
  at: text(500).optional(),
  /** Another app writes the same files, and that is meant. Otherwise adopting and changing warn. */
  shared: z.boolean().optional(),
  /** The folder that Argo CD deploys. Default: the overlay, or the folder of the first file. */
  path: path.optional(),
  /** For environments that are branches. Default: the branch of the yaml repository. */
  branch: branch.optional(),
  namespace: name.optional(),
  /** The name of its Argo CD application. Default: `<app>-<cluster>`; the form argocd has no default. */
  application: z
    .string()
    .max(253)
    .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, "must be the name of an Argo CD application")
    .optional(),
});
export type AppTarget = z.output<typeof target>;

const MAX_LABELS = 100;
/** Of all fields as JSON: they are in every list of apps, and every task keeps them. */
const MAX_CHARACTERS = 262_144;

/** The fields of an app, without its name. */
export const appShape = z
  .strictObject({
    title: text(80),
    /** Team and labels decide who has rights on the app (docs/access.md). */
    team: appName.optional(),
    labels: z
      .record(label, label)
      .refine((all) => Object.keys(all).length <= MAX_LABELS, `must have at most ${MAX_LABELS} labels`)
      .optional(),
    source: z.strictObject({ ...repository, folder: path.optional() }),
    /** The site that builds the app and stores its images. */
    build: z.strictObject({
      site: name,
      /** Labels that its runners must have, for example for a toolchain. */
      labels: z.array(label).max(20).optional(),
    }),
    /** Default: one, with the name of the app. */
    images: z.array(image).min(1).max(20).optional(),
    yaml: z.strictObject({
      ...repository,
      form: z.enum(YAML_FORMS).default("kustomize"),
      /** With `pull-request`, CD waits until a person merges. */
      push: z.enum(["direct", "pull-request"]).default("direct"),
      /** Who merges the pull request. Default: a person. Gantry does when every check of the git host has passed. */
      merge: z.enum(["person", "gantry"]).optional(),
    }),
    targets: z.array(target).min(1).max(100),
    /** The waves in which CD deploys to the targets. Default: to all at once. */
    rollout: rolloutShape.optional(),
    /** The pipelines that its buttons start. Default: those that select it, or `ci` and `cd`. */
    pipelines: z.strictObject({ ci: pipeline.optional(), cd: pipeline.optional() }).optional(),
    /** For targets without their own. Default: the name of the app. */
    namespace: name.optional(),
    jira: z
      .strictObject({
        key: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,19}$/, "must be the key of a Jira project, such as ORD"),
        url: address.optional(),
      })
      .optional(),
    /** The project in Harbor. Default: the first part of the repository of the first image. */
    harbor: z.strictObject({ project: text(255) }).optional(),
    /** The project in Argo CD. Default: the name of the app. */
    argocd: z.strictObject({ project: text(253) }).optional(),
    /** The project in SonarQube. Default: the name of the app. */
    sonarqube: z.strictObject({ project: text(253) }).optional(),
  })
  .superRefine((app, context) => {
    const report = (path: readonly (string | number)[], message: string): void =>
      context.addIssue({ code: "custom", path: [...path], message });
    if (JSON.stringify(app).length > MAX_CHARACTERS)
      report(
        [],
        `is larger than ${MAX_CHARACTERS / 1_024} KiB as JSON: put long commands into scripts of the repository`,
      );
    for (const at of repeated(app.images ?? [])) report(["images", at, "name"], "is given to an earlier image");
    for (const at of repeated(app.targets)) report(["targets", at, "name"], "is given to an earlier target");
    if (app.yaml.merge === "gantry" && app.yaml.push !== "pull-request")
      report(["yaml", "merge"], "is only for `push: pull-request`");
    for (const { path: at, detail } of app.rollout ? rolloutProblems(app.rollout, app.targets) : [])
      report(["rollout", ...at], detail);
    app.targets.forEach((one, at) => {
      for (const [field, problem] of misfits(app.yaml.form, one)) report(["targets", at, field], problem);
    });
  })
  .meta({ id: "AppFields" });
export type AppFields = z.output<typeof appShape>;
export type AppInput = z.input<typeof appShape>;

/** Indexes of the elements whose name an earlier element has. */
function repeated(items: readonly { readonly name: string }[]): readonly number[] {
  const names = items.map(({ name }) => name);
  return names.flatMap((one, at) => (names.indexOf(one) < at ? [at] : []));
}

/** Problems with fields of a target that the form of the yaml requires or does not have. */
function misfits(form: AppFields["yaml"]["form"], target: AppTarget): readonly (readonly [string, string])[] {
  const { overlay, files, application } = target;
  if (form === "kustomize") {
    if (overlay !== undefined || files !== undefined) return [];
    return [["overlay", "is missing: the form of the yaml is kustomize"]];
  }
  return [
    ...(files === undefined ? [["files", `is missing: the form of the yaml is ${form}`] as const] : []),
    ...(overlay === undefined ? [] : [["overlay", `must be left out: the form of the yaml is ${form}`] as const]),
    ...(form === "argocd" && application === undefined
      ? [["application", "is missing: it selects one of the applications in the files"] as const]
      : []),
  ];
}
