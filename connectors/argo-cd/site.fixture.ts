// One site for the tests of this connector: a git host with a yaml repository, a registry with an image, an Argo CD.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { ArgocdSystem, GitSystem } from "@gantry/core/site/systems.ts";
import type { StepOutcome } from "@gantry/core/step/outcome.ts";
import { type ArgoCd, type ArgoCdOptions, startArgoCd } from "@gantry/lab/fakes/argo-cd/argo-cd.ts";
import type { FakeServer } from "@gantry/lab/fakes/fake-server.ts";
import { type BitbucketDc, startBitbucketDc } from "@gantry/lab/fakes/git/bitbucket-dc.ts";
import { startRegistry } from "@gantry/lab/fakes/registry/registry.ts";
import { openBench, type StepBench } from "../step.fixture.ts";

const run = promisify(execFile);
const GIT_TOKEN = "git-token-1";
/** The account of Argo CD at the git host: it may only read. */
export const READER = { username: "argocd", password: "read-token-1" };
const TOKEN = "argocd-token-1";

export const REPOSITORY = { project: "APPS", slug: "orders-deploy" };

export type Stored = {
  readonly repositories: Readonly<Record<string, { readonly username?: string; readonly password?: string }>>;
};

export type SiteBench = {
  readonly bench: StepBench;
  readonly bitbucket: BitbucketDc;
  readonly registry: FakeServer;
  argocd: ArgoCd;
  readonly systems: { readonly git: GitSystem; readonly argocd: ArgocdSystem };
  readonly cloneUrl: string;
  /** What the fake Argo CD keeps, with the credentials that it shows to nobody. */
  stored(): Promise<Stored>;
  /** Host, name and digest of an image that is there; `tag` makes different ones. */
  image(tag: string): Promise<{ name: string; digest: string; ref: string }>;
  /** Commits files to the branch `main` of the yaml repository and answers the commit. */
  commit(files: Readonly<Record<string, string>>): Promise<string>;
  /** Ends Argo CD abruptly and starts it again on the same port with the same state. */
  restartArgoCd(starting?: ArgoCdOptions["starting"]): Promise<void>;
};

export async function openSiteBench(
  t: { after: (fn: () => Promise<void>) => void },
  timing: ArgoCdOptions["timing"] = {},
  more: {
    readonly argocd?: Partial<ArgoCdOptions>;
    readonly nowMs?: () => number;
    readonly git?: ArgocdSystem["git"];
  } = {},
): Promise<SiteBench> {
  const dir = await mkdtemp(join(tmpdir(), "gantry-argocd-"));
  const bitbucket = await startBitbucketDc({
    name: "bitbucket",
    dir,
    accounts: [
      { user: "gantry", token: GIT_TOKEN, rights: "admin" },
      { user: READER.username, token: READER.password, rights: "read" },
    ],
    projects: [{ key: "APPS", name: "Apps" }],
  });
  await mkdir(join(dir, "seed"), { recursive: true });
  await writeFile(join(dir, "seed", "README.md"), "# orders\n");
  await bitbucket.seedRepository(REPOSITORY.project, REPOSITORY.slug, join(dir, "seed"));
  const [bare = ""] = await readdir(join(dir, "bitbucket", "git"));
  const registry = await startRegistry({ name: "registry", dir });
  const options: ArgoCdOptions = {
    name: "seoul-argocd",
    dir,
    token: TOKEN,
    clusters: [{ name: "seoul-dp", server: "https://seoul-dp.example" }],
    timing: { syncMs: 60, rolloutMs: 150, ...timing },
    ...more.argocd,
  };
  const argocd = await startArgoCd(options);
  const systems = {
    git: {
      kind: "git",
      name: "bitbucket",
      provider: "bitbucket-dc",
      url: bitbucket.url,
      standIn: true,
      username: "gantry",
      token: GIT_TOKEN,
    },
    argocd: {
      kind: "argocd",
      name: "seoul-argocd",
      url: argocd.url,
      standIn: false,
      token: TOKEN,
      git: "git" in more ? more.git : { bitbucket: READER },
    },
  } as const;
  const bench = await openBench({ systems: [systems.git, systems.argocd], limits: { maxPauseMs: 40 }, ...more });
  const cloneUrl = `${bitbucket.url}/scm/apps/orders-deploy.git`;
  const site: SiteBench = {
    bench,
    bitbucket,
    registry,
    argocd,
    systems,
    cloneUrl,
    stored: async () => JSON.parse(await readFile(join(dir, options.name, "state.json"), "utf8")) as Stored,
    image: (tag) => pushImage(registry.url, tag),
    commit: (files) => commitTo(join(dir, "bitbucket", "git", bare), join(dir, "seed"), files),
    restartArgoCd: async (starting = []) => {
      await site.argocd.close();
      site.argocd = await startArgoCd({ ...options, port: argocd.port, starting });
    },
  };
  t.after(async () => {
    await bench.close();
    await site.argocd.close();
    await Promise.all([bitbucket.close(), registry.close()]);
    await rm(dir, { recursive: true, force: true });
  });
  return site;
}

/** A base with a Deployment and a Service, and an overlay for the cluster. */
export function manifests(image: { readonly name: string; readonly digest: string }): Record<string, string> {
  return {
    "base/kustomization.yaml": "resources:\n- deployment.yaml\n- service.yaml\n",
    "base/deployment.yaml": `apiVersion: apps/v1
kind: Deployment
metadata:
  name: orders
spec:
  replicas: 2
  selector:
    matchLabels: {app: orders}
  template:
    metadata:
      labels: {app: orders}
    spec:
      containers:
      - name: web
        image: web
        ports: [{containerPort: 8080}]
`,
    "base/service.yaml":
      "apiVersion: v1\nkind: Service\nmetadata:\n  name: orders\nspec:\n  selector: {app: orders}\n  ports: [{port: 80, targetPort: 8080}]\n",
    ...overlay(image),
  };
}

/** The app of the tests. */
export const PLACE = { app: "orders-seoul-dp", project: "orders" };

export function outputOf<O>(outcome: StepOutcome<O>): O {
  assert.ok(outcome.kind === "succeeded", JSON.stringify(outcome));
  return outcome.output;
}

export function failureOf(outcome: StepOutcome<unknown>, kind: "failed" | "errored") {
  assert.ok(outcome.kind === kind, JSON.stringify(outcome));
  return outcome.failure;
}

export const projectInput = (site: SiteBench) => ({
  project: PLACE.project,
  sourceRepos: [site.cloneUrl],
  destinations: [{ cluster: "seoul-dp", namespace: "orders" }],
});
export const appInput = (site: SiteBench) => ({
  ...PLACE,
  repoUrl: site.cloneUrl,
  path: "overlays/seoul-dp",
  targetRevision: "main",
  cluster: "seoul-dp",
  namespace: "orders",
});

export function overlay({ name, digest }: { readonly name: string; readonly digest: string }): Record<string, string> {
  return {
    "overlays/seoul-dp/kustomization.yaml": `namespace: orders\nresources:\n- ../../base\nimages:\n- name: web\n  newName: ${name}\n  digest: ${digest}\n`,
  };
}

/** As a push would leave it, without the programs that a push takes. */
async function commitTo(bare: string, tree: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await writeFile(join(tree, path), text);
  }
  const env = { PATH: process.env.PATH, GIT_CONFIG_GLOBAL: "/dev/null", GIT_DIR: bare, GIT_WORK_TREE: tree };
  const config = ["core.bare=false", "maintenance.auto=false", "user.name=Kim", "user.email=kim@example.com"];
  const git = (...args: string[]) => run("git", [...config.flatMap((one) => ["-c", one]), ...args], { env });
  await git("add", "--all");
  await git("commit", "--quiet", "--message", "Change");
  return (await git("rev-parse", "HEAD")).stdout.trim();
}

async function pushImage(registry: string, tag: string): Promise<{ name: string; digest: string; ref: string }> {
  const name = `${new URL(registry).host}/apps/orders`;
  const config = Buffer.from(JSON.stringify({ architecture: "amd64", os: "linux", tag }));
  const configDigest = `sha256:${createHash("sha256").update(config).digest("hex")}`;
  const token = await pushToken(registry);
  const headers = { authorization: `Bearer ${token}` };
  const started = await fetch(`${registry}/v2/apps/orders/blobs/uploads/`, { method: "POST", headers });
  const at = new URL(started.headers.get("location") ?? "", registry);
  at.searchParams.set("digest", configDigest);
  const uploaded = await fetch(at, {
    method: "PUT",
    headers: { ...headers, "content-type": "application/octet-stream" },
    body: config,
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const configEntry = {
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: configDigest,
    size: config.length,
  };
  const manifest = JSON.stringify({ schemaVersion: 2, mediaType, config: configEntry, layers: [] });
  const pushed = await fetch(`${registry}/v2/apps/orders/manifests/${tag}`, {
    method: "PUT",
    headers: { ...headers, "content-type": mediaType },
    body: manifest,
  });
  if (!pushed.ok) throw new Error(`push: ${uploaded.status}, ${pushed.status} ${await pushed.text()}`);
  const digest = `sha256:${createHash("sha256").update(manifest).digest("hex")}`;
  return { name, digest, ref: `${name}@${digest}` };
}

async function pushToken(registry: string): Promise<string> {
  const scope = "repository:apps/orders:pull,push";
  const answer = await fetch(`${registry}/service/token?service=registry&scope=${encodeURIComponent(scope)}`);
  return ((await answer.json()) as { token: string }).token;
}
