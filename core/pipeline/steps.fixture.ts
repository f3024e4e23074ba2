// Descriptions of steps as the contract of the three shipped pipelines has them: for tests that must not load connectors.

import { z } from "zod";
import { isJsonObject, type JsonObject } from "../json.ts";
import type { StepDescription } from "./pipeline.ts";

const text = z.string();
const repository = z.object({ system: text.optional(), project: text, slug: text });
const app = { app: text, project: text, revision: text };

const SHAPES: { readonly [name: string]: readonly [input: z.ZodRawShape, output: z.ZodRawShape] } = {
  "git/checkout": [
    { repository, ref: text.optional(), directory: text.default("."), depth: z.int().optional() },
    {
      commit: text,
      shortCommit: text,
      branch: text,
      subject: text,
      author: text,
      directory: text,
      cloneUrl: text,
      url: text,
    },
  ],
  "git/create-repository": [
    { repository, description: text.optional(), private: z.boolean().default(true) },
    { system: text, project: text, slug: text, url: text, cloneUrl: text, defaultBranch: text, created: z.boolean() },
  ],
  "git/check-template": [
    {
      directory: text,
      name: text,
      kind: z.enum(["source", "deploy"]),
      params: z.array(text).default([]),
      values: z.record(text, z.json()),
    },
    { title: text, deploy: text, params: z.record(text, z.json()) },
  ],
  "git/render-template": [{ from: text, into: text, values: z.record(text, z.json()) }, { files: z.int() }],
  "git/commit-push": [
    {
      directory: text.default("."),
      repository,
      branch: text.default("main"),
      message: text,
      trailers: z.record(text, text).optional(),
      onlyIfEmpty: z.boolean().optional(),
    },
    { commit: text, changed: z.boolean(), branch: text, url: text },
  ],
  "git/open-pull-request": [
    { repository, from: text, to: text, title: text, description: text.default(""), supersedes: text.optional() },
    { id: z.int(), url: text, superseded: z.array(z.int()) },
  ],
  "git/set-commit-status": [
    { repository, commit: text, state: text, name: text, description: text.default("") },
    { set: z.boolean() },
  ],
  "git/wait-for-merge": [
    {
      repository,
      id: z.int(),
      merge: z.enum(["person", "gantry"]).optional(),
      commit: text.optional(),
      to: text.optional(),
    },
    { commit: text, url: text },
  ],
  "git/close-pull-requests": [{ repository, from: text, to: text }, { closed: z.array(z.int()) }],
  "harbor/ensure-project": [
    { project: text, system: text.optional() },
    { project: text, created: z.boolean() },
  ],
  "nexus/settings": [
    { formats: z.array(z.enum(["npm", "maven", "pypi"])), directory: text.default("."), system: text.optional() },
    { files: z.array(text), urls: z.record(text, text) },
  ],
  "image/build-push": [
    {
      context: text.default("."),
      dockerfile: text.default("Dockerfile"),
      repository: text,
      system: text.optional(),
      tags: z.array(text),
      labels: z.record(text, text).optional(),
      builder: z.enum(["auto", "assembler", "buildah", "buildctl", "podman", "docker", "kaniko"]).default("auto"),
    },
    {
      image: text,
      digest: text,
      ref: text,
      tags: z.array(text),
      builder: text,
      blobsPushed: z.int(),
      blobsPresent: z.int(),
    },
  ],
  "image/verify": [
    { repository: text, digest: text, system: text.optional() },
    { image: text, digest: text, ref: text },
  ],
  "harbor/wait-for-scan": [
    {
      repository: text,
      digest: text,
      failOn: z.enum(["critical", "high", "medium", "low", "none"]).default("critical"),
      system: text.optional(),
    },
    { severity: text, total: z.int(), fixable: z.int(), counts: z.record(text, z.int()), reportUrl: text },
  ],
  "sonarqube/analyze": [
    {
      projectKey: text,
      projectName: text.optional(),
      directory: text.default("."),
      commit: text.optional(),
      system: text.optional(),
    },
    { ceTask: text, projectKey: text, dashboardUrl: text },
  ],
  "sonarqube/quality-gate": [
    { ceTask: text, projectKey: text, system: text.optional() },
    { status: text, analysis: text, conditions: z.array(z.json()), dashboardUrl: text },
  ],
  "jira/create-project": [
    { key: text, name: text, system: text.optional(), description: text.optional() },
    { key: text, id: text, url: text, created: z.boolean() },
  ],
  "image/verify-images": [
    { images: z.array(z.object({ name: text, repository: text, digest: text, system: text.optional() })) },
    { images: z.array(z.object({ name: text, image: text, digest: text, ref: text })) },
  ],
  "image/copy": [
    {
      from: text,
      copy: z.boolean().default(true),
      images: z.array(z.object({ name: text, repository: text, digest: text })).min(1),
    },
    { images: z.array(z.object({ name: text, image: text, digest: text, ref: text })), copied: z.int() },
  ],
  "yaml/set-images": [
    {
      form: z.enum(["kustomize", "helm", "plain", "argocd"]).default("kustomize"),
      images: z.array(z.object({ name: text, repository: text, digest: text, tag: text.optional() })).min(1),
      targets: z
        .array(
          z.object({
            name: text.optional(),
            files: z.array(text).min(1),
            at: z.union([text, z.array(text), z.record(text, z.json())]).nullish(),
            application: text.nullish(),
          }),
        )
        .min(1),
      imagesAt: z
        .array(z.object({ target: text, images: z.array(z.object({ name: text, repository: text, digest: text })) }))
        .default([]),
      directory: text.default("."),
    },
    { changed: z.boolean(), files: z.array(text), changes: z.array(z.record(text, text)) },
  ],
  "kustomize/set-image": [
    { files: z.array(text).min(1), image: text, newName: text, digest: text, directory: text.default(".") },
    { changed: z.array(text), previous: z.record(text, text) },
  ],
  "argocd/require-cluster": [
    { cluster: text, system: text.optional() },
    { cluster: text, verified: z.boolean() },
  ],
  "argocd/require-app": [
    { app: text, project: text, repoUrl: text, path: text, cluster: text, namespace: text },
    { app: text, exists: z.boolean() },
  ],
  "argocd/ensure-project": [
    {
      project: text,
      description: text.optional(),
      sourceRepos: z.array(text),
      destinations: z.array(z.strictObject({ cluster: text, namespace: text })),
    },
    { project: text, created: z.boolean() },
  ],
  "argocd/ensure-repository": [
    { repository, project: text.optional() },
    { url: text, created: z.boolean() },
  ],
  "argocd/ensure-app": [
    {
      app: text,
      project: text,
      repoUrl: text,
      path: text,
      targetRevision: text,
      cluster: text,
      namespace: text,
      valueFiles: z.array(text).optional(),
      autoSync: z.boolean().default(false),
      labels: z.record(text, text).optional(),
    },
    { app: text, created: z.boolean(), autoSync: z.boolean(), url: text },
  ],
  "argocd/diff": [app, { changed: z.int(), changes: z.array(text) }],
  "argocd/plan": [
    {
      ...app,
      target: text,
      path: text,
      cluster: text,
      namespace: text,
      images: z.array(z.object({ name: text, repository: text, digest: text })),
      changes: z.array(z.looseObject({ place: text, image: text, old: text, new: text })).default([]),
      expected: z.array(text).default([]),
    },
    {
      target: text,
      application: text,
      known: z.boolean(),
      problem: text,
      commit: text,
      hash: text,
      resources: z.array(z.object({ kind: text, name: text, namespace: text, action: text })),
      changes: z.array(text),
      warnings: z.array(z.object({ code: text, severity: text, text })),
      diff: text,
    },
  ],
  "argocd/end-sync": [app, { ended: z.boolean() }],
  "argocd/sync": [app, { operation: text, revision: text }],
  "argocd/wait": [
    { ...app, image: z.union([text, z.array(text)]).optional(), degradedGrace: text.default("20s") },
    { sync: text, health: text, revision: text, images: z.array(text), url: text },
  ],
};

export const STEP_FIXTURES: readonly StepDescription[] = Object.entries(SHAPES).map(([name, [input, output]]) => ({
  name,
  title: name,
  input: schemaOf(z.strictObject(input), "input"),
  output: schemaOf(z.object(output), "output"),
  needs: [],
  effects: [],
  timeoutMs: 60_000,
  undo: false,
}));

function schemaOf(schema: z.core.$ZodType, io: "input" | "output"): JsonObject {
  const plain: unknown = JSON.parse(JSON.stringify(z.toJSONSchema(schema, { io })));
  if (!isJsonObject(plain)) throw new Error("a JSON Schema is an object");
  return plain;
}
