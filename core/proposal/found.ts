// What the steps of discover-app hand over: the images that a source repository builds, the deployments in a yaml repository, and
// the Argo CD applications of a site.

import { z } from "zod";
import { BUILD_KINDS, YAML_FORMS } from "../app/app-shape.ts";

const text = z.string();

/** Of build/find-images. */
export const foundImages = z.object({
  folder: text.describe("The folder of the source, below the repository"),
  folderFrom: text.describe("The file that says so; empty for the repository itself"),
  images: z.array(
    z.object({
      name: text,
      context: text,
      dockerfile: text,
      file: text.describe("The Dockerfile, below the repository"),
      isGuess: z.boolean().describe("Its context does not follow from where it is"),
      kind: z.enum(BUILD_KINDS).optional(),
      why: text.optional(),
      problem: text.optional().describe("Why CI would not build it"),
      todo: text.optional(),
    }),
  ),
  leftOut: z.array(z.object({ file: text, why: text })),
  isCut: z.boolean().describe("The repository is too large to look at all of it"),
});
export type FoundImages = z.output<typeof foundImages>;

export const deployment = z.object({
  form: z.enum(YAML_FORMS),
  path: text.describe("The folder that is deployed, below the repository"),
  files: z.array(text),
  at: text.optional(),
  namespace: text.optional(),
  application: z
    .object({
      name: text,
      project: text.optional(),
      cluster: text.optional(),
      server: text.optional(),
      namespace: text.optional(),
    })
    .optional(),
  images: z.array(z.object({ image: text, repository: text, file: text, line: z.int(), place: text })),
  missing: z.array(text).describe("Images of the app that it does not name"),
  unclear: z.array(z.object({ image: text, places: z.array(text) })),
});
export type Deployment = z.output<typeof deployment>;

/** Of yaml/find-images. */
export const foundDeployments = z.object({
  deployments: z.array(deployment),
  others: z
    .array(z.object({ repository: text, file: text, line: z.int() }))
    .describe("Images that the files name, if none of them is the app's"),
  problems: z.array(z.object({ file: text, line: z.int().optional(), detail: text })),
  isCut: z.boolean(),
});
export type FoundDeployments = z.output<typeof foundDeployments>;

export const application = z.object({
  name: text,
  project: text,
  sources: z
    .array(z.object({ path: text.optional(), targetRevision: text.optional(), valueFiles: z.array(text) }))
    .describe("Those of the repository"),
  severalSources: z.boolean(),
  cluster: text.optional().describe("Argo CD's name; absent if only an unknown address is known"),
  server: text.optional(),
  namespace: text.optional(),
  autoSync: z.boolean(),
});
export type Application = z.output<typeof application>;

/** Of argocd/find-applications. */
export const foundApplications = z.object({
  applications: z.array(application),
  clusters: z.array(text),
  isCut: z.boolean(),
});
export type FoundApplications = z.output<typeof foundApplications>;
